package dev.assize.server.ledger;

import java.util.SortedMap;

/** Knows which query columns a frame must have. The meaning of the bytes is its own business. */
public interface Projector {

    /** The columns a frame must have, by column name, as text; absent ones are null in the store. */
    default SortedMap<String, String> project(byte[] frame) {
        return project(FrameFields.read(frame));
    }

    /** The same of a frame that was read. */
    SortedMap<String, String> project(FrameFields fields);
}

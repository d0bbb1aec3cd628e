package dev.assize.server.ledger;

import java.util.SortedMap;

/** Knows which query columns a frame must have. The meaning of the bytes is its own business. */
public interface Projector {

    /** The columns a frame must have, by column name, as text; absent ones are null in the store. */
    SortedMap<String, String> project(byte[] frame);
}

package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Consumer;

/** Knows what a frame means for the store it is in. The meaning of the bytes is its own business. */
public interface Projector {

    /** The columns a frame must have, by column name, as text; absent ones are null in the store. */
    default SortedMap<String, String> project(byte[] frame) {
        return project(FrameFields.read(frame));
    }

    /** The same of a frame that was read. */
    SortedMap<String, String> project(FrameFields fields);

    /** Whether columns are surely those that the frame must have; where it is not sure, they are to be projected. */
    default boolean fits(FrameFields fields, Envelope envelope, SortedMap<String, String> columns) {
        return false;
    }

    /** What the frame has in place of values beside it, by field. */
    default SortedMap<Integer, Digest> commitments(FrameFields fields) {
        return Collections.emptySortedMap();
    }

    /** Hands out what else the frame mentions that is kept beside the ledger, if it is whole. */
    default void mentions(FrameFields fields, Consumer<String> names) {}

    /**
     * What the entry says was erased; empty where it is not of the type that says so.
     *
     * @throws MalformedFrameException where it is, and does not say it as the format has it
     */
    default Optional<ErasureNotice> erasure(FrameFields fields) {
        return Optional.empty();
    }
}

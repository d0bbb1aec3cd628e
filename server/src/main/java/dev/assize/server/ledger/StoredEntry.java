package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.util.List;
import java.util.SortedMap;

/**
 * An entry as it stands in the store, believed by nobody until verified.
 *
 * @param seq as the store has it
 * @param frame the exact bytes that were hashed
 * @param entryHash as the store has it
 * @param columns the query columns as the store has them, by column name, as a {@link Projector} writes them; a
 *     column that is null is absent
 * @param beside the values that the store keeps beside the frame
 */
public record StoredEntry(
        long seq, byte[] frame, Digest entryHash, SortedMap<String, String> columns, List<ErasableValue> beside) {

    /** One without values beside its frame. */
    public StoredEntry(long seq, byte[] frame, Digest entryHash, SortedMap<String, String> columns) {
        this(seq, frame, entryHash, columns, List.of());
    }
}

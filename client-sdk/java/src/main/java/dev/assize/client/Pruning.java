package dev.assize.client;

import org.jspecify.annotations.Nullable;

/**
 * The beginning of a ledger that is to go to the archive, or what of it has gone.
 *
 * @param id of the proposal; empty where nothing was proposed
 * @param fromSeq the first entry
 * @param toSeq the first entry that stays
 * @param limit why it is not more; empty where it is all that was asked for
 * @param pruned what went with this call; null where nothing did
 * @param remaining entries that are yet to go
 * @param archive where they go to, for the operator
 */
public record Pruning(
        String id,
        long fromSeq,
        long toSeq,
        String limit,
        @Nullable Part pruned,
        long remaining,
        String archive) {

    /**
     * Entries that went together.
     *
     * @param object the name in the archive
     * @param digest the SHA-256 of its bytes, in hexadecimal
     * @param recordedSeq the entry that records it
     */
    public record Part(long fromSeq, long toSeq, String object, String digest, long recordedSeq) {}
}

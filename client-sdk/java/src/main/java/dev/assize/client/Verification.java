package dev.assize.client;

import java.util.OptionalLong;

/**
 * What recomputing a stretch of a ledger found.
 *
 * @param valid whether every entry is as it was recorded
 * @param verified entries recomputed
 * @param fromSeq first position in question
 * @param toSeq last position in question; -1 for an empty ledger
 * @param headHash hash of the last entry verified, as hexadecimal digits
 * @param origin the ledger's name
 * @param firstBadSeq the first position that is not as it was recorded
 * @param fault what kind of fault, as {@code ENTRY_HASH}; empty where valid
 * @param message one sentence about it; empty where valid
 * @param redacted of the entries verified, those of which values were erased, as others say
 */
public record Verification(
        boolean valid,
        long verified,
        long fromSeq,
        long toSeq,
        String headHash,
        String origin,
        OptionalLong firstBadSeq,
        String fault,
        String message,
        long redacted) {

    /** Hears how far a verification is. */
    @FunctionalInterface
    public interface Progress {
        void verified(long verified, long total);
    }
}

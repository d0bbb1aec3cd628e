package dev.assize.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What keeps entries of a ledger from being erased, until somebody else than who placed it releases it.
 *
 * @param scope which entries it is on
 * @param placedBy the caller that placed it
 * @param placedSeq the entry that records it
 * @param releasedBy the caller that released it; empty while it is in force
 * @param releasedAt null while it is in force
 */
public record LegalHold(
        String id,
        Scope scope,
        String reason,
        String placedBy,
        Instant placedAt,
        long placedSeq,
        String releasedBy,
        @Nullable Instant releasedAt) {

    /** Whether it still keeps entries. */
    public boolean isInForce() {
        return releasedAt == null;
    }

    /**
     * Which entries a hold is on: those that fulfil all that is given.
     *
     * @param actor empty for any
     * @param resource a path, for it and everything under it; empty for any
     * @param from recorded at that time or later; null for any
     * @param to recorded before that time; null for any
     */
    public record Scope(
            String actor,
            String resource,
            @Nullable Instant from,
            @Nullable Instant to) {

        /** All entries of the tenant, those to come included. */
        public static final Scope EVERYTHING = new Scope("", "", null, null);
    }
}

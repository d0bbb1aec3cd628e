package dev.assize.server.retention;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What keeps entries from being erased.
 *
 * @param id given by the ledger: no two holds of a tenant share it
 * @param placed by whom, when, and which entry says so
 * @param released null while it is in force
 */
public record Hold(
        String id,
        HoldScope scope,
        String reason,
        Act placed,
        @Nullable Act released) {

    /** Who did it, when, and the position of the entry that says so. */
    public record Act(Recorder by, Instant at, long seq) {}

    /** A hold to be placed. */
    public record Placing(TenantId tenant, Recorder by, HoldScope scope, String reason) {}

    /** A hold to be released. */
    public record Release(TenantId tenant, Recorder by, String id, String reason) {}

    /** How a release ended. */
    public sealed interface ReleaseResult {

        /** Released, now or before. */
        record Released(Hold hold) implements ReleaseResult {}

        /** There is no such hold. */
        record NoSuchHold() implements ReleaseResult {}

        /** Whoever placed it cannot release it. */
        record Own(Hold hold) implements ReleaseResult {}
    }

    /** Where a list goes on. */
    public record Page(boolean includeReleased, Optional<Long> behindSeq, int limit) {}
}

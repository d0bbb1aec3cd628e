package dev.assize.server.administration.review;

import dev.assize.server.administration.review.GrantRecords.Use;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A row of a review with what was written down about it.
 *
 * @param given the change that wrote the binding as it stands; null where policy has changed meanwhile
 * @param joined the change that wrote the group that names the subject as it stands; null where the binding does
 */
public record ReviewedGrant(
        GrantRow row, @Nullable Change given, @Nullable Change joined, LastUse lastUse) {

    /**
     * A change of policy.
     *
     * @param origin what made it; empty where the ledger does not have its manifest any more
     * @param proposal which it was; empty where it was none
     * @param approvers who accepted that
     */
    public record Change(GrantRecords.Written written, String origin, String proposal, List<String> approvers) {}

    /** When a grant was last used, as far as anybody wrote it down. */
    public sealed interface LastUse {

        /** It is on record. */
        record OnRecord(Use use) implements LastUse {}

        /** All decisions are on record, and among the latest of the subject none rests on it. */
        record NoneFound() implements LastUse {}

        /** The tenant does not put what it allows on record, or the grant names nobody. */
        record NotRecorded() implements LastUse {}
    }
}

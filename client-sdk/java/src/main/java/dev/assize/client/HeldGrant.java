package dev.assize.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One role that one subject has by one binding, as a review of access shows it.
 *
 * @param subject `user:alice`, or `user:*` or `*` where the binding says so
 * @param subjectTenant its home
 * @param groups by which the binding reaches the subject; empty where it names the subject
 * @param inheritedThrough roles by which it gives this one; empty where it names this one
 * @param environments to which it is limited; empty for no limit, and so are the next two
 * @param condition of the binding; empty for none
 * @param notBefore null for always
 * @param notAfter null for ever
 * @param reason in the binding
 * @param given the change that wrote the binding as it stands; null where policy changed while it was read
 * @param joined the change that wrote the group that names the subject as it stands; null where the binding names it
 */
public record HeldGrant(
        String subject,
        String subjectTenant,
        String role,
        String binding,
        List<String> groups,
        List<String> inheritedThrough,
        List<String> environments,
        List<String> resourceTypes,
        List<String> resources,
        String condition,
        @Nullable Instant notBefore,
        @Nullable Instant notAfter,
        String reason,
        @Nullable Change given,
        @Nullable Change joined,
        LastUse lastUse) {

    public HeldGrant {
        groups = List.copyOf(groups);
        inheritedThrough = List.copyOf(inheritedThrough);
        environments = List.copyOf(environments);
        resourceTypes = List.copyOf(resourceTypes);
        resources = List.copyOf(resources);
    }

    /**
     * A change of policy.
     *
     * @param seq of its manifest in the tenant's ledger
     * @param origin what made it, such as `apply` or `grant`; empty where nobody knows any more
     * @param proposal which it was; empty where it was none
     * @param approvers who accepted that
     */
    public record Change(
            long revision,
            Instant at,
            String by,
            String byTenant,
            String reason,
            long seq,
            String origin,
            String proposal,
            List<String> approvers) {

        public Change {
            approvers = List.copyOf(approvers);
        }
    }

    /** When a grant was last used, as far as anybody wrote it down. */
    public sealed interface LastUse {

        /** It is on record, in or by the entry of that position. */
        record OnRecord(Instant at, long seq) implements LastUse {}

        /** All decisions are on record, and among the latest of the subject none rests on it. */
        record NoneFound() implements LastUse {}

        /** The tenant does not put what it allows on record, or the grant names nobody. */
        record NotRecorded() implements LastUse {}
    }
}

package dev.assize.server.decision;

import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where the PDP gets policy from. Blocks; never called on the path of a decision that the cache can answer. */
public interface PolicySource {

    /** The tenant's and the platform's policy as of one moment; empty where there is no such tenant. */
    Optional<PolicySnapshot> load(TenantId tenant);

    /**
     * What the policy has become since a snapshot, at the cost of what changed; empty where the tenant has gone. The new
     * sets share with the old ones what did not change.
     */
    Optional<PolicyUpdate> update(PolicySnapshot known);

    /**
     * The policy of a past moment.
     *
     * @throws RevisionNeverCommittedException where the revision named was never committed
     * @throws dev.assize.server.model.MalformedException where it was not yet at the moment named
     */
    Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past);

    /** The current revisions of those of the scopes that exist. */
    Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes);

    /** The same, and what time it is where policy is kept. */
    default Heads heads(Set<PolicyScope> scopes) {
        return new Heads(revisions(scopes), null);
    }

    /**
     * How old what is read of a tenant from now on may be, at most: nothing where policy is kept, and more where it is only
     * heard of.
     */
    default Duration age(TenantId tenant) {
        return Duration.ZERO;
    }

    /** Whether what was committed is known here as soon as it is: where policy is only heard of, there may be more. */
    default boolean knowsWhatIsCommitted() {
        return true;
    }

    /**
     * Where scopes stand.
     *
     * @param readAt by the clock of wherever policy is kept, at the moment they were read; null where that has none
     * @param ages how old what is said of a tenant may be; nothing where none is given
     */
    record Heads(
            Map<PolicyScope, Revision> revisions, @Nullable Instant readAt, Map<TenantId, Duration> ages) {

        /** Of this very moment. */
        public Heads(Map<PolicyScope, Revision> revisions, @Nullable Instant readAt) {
            this(revisions, readAt, Map.of());
        }

        /** The age of what is oldest. */
        Duration oldest() {
            return ages.values().stream().max(Comparator.naturalOrder()).orElse(Duration.ZERO);
        }
    }

    /** A tenant's policy beside the platform's, read in one transaction. */
    record PolicySnapshot(PolicySet tenant, PolicySet platform) {}

    /**
     * A newer snapshot.
     *
     * @param changed the names of all documents, of tenant and platform, that were created, replaced or deleted
     */
    record PolicyUpdate(PolicySnapshot snapshot, Set<DocumentKey> changed) {}

    /**
     * A snapshot of the past.
     *
     * @param committedBy the moment up to which history and approvals count: the one asked about, or that at which the
     *     revision asked about was committed
     */
    record PastPolicy(PolicySnapshot snapshot, Instant committedBy) {}
}

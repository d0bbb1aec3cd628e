package dev.assize.server.administration;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Where policy is kept. Blocks; a broken surrounding is an exception. */
public interface PolicyRepository {

    /**
     * Runs the planner in one transaction that has locked the scopes against other changes, and commits what it
     * plans together with its ledger entries: all or nothing. A plan without scope plans commits nothing.
     *
     * @return for each scope plan in order, the position of its first ledger entry
     */
    List<Long> change(Set<PolicyScope> scopes, Planner planner);

    /**
     * The same for a planner that may take long: it plans on a snapshot, and holds up nobody. What it planned is committed
     * only where everything it was shown still stands, seen under lock; otherwise it plans again, after some rounds under
     * lock. Where it plans nothing, nothing is locked at all.
     */
    List<Long> changeAhead(Set<PolicyScope> scopes, Planner planner);

    /** A scope's documents at its current revision; empty set at revision 0 where there are none. */
    PolicySet current(PolicyScope scope);

    /** Revisions below {@code before}, newest first. */
    List<RevisionRecord> revisions(PolicyScope scope, @Nullable Revision before, int limit);

    /** Decides, from what is there, what to write. May throw to abort; nothing is then written. */
    interface Planner {
        List<ScopePlan> plan(Present present);

        /** What the last plan leaves as it is and is to be answered again under its key; asked behind the plan. */
        default List<Unchanged> unchanged() {
            return List.of();
        }
    }

    /** A scope that a request with a key left as it was. */
    record Unchanged(PolicyScope scope, Revision revision, Recorder recorder, Once once) {}

    /** What is there at one moment, at which it is changed or at all; asked by the planner, and only while it plans. */
    interface Present {

        /** The documents of the platform or of a scope that was named; empty at revision 0 where there are none. */
        PolicySet documents(PolicyScope scope);

        /** What {@link #documents} adds up to. */
        PolicySum sum(PolicyScope scope);

        /**
         * Every tenant that ever had policy, one read after the other: whoever keeps none of them can look at more than
         * fit into memory. Only where the platform was named.
         */
        Iterable<PolicySet> tenants();

        /** What was done in a scope that was named, when the recorder asked for it under this key. */
        Optional<Answered> answered(PolicyScope scope, Recorder recorder, String key);

        /** What became of documents with a revision of a scope that was named, by key. */
        SortedMap<DocumentKey, ChangeType> changedBy(PolicyScope scope, Revision revision);
    }

    /**
     * What a request came to that was carried out under a key.
     *
     * @param changed whether it changed the scope
     * @param at the revision that it made, or else found; null where it found none
     */
    record Answered(Once once, boolean changed, @Nullable RevisionRecord at) {}

    /**
     * What to write in one scope.
     *
     * @param revision the new one, the base's successor
     * @param sum what all documents of the scope then add up to
     * @param entries for the ledger of {@link PolicyScope#ledgerTenant()}, the manifest first
     * @param ownEntries for the ledger of tenant `assize`, which hears of it too; none where that is the same
     * @param once the request, to be found again by its key; null where it has none
     */
    record ScopePlan(
            PolicyScope scope,
            Revision revision,
            List<Document> puts,
            List<DocumentKey> deletes,
            PolicySum sum,
            RevisionRecord record,
            List<AuditEvent> entries,
            List<AuditEvent> ownEntries,
            @Nullable Once once) {

        /** The same, with more entries behind it. */
        public ScopePlan with(List<AuditEvent> more) {
            List<AuditEvent> all =
                    Stream.concat(entries.stream(), more.stream()).toList();
            return new ScopePlan(scope, revision, puts, deletes, sum, record, all, ownEntries, once);
        }
    }

    /**
     * An accepted change.
     *
     * @param committedAt later than that of any revision which it was judged beside; what a plan says here is replaced
     *     by the store
     * @param changeCount documents created, replaced and deleted
     * @param seq of the manifest; what a plan says here is replaced by the store
     */
    record RevisionRecord(
            Revision revision,
            Instant committedAt,
            Recorder actor,
            Optional<String> reason,
            int changeCount,
            Digest changeDigest,
            Digest policyDigest,
            long seq) {}
}

package dev.assize.server.storage;

import static java.util.Objects.requireNonNull;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.storage.PolicyVersions.Changed;
import dev.assize.server.storage.ScopeHeads.Head;
import dev.assize.server.storage.SeenPolicies.Question;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.lang.ref.Reference;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Policy in PostgreSQL. A document's versions hold from one revision to before another, so each revision can be read
 * back.
 *
 * <p>Locks are taken in one order by everybody: scopes as they sort, the platform first, then ledger heads by tenant.
 * A change of tenants shares the platform's row, a change of the platform has it alone; so whoever changes the platform
 * sees tenants that stand still.
 */
final class PostgresPolicyRepository implements PolicyRepository, PolicySource {

    /** How long a planner may think while it holds the locks. */
    private static final Duration PLANNER_LIMIT = Duration.ofMinutes(1);

    /** So often a change is planned before it locks; where policy moves each time, it is planned under lock. */
    private static final int ROUNDS_AHEAD = 3;

    /** Not `now()`, which is when the transaction began. */
    private static final String CLOCK = "SELECT clock_timestamp()";

    /** Columns of a revision, as {@link #record} reads them. */
    static final String REVISION_COLUMNS = "r.revision, r.committed_at, r.actor, r.actor_tenant, r.reason,"
            + " r.change_count, r.change_digest, r.policy_digest, r.seq";

    private static final String REVISIONS = "SELECT " + REVISION_COLUMNS + " FROM assize.policy_revision r"
            + " WHERE r.scope_key = ? AND r.revision < ? ORDER BY r.revision DESC LIMIT ?";

    private static final String COMMITTED_AT =
            "SELECT committed_at FROM assize.policy_revision WHERE scope_key = ? AND revision = ?";

    /** None is before the first. */
    private static final String REVISION_AT = "SELECT coalesce(max(revision), 0) FROM assize.policy_revision"
            + " WHERE scope_key = ? AND committed_at <= ?";

    private final Database database;
    private final LedgerWriter ledger;
    private final AuditCodec codec;
    private final KnownPolicies known = KnownPolicies.withinHeap();

    @Inject
    PostgresPolicyRepository(Database database, LedgerWriter ledger, AuditCodec codec) {
        this.database = database;
        this.ledger = ledger;
        this.codec = codec;
    }

    @Override
    public List<Long> change(Set<PolicyScope> scopes, Planner planner) {
        return underLock(scopes, locked -> locked.carryOut(planner));
    }

    @Override
    public List<Long> changeAhead(Set<PolicyScope> scopes, Planner planner) {
        for (int round = 0; round < ROUNDS_AHEAD; round++) {
            Ahead<Planned> ahead =
                    ahead(scopes, (_, present) -> new Planned(planner.plan(present), planner.unchanged()));
            if (ahead.found.isEmpty()) {
                return List.of();
            }
            Optional<List<Long>> written = ifStands(scopes, ahead, locked -> Optional.of(locked.carryOut(ahead.found)));
            if (written.isPresent()) {
                return written.get();
            }
        }
        return change(scopes, planner);
    }

    /** Looks at the scopes as they are, and holds up nobody. */
    <T> Ahead<T> ahead(Set<PolicyScope> scopes, Look<T> look) {
        return database.inLongSnapshot(PolicyScope.PLATFORM.key(), transaction -> {
            SortedMap<PolicyScope, Head> heads = ScopeHeads.peek(transaction, scopes);
            SeenPolicies present = new SeenPolicies(transaction, heads, known);
            T found = look.at(transaction, present);
            return new Ahead<>(heads, present.answers(), found);
        });
    }

    /** Does what comes of a look, behind the locks; empty, and nothing is written, where something else is there by now. */
    <R> Optional<R> ifStands(Set<PolicyScope> scopes, Ahead<?> ahead, LockedWork<Optional<R>> work) {
        return locked(scopes, locked -> {
            Optional<R> done = locked.stands(ahead) ? work.run(locked) : Optional.empty();
            if (done.isEmpty()) {
                locked.transaction.abandon();
            }
            return done;
        });
    }

    /** What is looked at before anything is locked. */
    interface Look<T> {
        T at(TenantTransaction transaction, Present present) throws SQLException;
    }

    /**
     * What was found before anything was locked.
     *
     * @param heads everything it was shown hangs on these
     * @param answers and on these, which may be given without a new revision
     */
    record Ahead<T>(SortedMap<PolicyScope, Head> heads, Map<Question, Optional<Answered>> answers, T found) {}

    /** What a planner planned. */
    private record Planned(List<ScopePlan> plans, List<Unchanged> unchanged) {

        boolean isEmpty() {
            return plans.isEmpty() && unchanged.isEmpty();
        }
    }

    /** Runs work in one transaction that has locked the scopes against other changes. */
    <R> R underLock(Set<PolicyScope> scopes, LockedWork<R> work) {
        List<PolicySet> ahead = scopes.stream().map(this::readAhead).toList();
        try {
            return locked(scopes, work);
        } finally {
            // What is known may be known only as long as somebody holds it.
            Reference.reachabilityFence(ahead);
        }
    }

    private <R> R locked(Set<PolicyScope> scopes, LockedWork<R> work) {
        return database.inTransaction(Mode.WRITE, PolicyScope.PLATFORM.key(), PLANNER_LIMIT, transaction -> {
            SortedMap<PolicyScope, Head> heads = ScopeHeads.lock(transaction, new TreeSet<>(scopes));
            return work.run(new Locked(transaction, heads));
        });
    }

    /** What is done under the locks of a change. */
    interface LockedWork<R> {
        R run(Locked locked) throws SQLException;
    }

    /** Before anything is locked: what is not known, or not indexed, costs the whole policy; under lock, the rest. */
    private PolicySet readAhead(PolicyScope scope) {
        PolicySet start = known.find(scope);
        PolicySet set = start == null ? current(scope) : start;
        set.prepareForChange();
        return set;
    }

    /** A transaction that has locked scopes, and what they are at. */
    final class Locked {

        private final TenantTransaction transaction;
        private final SortedMap<PolicyScope, Head> heads;

        private Locked(TenantTransaction transaction, SortedMap<PolicyScope, Head> heads) {
            this.transaction = transaction;
            this.heads = heads;
        }

        TenantTransaction transaction() {
            return transaction;
        }

        Present present() {
            return new SeenPolicies(transaction, heads, known);
        }

        private List<Long> carryOut(Planner planner) throws SQLException {
            List<ScopePlan> plans = planner.plan(present());
            return carryOut(new Planned(plans, planner.unchanged()));
        }

        private boolean stands(Ahead<?> ahead) {
            Present present = present();
            return heads.equals(ahead.heads)
                    && ahead.answers.entrySet().stream()
                            .allMatch(one -> one.getKey().ask(present).equals(one.getValue()));
        }

        private List<Long> carryOut(Planned planned) throws SQLException {
            if (planned.isEmpty()) {
                transaction.abandon();
                return List.of();
            }
            for (Unchanged one : planned.unchanged) {
                PolicyWriter.answer(transaction, one);
            }
            return write(planned.plans);
        }

        /** Writes what was planned; the positions of the manifests, in order. */
        List<Long> write(List<ScopePlan> plans) throws SQLException {
            if (plans.isEmpty()) {
                return List.of();
            }
            Map<PolicyScope, Receipt> manifests = record(transaction, plans);
            Instant committedAt = committedAt(manifests.values(), heads.values());
            for (ScopePlan plan : plans) {
                Head base = requireNonNull(heads.get(plan.scope()));
                long seq = requireNonNull(manifests.get(plan.scope())).seq();
                PolicyWriter.write(transaction, plan, base.revision(), committedAt, seq);
            }
            PostgresChangeSignals.announce(transaction, plans);
            return plans.stream()
                    .map(plan -> requireNonNull(manifests.get(plan.scope())).seq())
                    .toList();
        }
    }

    @Override
    public PolicySet current(PolicyScope scope) {
        PolicySet start = known.find(scope);
        return database.inLongSnapshot(scope.key(), transaction -> {
            Revision head = ScopeHeads.revisions(transaction, Set.of(scope)).getOrDefault(scope, Revision.NONE);
            return current(transaction, scope, start, head);
        });
    }

    @Override
    public List<RevisionRecord> revisions(PolicyScope scope, @Nullable Revision before, int limit) {
        return database.inSnapshot(
                scope.key(),
                transaction -> transaction.read(
                        REVISIONS,
                        parameters -> {
                            parameters.text(scope.key());
                            parameters.longNumber(before == null ? Long.MAX_VALUE : before.value());
                            parameters.number(limit);
                        },
                        row -> record(row, 1)));
    }

    @Override
    public Optional<PolicySnapshot> load(TenantId tenant) {
        PolicyScope scope = PolicyScope.of(tenant);
        PolicySet own = known.find(scope);
        PolicySet platform = known.find(PolicyScope.PLATFORM);
        return database.inLongSnapshot(scope.key(), transaction -> {
            Map<PolicyScope, Revision> heads = ScopeHeads.revisions(transaction, Set.of(scope, PolicyScope.PLATFORM));
            PolicySet present = current(transaction, scope, own, heads.getOrDefault(scope, Revision.NONE));
            if (isGone(present)) {
                return Optional.empty();
            }
            Revision platformHead = heads.getOrDefault(PolicyScope.PLATFORM, Revision.NONE);
            return Optional.of(
                    new PolicySnapshot(present, current(transaction, PolicyScope.PLATFORM, platform, platformHead)));
        });
    }

    @Override
    public Optional<PolicyUpdate> update(PolicySnapshot held) {
        PolicyScope scope = held.tenant().scope();
        return database.inLongSnapshot(scope.key(), transaction -> {
            Map<PolicyScope, Revision> heads = ScopeHeads.revisions(transaction, Set.of(scope, PolicyScope.PLATFORM));
            Changed own = since(transaction, held.tenant(), heads.getOrDefault(scope, Revision.NONE));
            if (isGone(own.set())) {
                return Optional.empty();
            }
            Revision platformHead = heads.getOrDefault(PolicyScope.PLATFORM, Revision.NONE);
            Changed platform = since(transaction, held.platform(), platformHead);
            Set<DocumentKey> changed = new HashSet<>(own.keys());
            changed.addAll(platform.keys());
            return Optional.of(new PolicyUpdate(new PolicySnapshot(own.set(), platform.set()), changed));
        });
    }

    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
        PolicyScope scope = PolicyScope.of(tenant);
        PolicySet own = known.find(scope);
        PolicySet platform = known.find(PolicyScope.PLATFORM);
        return database.inLongSnapshot(scope.key(), transaction -> {
            Past moment = moment(transaction, tenant, past);
            PolicySet then =
                    PolicyVersions.past(transaction, scope, known.confirmed(transaction, own), moment.revision);
            if (isGone(then)) {
                return Optional.empty();
            }
            transaction.actFor(PolicyScope.PLATFORM.key());
            Revision beside = revisionAt(transaction, PolicyScope.PLATFORM, moment.committedBy);
            PolicySet start = known.confirmed(transaction, platform);
            return Optional.of(new PastPolicy(
                    new PolicySnapshot(then, PolicyVersions.past(transaction, PolicyScope.PLATFORM, start, beside)),
                    moment.committedBy));
        });
    }

    @Override
    public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        return database.inSnapshot(
                PolicyScope.PLATFORM.key(), transaction -> ScopeHeads.revisions(transaction, scopes));
    }

    @Override
    public Heads heads(Set<PolicyScope> scopes) {
        return database.inSnapshot(
                PolicyScope.PLATFORM.key(),
                transaction -> new Heads(ScopeHeads.revisions(transaction, scopes), time(transaction)));
    }

    private PolicySet current(
            TenantTransaction transaction, PolicyScope scope, @Nullable PolicySet start, Revision head)
            throws SQLException {
        PolicySet confirmed = known.confirmed(transaction, start);
        PolicySet set = PolicyVersions.current(transaction, scope, confirmed, head);
        known.learn(transaction, set);
        return set;
    }

    private Changed since(TenantTransaction transaction, PolicySet start, Revision head) throws SQLException {
        if (start.revision().equals(head)) {
            // Whoever holds it compares revisions all the time, and would have seen them go back.
            return PolicyVersions.since(transaction, start, head);
        }
        Changed changed = known.confirmed(transaction, start) == null
                ? PolicyVersions.anew(transaction, start, head)
                : PolicyVersions.since(transaction, start, head);
        known.learn(transaction, changed.set());
        return changed;
    }

    /** A tenant that was deleted keeps its revisions, but is no tenant any more. */
    private static boolean isGone(PolicySet tenant) {
        return tenant.ofKind(TenantDocument.class).isEmpty();
    }

    /** Which revision a question about the past means, and up to when it counts what else was committed. */
    private record Past(Revision revision, Instant committedBy) {}

    private static Past moment(TenantTransaction transaction, TenantId tenant, PointInTime.Past past)
            throws SQLException {
        PolicyScope scope = PolicyScope.of(tenant);
        Instant asOf = past.asOf();
        Revision revision = past.revision();
        if (revision == null) {
            Instant by = requireNonNull(asOf);
            return new Past(revisionAt(transaction, scope, by), by);
        }
        Instant committedAt = transaction
                .find(
                        COMMITTED_AT,
                        parameters -> {
                            parameters.text(scope.key());
                            parameters.longNumber(revision.value());
                        },
                        row -> Times.read(row, 1))
                .orElseThrow(() -> new RevisionNeverCommittedException(tenant, revision));
        if (asOf != null && asOf.isBefore(committedAt)) {
            throw new MalformedException(
                    "as_of",
                    asOf.toString(),
                    "a moment at which revision " + revision + " of `at_revision` was there: it was committed at "
                            + committedAt);
        }
        return new Past(revision, asOf == null ? committedAt : asOf);
    }

    /** The revision that was current at a moment. */
    static Revision revisionAt(TenantTransaction transaction, PolicyScope scope, Instant moment) throws SQLException {
        return transaction
                .read(
                        REVISION_AT,
                        parameters -> {
                            parameters.text(scope.key());
                            parameters.time(moment.truncatedTo(ChronoUnit.MICROS));
                        },
                        row -> new Revision(row.getLong(1)))
                .getFirst();
    }

    /**
     * When a change counts as committed: one moment for all its scopes, not before its entries were recorded, and later
     * than every revision it was judged beside, so that a question about the past finds those that belong together.
     */
    private static Instant committedAt(Collection<Receipt> manifests, Collection<Head> heads) {
        return Stream.concat(
                        manifests.stream().map(Receipt::recordedAt),
                        heads.stream()
                                .map(Head::committedAt)
                                .filter(Objects::nonNull)
                                .map(last -> last.plus(1, ChronoUnit.MICROS)))
                .max(Comparator.naturalOrder())
                .orElseThrow();
    }

    /** Appends every plan's entries; one append for each ledger, in the order of tenants. */
    private Map<PolicyScope, Receipt> record(TenantTransaction transaction, List<ScopePlan> plans) throws SQLException {
        SortedMap<TenantId, List<Told>> byLedger = new TreeMap<>();
        for (ScopePlan plan : plans) {
            byLedger.computeIfAbsent(plan.scope().ledgerTenant(), _ -> new ArrayList<>())
                    .add(new Told(plan, plan.entries(), true));
            if (!plan.ownEntries().isEmpty()) {
                byLedger.computeIfAbsent(TenantId.ASSIZE, _ -> new ArrayList<>())
                        .add(new Told(plan, plan.ownEntries(), false));
            }
        }
        Map<PolicyScope, Receipt> manifests = new HashMap<>();
        for (Map.Entry<TenantId, List<Told>> entry : byLedger.entrySet()) {
            manifests.putAll(record(transaction, entry.getKey(), entry.getValue()));
        }
        return manifests;
    }

    private Map<PolicyScope, Receipt> record(TenantTransaction transaction, TenantId tenant, List<Told> all)
            throws SQLException {
        transaction.actFor(tenant.value());
        List<AppendCommand> commands = new ArrayList<>();
        for (Told told : all) {
            Recorder recorder = told.plan.record().actor();
            commands.add(new AppendCommand(
                    recorder, OwnDrafts.of(transaction, codec, told.entries, recorder, tenant), null));
        }
        List<AppendResult> results = ledger.append(transaction, tenant, commands);
        Map<PolicyScope, Receipt> manifests = new HashMap<>();
        for (int i = 0; i < results.size(); i++) {
            Receipt first = first(results.get(i));
            if (all.get(i).isWhole) {
                manifests.put(all.get(i).plan.scope(), first);
            }
        }
        return manifests;
    }

    /**
     * What one ledger is told of a plan.
     *
     * @param isWhole whether that is everything, the manifest first
     */
    private record Told(ScopePlan plan, List<AuditEvent> entries, boolean isWhole) {}

    private static Receipt first(AppendResult result) {
        return switch (result) {
            case AppendResult.Appended appended -> appended.receipts().getFirst();
            case AppendResult.Replayed replayed -> throw new IllegalStateException("Without a key: " + replayed);
            case AppendResult.KeyReused reused -> throw new IllegalStateException("Without a key: " + reused);
            case AppendResult.Refused refused -> throw new IllegalStateException("Without a condition: " + refused);
        };
    }

    /** Of {@link #REVISION_COLUMNS}, which begin at that column. */
    static RevisionRecord record(ResultSet row, int first) throws SQLException {
        return new RevisionRecord(
                new Revision(row.getLong(first)),
                Times.read(row, first + 1),
                new Recorder(Subject.parse(row.getString(first + 2)), new TenantId(row.getString(first + 3))),
                Optional.ofNullable(row.getString(first + 4)),
                row.getInt(first + 5),
                Digest.of(row.getBytes(first + 6)),
                Digest.of(row.getBytes(first + 7)),
                row.getLong(first + 8));
    }

    private static Instant time(TenantTransaction transaction) throws SQLException {
        return transaction
                .read(CLOCK, parameters -> {}, row -> Times.read(row, 1))
                .getFirst();
    }
}

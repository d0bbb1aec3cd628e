package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_REVISION;
import static dev.assize.server.storage.generated.Tables.POLICY_SCOPE;
import static java.util.Objects.requireNonNull;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
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
import dev.assize.server.storage.SeenPolicies.Question;
import dev.assize.server.storage.TenantTransaction.Mode;
import dev.assize.server.storage.generated.tables.records.PolicyRevisionRecord;
import java.lang.ref.Reference;
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
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.Record2;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
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

    /** Of a statement that was cancelled, and of a lock that was not to be had. */
    private static final Set<String> OUT_OF_TIME = Set.of("57014", "55P03");

    /** Not `now()`, which is when the transaction began. */
    private static final Field<Instant> CLOCK = DSL.field("clock_timestamp()", SQLDataType.INSTANT);

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
            Ahead ahead = planAhead(scopes, planner);
            if (ahead.isEmpty()) {
                return List.of();
            }
            Optional<List<Long>> written = locked(scopes, locked -> locked.carryOut(ahead));
            if (written.isPresent()) {
                return written.get();
            }
        }
        return change(scopes, planner);
    }

    private Ahead planAhead(Set<PolicyScope> scopes, Planner planner) {
        return database.inLongSnapshot(PolicyScope.PLATFORM.key(), transaction -> {
            SortedMap<PolicyScope, Head> heads = peek(transaction, scopes);
            SeenPolicies present = new SeenPolicies(transaction, heads, known);
            List<ScopePlan> plans = planner.plan(present);
            return new Ahead(heads, present.answers(), plans, planner.unchanged());
        });
    }

    /**
     * What was planned before anything was locked.
     *
     * @param heads everything it was shown hangs on these
     * @param answers and on these, which may be given without a new revision
     */
    private record Ahead(
            SortedMap<PolicyScope, Head> heads,
            Map<Question, Optional<Answered>> answers,
            List<ScopePlan> plans,
            List<Unchanged> unchanged) {

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
            SortedMap<PolicyScope, Head> heads = lock(transaction, new TreeSet<>(scopes));
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
            return carryOut(plans, planner.unchanged());
        }

        /** Empty, and nothing is written, where something else is there by now. */
        private Optional<List<Long>> carryOut(Ahead ahead) throws SQLException {
            if (stands(ahead)) {
                return Optional.of(carryOut(ahead.plans, ahead.unchanged));
            }
            transaction.abandon();
            return Optional.empty();
        }

        private boolean stands(Ahead ahead) {
            Present present = present();
            return heads.equals(ahead.heads)
                    && ahead.answers.entrySet().stream()
                            .allMatch(one -> one.getKey().ask(present).equals(one.getValue()));
        }

        private List<Long> carryOut(List<ScopePlan> plans, List<Unchanged> unchanged) throws SQLException {
            if (plans.isEmpty() && unchanged.isEmpty()) {
                transaction.abandon();
                return List.of();
            }
            for (Unchanged one : unchanged) {
                PolicyWriter.answer(transaction, one);
            }
            return write(plans);
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
                PolicyWriter.write(transaction, plan, base.revision, committedAt, seq);
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
            Revision head = revisions(transaction, Set.of(scope)).getOrDefault(scope, Revision.NONE);
            return current(transaction, scope, start, head);
        });
    }

    @Override
    public List<RevisionRecord> revisions(PolicyScope scope, @Nullable Revision before, int limit) {
        return database.inSnapshot(
                scope.key(),
                transaction -> transaction
                        .sql()
                        .selectFrom(POLICY_REVISION)
                        .where(POLICY_REVISION.SCOPE_KEY.eq(scope.key()))
                        .and(before == null ? DSL.noCondition() : POLICY_REVISION.REVISION.lt(before.value()))
                        .orderBy(POLICY_REVISION.REVISION.desc())
                        .limit(limit)
                        .fetch(PostgresPolicyRepository::record));
    }

    @Override
    public Optional<PolicySnapshot> load(TenantId tenant) {
        PolicyScope scope = PolicyScope.of(tenant);
        PolicySet own = known.find(scope);
        PolicySet platform = known.find(PolicyScope.PLATFORM);
        return database.inLongSnapshot(scope.key(), transaction -> {
            Map<PolicyScope, Revision> heads = revisions(transaction, Set.of(scope, PolicyScope.PLATFORM));
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
            Map<PolicyScope, Revision> heads = revisions(transaction, Set.of(scope, PolicyScope.PLATFORM));
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
        return database.inSnapshot(PolicyScope.PLATFORM.key(), transaction -> revisions(transaction, scopes));
    }

    @Override
    public Heads heads(Set<PolicyScope> scopes) {
        return database.inSnapshot(
                PolicyScope.PLATFORM.key(),
                transaction -> new Heads(revisions(transaction, scopes), time(transaction)));
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

    private static Past moment(TenantTransaction transaction, TenantId tenant, PointInTime.Past past) {
        PolicyScope scope = PolicyScope.of(tenant);
        Instant asOf = past.asOf();
        Revision revision = past.revision();
        if (revision == null) {
            Instant by = requireNonNull(asOf);
            return new Past(revisionAt(transaction, scope, by), by);
        }
        Instant committedAt = transaction
                .sql()
                .select(POLICY_REVISION.COMMITTED_AT)
                .from(POLICY_REVISION)
                .where(POLICY_REVISION.SCOPE_KEY.eq(scope.key()))
                .and(POLICY_REVISION.REVISION.eq(revision.value()))
                .fetchOne(POLICY_REVISION.COMMITTED_AT);
        if (committedAt == null) {
            throw new RevisionNeverCommittedException(tenant, revision);
        }
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
    static Revision revisionAt(TenantTransaction transaction, PolicyScope scope, Instant moment) {
        Long revision = transaction
                .sql()
                .select(DSL.max(POLICY_REVISION.REVISION))
                .from(POLICY_REVISION)
                .where(POLICY_REVISION.SCOPE_KEY.eq(scope.key()))
                .and(POLICY_REVISION.COMMITTED_AT.le(moment.truncatedTo(ChronoUnit.MICROS)))
                .fetchSingle()
                .value1();
        return revision == null ? Revision.NONE : new Revision(revision);
    }

    /** What {@link #lock} would find at this moment. */
    private static SortedMap<PolicyScope, Head> peek(TenantTransaction transaction, Set<PolicyScope> scopes) {
        SortedMap<PolicyScope, Head> heads = new TreeMap<>();
        heads.put(PolicyScope.PLATFORM, Head.NONE);
        scopes.forEach(scope -> heads.put(scope, Head.NONE));
        if (scopes.contains(PolicyScope.PLATFORM)) {
            heads.put(PolicyScope.of(TenantId.ASSIZE), Head.NONE);
            putEvery(transaction, DSL.noCondition(), heads);
        } else {
            String[] keys = heads.keySet().stream().map(PolicyScope::key).toArray(String[]::new);
            putEvery(transaction, POLICY_SCOPE.SCOPE_KEY.eq(DSL.any(keys)), heads);
        }
        return heads;
    }

    private static void putEvery(
            TenantTransaction transaction, Condition condition, SortedMap<PolicyScope, Head> heads) {
        transaction
                .sql()
                .selectFrom(POLICY_SCOPE)
                .where(condition)
                .forEach(row -> heads.put(
                        PolicyScope.ofKey(row.getScopeKey()),
                        new Head(new Revision(row.getRevision()), row.getCommittedAt())));
    }

    /** Locks the scopes, and answers with them, the platform and, where that is to change, every tenant. */
    private static SortedMap<PolicyScope, Head> lock(TenantTransaction transaction, SortedSet<PolicyScope> scopes)
            throws SQLException {
        boolean changesPlatform = scopes.contains(PolicyScope.PLATFORM);
        SortedMap<PolicyScope, Head> heads = new TreeMap<>();
        heads.put(PolicyScope.PLATFORM, lock(transaction, PolicyScope.PLATFORM, changesPlatform));
        if (changesPlatform) {
            // By whose policy the platform is guarded; a new database has none yet.
            heads.put(PolicyScope.of(TenantId.ASSIZE), Head.NONE);
            // Nobody else can be changing these: that takes a share of the platform's row.
            putEvery(transaction, DSL.noCondition(), heads);
        }
        for (PolicyScope scope : scopes) {
            if (!scope.isPlatform()) {
                transaction.actFor(scope.key());
                heads.put(scope, lock(transaction, scope, true));
            }
        }
        return heads;
    }

    private static Head lock(TenantTransaction transaction, PolicyScope scope, boolean alone) {
        try {
            return lockHead(transaction, scope, alone);
        } catch (DataAccessException e) {
            // One row by its key: what takes it so long is who has it.
            throw OUT_OF_TIME.contains(e.sqlState()) ? new PolicyBusyException(scope, e) : e;
        }
    }

    private static Head lockHead(TenantTransaction transaction, PolicyScope scope, boolean alone) {
        var row = transaction
                .sql()
                .select(POLICY_SCOPE.REVISION, POLICY_SCOPE.COMMITTED_AT)
                .from(POLICY_SCOPE)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(scope.key()));
        var locked = alone ? row.forUpdate() : row.forShare();
        Record2<Long, Instant> found = locked.fetchOne();
        if (found == null) {
            insert(transaction, scope);
            found = locked.fetchSingle();
        }
        return new Head(new Revision(found.value1()), found.value2());
    }

    private static void insert(TenantTransaction transaction, PolicyScope scope) {
        transaction
                .sql()
                .insertInto(POLICY_SCOPE, POLICY_SCOPE.SCOPE_KEY, POLICY_SCOPE.REVISION)
                .values(scope.key(), Revision.NONE.value())
                .onConflictDoNothing()
                .execute();
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
        SortedMap<TenantId, List<ScopePlan>> byLedger = new TreeMap<>();
        plans.forEach(plan -> byLedger.computeIfAbsent(plan.scope().ledgerTenant(), tenant -> new ArrayList<>())
                .add(plan));
        Map<PolicyScope, Receipt> manifests = new HashMap<>();
        for (Map.Entry<TenantId, List<ScopePlan>> entry : byLedger.entrySet()) {
            TenantId tenant = entry.getKey();
            transaction.actFor(tenant.value());
            List<AppendCommand> commands = new ArrayList<>();
            for (ScopePlan plan : entry.getValue()) {
                Recorder recorder = plan.record().actor();
                List<EntryDraft> drafts = OwnDrafts.of(transaction, codec, plan.entries(), recorder, tenant);
                commands.add(new AppendCommand(recorder, drafts, null));
            }
            List<AppendResult> results = ledger.append(transaction, tenant, commands);
            for (int i = 0; i < results.size(); i++) {
                manifests.put(entry.getValue().get(i).scope(), manifest(results.get(i)));
            }
        }
        return manifests;
    }

    private static Receipt manifest(AppendResult result) {
        return switch (result) {
            case AppendResult.Appended appended -> appended.receipts().getFirst();
            case AppendResult.Replayed replayed -> throw new IllegalStateException("Without a key: " + replayed);
            case AppendResult.KeyReused reused -> throw new IllegalStateException("Without a key: " + reused);
            case AppendResult.Refused refused -> throw new IllegalStateException("Without a condition: " + refused);
        };
    }

    static RevisionRecord record(PolicyRevisionRecord row) {
        return new RevisionRecord(
                new Revision(row.getRevision()),
                row.getCommittedAt(),
                new Recorder(Subject.parse(row.getActor()), new TenantId(row.getActorTenant())),
                Optional.ofNullable(row.getReason()),
                row.getChangeCount(),
                Digest.of(row.getChangeDigest()),
                Digest.of(row.getPolicyDigest()),
                row.getSeq());
    }

    private static Instant time(TenantTransaction transaction) {
        return transaction.sql().select(CLOCK).fetchSingle().value1();
    }

    /** A scope at revision 0 has never been written. */
    private static Map<PolicyScope, Revision> revisions(TenantTransaction transaction, Collection<PolicyScope> scopes) {
        Map<PolicyScope, Revision> revisions = new TreeMap<>();
        transaction
                .sql()
                .select(POLICY_SCOPE.SCOPE_KEY, POLICY_SCOPE.REVISION)
                .from(POLICY_SCOPE)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(
                        DSL.any(scopes.stream().map(PolicyScope::key).toArray(String[]::new))))
                .and(POLICY_SCOPE.REVISION.gt(0L))
                .forEach(row -> revisions.put(PolicyScope.ofKey(row.value1()), new Revision(row.value2())));
        return revisions;
    }

    /**
     * Where a scope stands.
     *
     * @param committedAt null where nothing was committed
     */
    record Head(Revision revision, @Nullable Instant committedAt) {

        static final Head NONE = new Head(Revision.NONE, null);
    }
}

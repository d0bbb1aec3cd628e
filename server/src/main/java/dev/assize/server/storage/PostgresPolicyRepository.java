package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_DOCUMENT;
import static dev.assize.server.storage.generated.Tables.POLICY_REVISION;
import static dev.assize.server.storage.generated.Tables.POLICY_SCOPE;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.storage.TenantTransaction.Mode;
import dev.assize.server.storage.generated.tables.records.PolicyDocumentRecord;
import dev.assize.server.storage.generated.tables.records.PolicyRevisionRecord;
import java.sql.SQLException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jooq.impl.DSL;
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

    /** Rows of one insert, far below what a statement can bind. */
    private static final int ROWS_PER_INSERT = 500;

    private final Database database;
    private final LedgerWriter ledger;
    private final AuditCodec codec;

    @Inject
    PostgresPolicyRepository(Database database, LedgerWriter ledger, AuditCodec codec) {
        this.database = database;
        this.ledger = ledger;
        this.codec = codec;
    }

    @Override
    public List<Long> change(Set<PolicyScope> scopes, Planner planner) {
        return database.inTransaction(Mode.WRITE, PolicyScope.PLATFORM.key(), PLANNER_LIMIT, transaction -> {
            SortedMap<PolicyScope, Revision> revisions = lock(transaction, new TreeSet<>(scopes));
            Map<PolicyScope, PolicySet> present = new LinkedHashMap<>();
            for (Map.Entry<PolicyScope, Revision> scope : revisions.entrySet()) {
                transaction.actFor(scope.getKey().key());
                present.put(scope.getKey(), documents(transaction, scope.getKey(), scope.getValue()));
            }
            List<ScopePlan> plans = planner.apply(present);
            if (plans.isEmpty()) {
                transaction.abandon();
            }
            List<Long> positions = record(transaction, plans);
            for (int i = 0; i < plans.size(); i++) {
                write(transaction, plans.get(i), revisions, positions.get(i));
            }
            return positions;
        });
    }

    @Override
    public PolicySet current(PolicyScope scope) {
        return database.inSnapshot(scope.key(), transaction -> read(transaction, scope));
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
        return database.inSnapshot(scope.key(), transaction -> {
            PolicySet own = read(transaction, scope);
            // A tenant that was deleted keeps its revisions, but is no tenant any more.
            return own.ofKind(TenantDocument.class).isEmpty()
                    ? Optional.empty()
                    : Optional.of(new PolicySnapshot(own, read(transaction, PolicyScope.PLATFORM)));
        });
    }

    @Override
    public Optional<PolicyUpdate> update(PolicySnapshot known) {
        throw new UnsupportedOperationException("load is asked instead");
    }

    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
        throw new UnsupportedOperationException("only the present is asked about");
    }

    @Override
    public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        return database.inSnapshot(PolicyScope.PLATFORM.key(), transaction -> revisions(transaction, scopes));
    }

    /** Locks the scopes, and answers with them, the platform and, where that is to change, every tenant. */
    private static SortedMap<PolicyScope, Revision> lock(TenantTransaction transaction, SortedSet<PolicyScope> scopes)
            throws SQLException {
        boolean changesPlatform = scopes.contains(PolicyScope.PLATFORM);
        SortedMap<PolicyScope, Revision> revisions = new TreeMap<>();
        revisions.put(PolicyScope.PLATFORM, lock(transaction, PolicyScope.PLATFORM, changesPlatform));
        if (changesPlatform) {
            // Nobody else can be changing these: that takes a share of the platform's row.
            transaction
                    .sql()
                    .selectFrom(POLICY_SCOPE)
                    .forEach(row ->
                            revisions.put(PolicyScope.ofKey(row.getScopeKey()), new Revision(row.getRevision())));
        }
        for (PolicyScope scope : scopes) {
            if (!scope.isPlatform()) {
                transaction.actFor(scope.key());
                transaction
                        .sql()
                        .insertInto(POLICY_SCOPE, POLICY_SCOPE.SCOPE_KEY, POLICY_SCOPE.REVISION)
                        .values(scope.key(), Revision.NONE.value())
                        .onConflictDoNothing()
                        .execute();
                revisions.put(scope, lock(transaction, scope, true));
            }
        }
        return revisions;
    }

    private static Revision lock(TenantTransaction transaction, PolicyScope scope, boolean alone) {
        var row = transaction
                .sql()
                .select(POLICY_SCOPE.REVISION)
                .from(POLICY_SCOPE)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(scope.key()));
        return new Revision(
                (alone ? row.forUpdate() : row.forShare()).fetchSingle().value1());
    }

    /** Appends every plan's entries; one append for each ledger, in the order of tenants. */
    private List<Long> record(TenantTransaction transaction, List<ScopePlan> plans) throws SQLException {
        SortedMap<TenantId, List<ScopePlan>> byLedger = new TreeMap<>();
        plans.forEach(plan -> byLedger.computeIfAbsent(plan.scope().ledgerTenant(), tenant -> new ArrayList<>())
                .add(plan));
        Map<PolicyScope, Long> positions = new HashMap<>();
        for (Map.Entry<TenantId, List<ScopePlan>> entry : byLedger.entrySet()) {
            TenantId tenant = entry.getKey();
            transaction.actFor(tenant.value());
            List<AppendResult> results = ledger.append(
                    transaction,
                    tenant,
                    entry.getValue().stream().map(this::command).toList());
            for (int i = 0; i < results.size(); i++) {
                positions.put(entry.getValue().get(i).scope(), firstSeq(results.get(i)));
            }
        }
        return plans.stream().map(ScopePlan::scope).map(positions::get).toList();
    }

    private AppendCommand command(ScopePlan plan) {
        Recorder recorder = plan.record().actor();
        List<EntryDraft> drafts = plan.entries().stream()
                .map(event -> codec.encode(event, recorder, plan.scope().ledgerTenant()))
                .toList();
        return new AppendCommand(recorder, drafts, null);
    }

    private static long firstSeq(AppendResult result) {
        return switch (result) {
            case AppendResult.Appended appended ->
                appended.receipts().getFirst().seq();
            case AppendResult.Replayed replayed -> throw new IllegalStateException("Without a key: " + replayed);
            case AppendResult.KeyReused reused -> throw new IllegalStateException("Without a key: " + reused);
            case AppendResult.Refused refused -> throw new IllegalStateException("Without a condition: " + refused);
        };
    }

    private static void write(
            TenantTransaction transaction, ScopePlan plan, Map<PolicyScope, Revision> revisions, long seq)
            throws SQLException {
        Revision base = revisions.getOrDefault(plan.scope(), Revision.NONE);
        if (!plan.revision().equals(base.next())) {
            throw new IllegalStateException("Planned " + plan.revision() + " of " + plan.scope() + " behind " + base);
        }
        transaction.actFor(plan.scope().key());
        endVersions(transaction, plan);
        insertVersions(transaction, plan);
        transaction.sql().insertInto(POLICY_REVISION).set(row(plan, seq)).execute();
        int updated = transaction
                .sql()
                .update(POLICY_SCOPE)
                .set(POLICY_SCOPE.REVISION, plan.revision().value())
                .where(POLICY_SCOPE.SCOPE_KEY.eq(plan.scope().key()))
                .and(POLICY_SCOPE.REVISION.eq(base.value()))
                .execute();
        if (updated != 1) {
            throw new IllegalStateException("The revision of " + plan.scope() + " moved under its lock");
        }
    }

    private static void endVersions(TenantTransaction transaction, ScopePlan plan) {
        List<DocumentKey> ended = Stream.concat(plan.puts().stream().map(Document::key), plan.deletes().stream())
                .toList();
        if (ended.isEmpty()) {
            return;
        }
        String[] kinds = ended.stream().map(key -> key.kind().text()).toArray(String[]::new);
        String[] names = ended.stream().map(DocumentKey::name).toArray(String[]::new);
        transaction
                .sql()
                .execute(
                        "UPDATE assize.policy_document d SET to_revision = ? FROM unnest(?::text[], ?::text[])"
                                + " AS ended (kind, name) WHERE d.scope_key = ? AND d.to_revision IS NULL"
                                + " AND d.kind = ended.kind AND d.name = ended.name",
                        plan.revision().value(),
                        kinds,
                        names,
                        plan.scope().key());
    }

    private static void insertVersions(TenantTransaction transaction, ScopePlan plan) {
        List<PolicyDocumentRecord> rows = plan.puts().stream()
                .map(document -> row(document, plan.revision()))
                .toList();
        for (int from = 0; from < rows.size(); from += ROWS_PER_INSERT) {
            transaction
                    .sql()
                    .insertInto(POLICY_DOCUMENT)
                    .set(rows.subList(from, Math.min(rows.size(), from + ROWS_PER_INSERT)))
                    .execute();
        }
    }

    private static PolicyDocumentRecord row(Document document, Revision revision) {
        PolicyDocumentRecord row = new PolicyDocumentRecord();
        row.setScopeKey(document.scope().key());
        row.setKind(document.kind().text());
        row.setName(document.name());
        row.setFromRevision(revision.value());
        row.setYaml(DocumentText.write(document));
        row.setSourceFile(document.place().file());
        row.setSourceLines(DocumentText.lines(document).toArray(Integer[]::new));
        row.setManager(document.metadata().manager());
        return row;
    }

    private static PolicyRevisionRecord row(ScopePlan plan, long seq) {
        RevisionRecord record = plan.record();
        PolicyRevisionRecord row = new PolicyRevisionRecord();
        row.setScopeKey(plan.scope().key());
        row.setRevision(plan.revision().value());
        row.setCommittedAt(record.committedAt().truncatedTo(ChronoUnit.MICROS));
        row.setActor(record.actor().caller().toString());
        row.setActorTenant(record.actor().home().value());
        row.setReason(record.reason().orElse(null));
        row.setChangeCount(record.changeCount());
        row.setChangeDigest(record.changeDigest().bytes());
        row.setPolicyDigest(record.policyDigest().bytes());
        row.setSeq(seq);
        return row;
    }

    private static RevisionRecord record(PolicyRevisionRecord row) {
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

    private static PolicySet read(TenantTransaction transaction, PolicyScope scope) {
        return documents(
                transaction, scope, revisions(transaction, Set.of(scope)).getOrDefault(scope, Revision.NONE));
    }

    private static PolicySet documents(TenantTransaction transaction, PolicyScope scope, Revision revision) {
        return PolicySet.of(
                scope,
                revision,
                transaction
                        .sql()
                        .select(POLICY_DOCUMENT.YAML, POLICY_DOCUMENT.SOURCE_FILE, POLICY_DOCUMENT.SOURCE_LINES)
                        .from(POLICY_DOCUMENT)
                        .where(POLICY_DOCUMENT.SCOPE_KEY.eq(scope.key()))
                        .and(POLICY_DOCUMENT.TO_REVISION.isNull())
                        .fetch(row -> DocumentText.readStored(
                                scope, row.value1(), row.value2(), Arrays.asList(row.value3()))));
    }

    /** A scope at revision 0 has never been written. */
    private static Map<PolicyScope, Revision> revisions(TenantTransaction transaction, Collection<PolicyScope> scopes) {
        Map<PolicyScope, Revision> revisions = new TreeMap<>();
        transaction
                .sql()
                .selectFrom(POLICY_SCOPE)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(
                        DSL.any(scopes.stream().map(PolicyScope::key).toArray(String[]::new))))
                .and(POLICY_SCOPE.REVISION.gt(0L))
                .forEach(row -> revisions.put(PolicyScope.ofKey(row.getScopeKey()), new Revision(row.getRevision())));
        return revisions;
    }
}

package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.administration.PolicyDriftException;
import dev.assize.server.administration.PolicyHistory.TextChange;
import dev.assize.server.administration.PolicyReplays;
import dev.assize.server.administration.PolicyReplays.Wish;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.ReplayResult;
import dev.assize.server.administration.ReplayResult.Broken;
import dev.assize.server.administration.ReplayResult.Drift;
import dev.assize.server.administration.ReplayResult.DriftType;
import dev.assize.server.administration.ReplayResult.Rebuilt;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.replay.PolicyEntry;
import dev.assize.server.testing.TestDatabase;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Policies rebuilt from their ledgers, beside what is stored. Larger with
 *
 * <pre>-Dassize.replay.documents=100000 -Dassize.replay.changes=500</pre>
 */
@Timeout(3_600)
class PolicyReplayTest {

    private static final int DOCUMENTS = Integer.getInteger("assize.replay.documents", 1_200);
    private static final int CHANGES = Integer.getInteger("assize.replay.changes", 24);
    private static final Recorder ADMIN = new Recorder(Subject.parse("user:admin"), TenantId.ASSIZE);
    private static final AtomicInteger TENANTS = new AtomicInteger();

    private static TestDatabase testDatabase;
    private static Database database;
    private static PostgresPolicyRepository repository;
    private static PolicyAdministration administration;
    private static PostgresPolicySnapshots snapshots;
    private static PostgresPolicyHistory history;
    private static PolicyReplays replays;

    private TenantId tenant;
    private PolicyScope scope;

    @BeforeAll
    static void start() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        AuditCodec codec = new AuditCodec();
        LedgerWriter writer = new LedgerWriter(database, codec, (_, _) -> {}, InstantSource.system());
        repository = new PostgresPolicyRepository(database, writer, codec);
        administration = new PolicyAdministration(repository, refreshedOnly(), InstantSource.system());
        PostgresPolicyLedger ledger = new PostgresPolicyLedger(database, codec);
        snapshots = new PostgresPolicySnapshots(database, writer, ledger, codec);
        history = new PostgresPolicyHistory(database, repository);
        replays = new PolicyReplays(ledger, history, repository);
    }

    @AfterAll
    static void stop() {
        database.close();
        testDatabase.close();
    }

    @BeforeEach
    void name() {
        tenant = new TenantId("t" + TENANTS.incrementAndGet());
        scope = PolicyScope.of(tenant);
        apply(tenantDocument());
    }

    @Test
    void namesADocumentWhoseTextWasAltered() {
        apply(group("g", "user:alice") + group("h", "user:bob"));
        alter("UPDATE assize.policy_document SET yaml = replace(yaml, 'alice', 'mallory') WHERE name = 'g'");

        assertThat(drifts()).singleElement().satisfies(drift -> {
            assertThat(drift.type()).isEqualTo(DriftType.TEXT);
            assertThat(drift.message()).isEqualTo("Group/g is stored with another text than entry 3 tells");
            assertThat(drift.told()).satisfies(it -> assertThat(it.yaml()).contains("alice"));
            assertThat(drift.stored()).satisfies(it -> assertThat(it.yaml()).contains("mallory"));
        });
    }

    @Test
    void namesADocumentThatWasRemovedAndOneThatWasPutThere() {
        apply(group("g", "user:alice"));
        alter("UPDATE assize.policy_document SET name = 'smuggled' WHERE name = 'g'");

        assertThat(drifts())
                .extracting(Drift::type, Drift::message)
                .containsExactlyInAnyOrder(
                        tuple(DriftType.MISSING, "Group/g is told by entry 3, and is not stored"),
                        tuple(DriftType.UNKNOWN, "Group/smuggled is stored, and the ledger does not tell of it"));
    }

    @Test
    void namesADocumentWhosePlaceWasAltered() {
        apply(group("g", "user:alice"));
        alter("UPDATE assize.policy_document SET source_lines = '{77}' WHERE name = 'g'");

        assertThat(drifts()).singleElement().extracting(Drift::type).isEqualTo(DriftType.PLACE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "policy_digest = change_digest",
                "change_digest = policy_digest",
                "actor = 'user:nobody'",
                "seq = seq + 1",
                "change_count = change_count + 1",
                "revision = 77"
            })
    void namesARevisionThatWasAltered(String how) {
        apply(group("g", "user:alice"));
        alter("UPDATE assize.policy_revision SET " + how + " WHERE revision = 2");

        assertThat(drifts()).singleElement().satisfies(drift -> {
            assertThat(drift.type()).isEqualTo(DriftType.REVISION);
            assertThat(drift.message()).startsWith("revision 2 is ");
        });
    }

    @Test
    void namesARevisionThatWasTakenBack() {
        apply(group("g", "user:alice"));
        alter("UPDATE assize.policy_scope SET revision = 1");

        assertThat(drifts())
                .extracting(Drift::message)
                .containsExactly("the ledger tells of revision 2, and what is stored stands at 1");
    }

    @Test
    void namesTheEntryThatWasAltered() {
        apply(group("g", "user:alice"));
        alterEntries(
                "frame = decode(replace(encode(frame, 'hex'), encode('alice', 'hex'), encode('malic', 'hex')), 'hex')"
                        + " WHERE seq = 3");

        assertThat(replay(null, true)).isInstanceOfSatisfying(Broken.class, broken -> {
            assertThat(broken.revision()).isEqualTo(new Revision(1));
            assertThat(broken.seq()).isEqualTo(2);
            assertThat(broken.message()).startsWith("revision 2 has digest ");
        });
    }

    @Test
    void namesTheChangeWhoseDocumentWasAnotherBefore() {
        apply(group("g", "user:alice"));
        alter("UPDATE assize.policy_document SET yaml = replace(yaml, 'alice', 'malic') WHERE name = 'g'");
        new PolicyAdministration(freshRepository(), refreshedOnly(), InstantSource.system())
                .apply(change(read(group("g", "user:bob"))), ADMIN, _ -> true);

        assertThat(replay(null, true))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.message())
                                .isEqualTo("Group/g is said to have been another than entry 3 made it"));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6})
    void noticesAnyMissingEntry(long missing) {
        apply(group("g", "user:alice") + group("h", "user:bob"));
        apply(group("g", "user:carol"));
        execute("DELETE FROM assize.ledger_entry WHERE tenant_id = '" + tenant + "' AND seq = " + missing);

        ReplayResult result = replay(null, true);

        assertThat(result).as("without entry %d", missing).isInstanceOf(Broken.class);
    }

    @Test
    void noticesThatTheLastChangesAreMissing() {
        apply(group("g", "user:alice"));
        execute("DELETE FROM assize.ledger_entry WHERE tenant_id = '" + tenant + "' AND seq >= 2");

        assertThat(replay(null, true))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.message())
                                .isEqualTo("revision 2 is missing: what the ledger tells ends with revision 1"));
    }

    @Test
    void writesNoSnapshotOfWhatDrifted() {
        apply(group("g", "user:alice"));
        alter("UPDATE assize.policy_document SET yaml = replace(yaml, 'alice', 'malic') WHERE name = 'g'");
        long size = size();

        assertThatThrownBy(() -> snapshots.write(scope))
                .isInstanceOf(PolicyDriftException.class)
                .hasMessageContaining("is not what its last change left");
        assertThat(size()).isEqualTo(size);
    }

    @Test
    void noticesASnapshotThatIsNotWhole() {
        apply(group("g", "user:alice") + group("large", members(6_000)));
        snapshots.write(scope);
        long last = size() - 1;
        execute("DELETE FROM assize.ledger_entry WHERE tenant_id = '" + tenant + "' AND seq = " + (last - 1));

        assertThat(replay(null, false)).isInstanceOf(Broken.class);
        assertThat(replay(null, true)).isInstanceOf(Broken.class);
    }

    @Test
    void noticesASnapshotThatIsNotThePolicyBeforeIt() {
        apply(group("g", "user:alice"));
        snapshots.write(scope);
        alterEntries(
                "frame = decode(replace(encode(frame, 'hex'), encode('alice', 'hex'), encode('malic', 'hex')), 'hex')"
                        + " WHERE seq = " + (size() - 1));

        assertThat(replay(null, false)).isInstanceOf(Broken.class);
    }

    @Test
    void knowsNoRevisionThatTheLedgerDoesNotHaveAnyMore() {
        apply(group("g", "user:alice"));
        snapshots.cover(tenant, size());
        execute("DELETE FROM assize.ledger_entry WHERE tenant_id = '" + tenant + "' AND seq < 4");

        assertThat(replay(new Revision(1), false)).isInstanceOf(Broken.class);
        assertThat(rebuilt(replay(null, true)).revision()).isEqualTo(new Revision(2));
    }

    @Test
    void rebuildsWhatLiesBehindWhatWasPruned() {
        apply(group("g", "user:alice") + group("h", members(9_000)));
        apply(group("i", "user:bob"));
        long keptFrom = 3;
        snapshots.cover(tenant, keptFrom);
        long afterFirst = size();
        snapshots.cover(tenant, keptFrom);
        assertThat(size()).as("covered already").isEqualTo(afterFirst);
        execute("DELETE FROM assize.ledger_entry WHERE tenant_id = '" + tenant + "' AND seq < " + keptFrom);
        apply(group("j", "user:carol"));

        for (boolean whole : new boolean[] {true, false}) {
            Rebuilt rebuilt = rebuilt(replay(null, whole));
            assertThat(rebuilt.revision()).isEqualTo(new Revision(4));
            assertThat(rebuilt.documents()).isEqualTo(5);
        }
    }

    @Test
    void writesASnapshotOnlyWhereSomethingChangedSince() {
        assertThat(snapshots.write(scope)).isTrue();
        assertThat(snapshots.write(scope)).isFalse();
        apply(group("g", "user:alice"));
        assertThat(snapshots.write(scope)).isTrue();
        assertThat(snapshots.write(PolicyScope.of(new TenantId("never-was")))).isFalse();
    }

    @Test
    void readsAPolicyForItsSnapshotWhileOthersChangeItAndAppend() throws Exception {
        apply(group("g", "user:alice"));
        CompletableFuture<Boolean> written;
        try (Connection holding = superuser();
                Statement statement = holding.createStatement()) {
            holding.setAutoCommit(false);
            statement.execute("LOCK TABLE assize.policy_document IN ACCESS EXCLUSIVE MODE");
            written = CompletableFuture.supplyAsync(() -> snapshots.write(scope));
            while (!written.isDone()
                    && count("SELECT count(*) FROM pg_locks WHERE NOT granted"
                                    + " AND relation = 'assize.policy_document'::regclass")
                            == 0) {
                Thread.onSpinWait();
            }

            assertThat(count("SELECT revision FROM assize.policy_scope WHERE scope_key = '" + tenant
                            + "' FOR UPDATE NOWAIT"))
                    .isEqualTo(2);
            assertThat(count(
                            "SELECT size FROM assize.ledger_head WHERE tenant_id = '" + tenant + "' FOR UPDATE NOWAIT"))
                    .isPositive();
            holding.rollback();
        }

        assertThat(written.get()).isTrue();
        assertThat(snapshots.write(scope)).isFalse();
    }

    @Test
    void oneNodeAtATimeTakesWhatIsDue() {
        assertThat(snapshots.takeDue(Duration.ofDays(1), 1_000)).doesNotContain(scope);
        assertThat(snapshots.takeDue(Duration.ZERO, 1_000)).contains(scope);
        assertThat(snapshots.takeDue(Duration.ZERO, 1_000)).doesNotContain(scope);
        execute("UPDATE assize.policy_snapshot SET leased_until = now()");
        assertThat(snapshots.takeDue(Duration.ZERO, 1_000)).contains(scope);
        snapshots.write(scope);
        execute("UPDATE assize.policy_snapshot SET leased_until = now()");
        assertThat(snapshots.takeDue(Duration.ZERO, 1_000)).doesNotContain(scope);
        apply(group("g", "user:alice"));
        assertThat(snapshots.takeDue(Duration.ZERO, 1_000)).contains(scope);
    }

    @Test
    void rebuildsThePlatformBesideTheTenantInWhoseLedgerItIs() {
        apply("{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: assize}, spec: {environments: [default]}}\n");
        apply("{apiVersion: assize.dev/v1, kind: Role, metadata: {name: everywhere},"
                + " spec: {permissions: [{resources: ['*'], actions: ['*']}]}}\n");
        for (int round = 0; round < 2; round++) {
            for (PolicyScope each : List.of(PolicyScope.PLATFORM, PolicyScope.of(TenantId.ASSIZE))) {
                for (boolean whole : new boolean[] {true, false}) {
                    Rebuilt rebuilt = rebuilt(replays.replay(new Wish(each, null, whole), (_, _) -> {}));
                    assertThat(rebuilt.digest()).isEqualTo(PolicyDigest.ofPolicy(repository.current(each)));
                }
            }
            snapshots.cover(TenantId.ASSIZE, 0);
        }
        assertThat(entries(TenantId.ASSIZE, PolicyEntry.SNAPSHOT)).isEqualTo(2);
    }

    @Test
    void rebuildsEveryRevisionOfRandomWorlds() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        TreeMap<Revision, Digest> digests = new TreeMap<>();
        for (int i = 0; i < CHANGES; i++) {
            changeAtRandom(random);
            digests.put(repository.current(scope).revision(), PolicyDigest.ofPolicy(repository.current(scope)));
            if (random.nextInt(8) == 0) {
                snapshots.write(scope);
            }
        }
        Rebuilt whole = rebuilt(replay(null, true));
        assertThat(whole.digest())
                .as("seed %d", seed)
                .isEqualTo(digests.lastEntry().getValue());
        assertThat(whole.snapshot()).isEmpty();
        digests.forEach((revision, digest) -> {
            if (random.nextInt(6) == 0) {
                for (boolean from : new boolean[] {true, false}) {
                    Rebuilt then = rebuilt(replay(revision, from));
                    assertThat(then.revision()).as("seed %d", seed).isEqualTo(revision);
                    assertThat(then.digest()).as("seed %d", seed).isEqualTo(digest);
                }
            }
        });
    }

    @Test
    void comparesAnyTwoRevisionsAndReadsEach() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        List<Map<DocumentKey, String>> written = new ArrayList<>(List.of(Map.of(), texts()));
        for (int i = 0; i < 12; i++) {
            changeAtRandom(random);
            written.add(texts());
        }
        for (int from = 0; from < written.size(); from++) {
            TreeMap<DocumentKey, String> read = new TreeMap<>();
            List<DocumentKey> order = new ArrayList<>();
            history.read(scope, new Revision(from), document -> {
                read.put(document.key(), document.yaml());
                order.add(document.key());
            });
            assertThat(read).as("seed %d, revision %d", seed, from).isEqualTo(written.get(from));
            assertThat(order).isEqualTo(List.copyOf(read.keySet()));
            for (int to = 0; to < written.size(); to++) {
                TreeMap<DocumentKey, TextChange> changes = new TreeMap<>();
                history.compare(
                        scope, new Revision(from), new Revision(to), change -> changes.put(change.key(), change));
                assertThat(changes)
                        .as("seed %d, from %d to %d", seed, from, to)
                        .isEqualTo(difference(written.get(from), written.get(to)));
            }
        }
    }

    @Test
    void whatStoodOnceAppliedAnewHasTheDigestItHadOnce() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 5; i++) {
            changeAtRandom(random);
        }
        Revision then = repository.current(scope).revision();
        for (int i = 0; i < 5; i++) {
            changeAtRandom(random);
        }
        List<Document> stood = new ArrayList<>();
        history.read(
                scope,
                then,
                document -> stood.addAll(
                        DocumentReader.read("then.yaml", 1, document.yaml().getBytes(StandardCharsets.UTF_8))
                                .documents()));
        List<DocumentKey> gone = repository.current(scope).documents().stream()
                .map(Document::key)
                .filter(key ->
                        stood.stream().noneMatch(document -> document.key().equals(key)))
                .toList();
        assertThat(administration.apply(new ChangeSet(stood, gone, List.of(), false, false, "back"), ADMIN, _ -> true))
                .isInstanceOf(Accepted.class);

        List<RevisionRecord> revisions = repository.revisions(scope, null, 100);
        assertThat(revisions.getFirst().policyDigest())
                .isEqualTo(revisions.stream()
                        .filter(record -> record.revision().equals(then))
                        .findFirst()
                        .orElseThrow()
                        .policyDigest());
    }

    private Map<DocumentKey, String> texts() {
        TreeMap<DocumentKey, String> texts = new TreeMap<>();
        repository
                .current(scope)
                .documents()
                .forEach(document -> texts.put(document.key(), DocumentText.write(document)));
        return texts;
    }

    private static Map<DocumentKey, TextChange> difference(Map<DocumentKey, String> from, Map<DocumentKey, String> to) {
        TreeMap<DocumentKey, TextChange> changes = new TreeMap<>();
        Stream.concat(from.keySet().stream(), to.keySet().stream())
                .filter(key -> !Objects.equals(from.get(key), to.get(key)))
                .forEach(key -> changes.put(key, new TextChange(key, from.get(key), to.get(key))));
        return changes;
    }

    @Test
    void rebuildsManyDocuments() {
        StringBuilder yaml = new StringBuilder();
        for (int i = 0; i < DOCUMENTS; i++) {
            yaml.append(group("many-" + i, "user:u" + i));
        }
        apply(yaml.toString());
        long begin = System.nanoTime();
        assertThat(snapshots.write(scope)).isTrue();
        long written = System.nanoTime();
        Rebuilt whole = rebuilt(replay(null, true));
        long first = System.nanoTime();
        Rebuilt short_ = rebuilt(replay(null, false));
        long second = System.nanoTime();

        assertThat(whole.documents()).isEqualTo(DOCUMENTS + 1);
        assertThat(short_.digest()).isEqualTo(whole.digest());
        System.out.printf(
                Locale.ROOT,
                "%d documents: snapshot of %d entries in %d ms, replay of %d entries in %d ms, from the snapshot %d in"
                        + " %d ms%n",
                DOCUMENTS,
                entries(tenant, PolicyEntry.SNAPSHOT),
                (written - begin) / 1_000_000,
                whole.entries(),
                (first - written) / 1_000_000,
                short_.entries(),
                (second - first) / 1_000_000);
    }

    private void changeAtRandom(SplittableRandom random) {
        TreeMap<String, String> puts = new TreeMap<>();
        Set<DocumentKey> deletes = new TreeSet<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            String name = "n" + random.nextInt(12);
            puts.put(
                    name,
                    switch (random.nextInt(4)) {
                        case 0 -> group(name, members(random.nextInt(1, 20)));
                        case 1 -> group(name, members(random.nextInt(2_000, 12_000)));
                        case 2 -> role(name, random.nextInt(1, 300));
                        default -> resource(name + "\u00e9\"\\\u4e16" + random.nextInt(3), random.nextInt(3));
                    });
        }
        for (Document document : repository.current(scope).documents()) {
            if (random.nextInt(6) == 0 && !document.kind().text().equals("Tenant")) {
                deletes.add(document.key());
            }
        }
        List<Document> documents = read(String.join("", puts.values()));
        documents.forEach(document -> deletes.remove(document.key()));
        assertThat(administration.apply(
                        new ChangeSet(documents, List.copyOf(deletes), List.of(), false, false, "by chance"),
                        ADMIN,
                        _ -> true))
                .isInstanceOf(Accepted.class);
    }

    private ReplayResult replay(@Nullable Revision revision, boolean whole) {
        return replays.replay(new Wish(scope, revision, whole), (_, _) -> {});
    }

    private List<Drift> drifts() {
        List<Drift> drifts = assertRebuilt(replay(null, true)).drifts();
        snapshots(drifts);
        return drifts;
    }

    /** What is found does not depend on where the replay begins. */
    private void snapshots(List<Drift> drifts) {
        assertThat(assertRebuilt(replay(null, false)).drifts())
                .extracting(Drift::message)
                .isEqualTo(drifts.stream().map(Drift::message).toList());
    }

    private static Rebuilt assertRebuilt(ReplayResult result) {
        assertThat(result).isInstanceOf(Rebuilt.class);
        return (Rebuilt) result;
    }

    /** And equal to what is stored. */
    private static Rebuilt rebuilt(ReplayResult result) {
        Rebuilt rebuilt = assertRebuilt(result);
        assertThat(rebuilt.drifts()).isEmpty();
        return rebuilt;
    }

    private static PostgresPolicyRepository freshRepository() {
        AuditCodec codec = new AuditCodec();
        return new PostgresPolicyRepository(
                database, new LedgerWriter(database, codec, (_, _) -> {}, InstantSource.system()), codec);
    }

    private void apply(String yaml) {
        assertThat(administration.apply(change(read(yaml)), ADMIN, _ -> true)).isInstanceOf(Accepted.class);
    }

    private static ChangeSet change(List<Document> puts) {
        return new ChangeSet(puts, List.of(), List.of(), false, false, "because");
    }

    private static List<Document> read(String yaml) {
        List<Document> documents = new ArrayList<>();
        int line = 1;
        for (String part : yaml.strip().lines().toList()) {
            ReadResult result = DocumentReader.read("test.yaml", line++, part.getBytes(StandardCharsets.UTF_8));
            assertThat(result.problems()).isEmpty();
            documents.addAll(result.documents());
        }
        return documents;
    }

    private String tenantDocument() {
        return "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: " + tenant
                + "}, spec: {environments: [default]}}\n";
    }

    private String group(String name, String members) {
        return "{apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: " + tenant + ", name: " + name
                + "}, spec: {members: ['" + members + "']}}\n";
    }

    private static String members(int count) {
        StringBuilder members = new StringBuilder("user:first");
        for (int i = 0; i < count; i++) {
            members.append("', 'user:member-").append(i);
        }
        return members.toString();
    }

    private String role(String name, int permissions) {
        return "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: " + tenant + ", name: " + name
                + "}, spec: {permissions: ["
                + "{resources: [doc], actions: [read]},".repeat(permissions - 1)
                + "{resources: [doc], actions: [write]}]}}\n";
    }

    private String resource(String id, int level) {
        return "{apiVersion: assize.dev/v1, kind: Resource, metadata: {tenant: " + tenant + ", name: 'doc:" + id
                + "'}, spec: {attributes: {level: " + level + "}}}\n";
    }

    private void alter(String sql) {
        execute(sql + (sql.contains("WHERE") ? " AND" : " WHERE") + " scope_key = '" + tenant + "'");
    }

    private void alterEntries(String sql) {
        execute("UPDATE assize.ledger_entry SET " + sql + " AND tenant_id = '" + tenant + "'");
    }

    private static void execute(String sql) {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica");
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private long size() {
        return count("SELECT size FROM assize.ledger_head WHERE tenant_id = '" + tenant + "'");
    }

    private static long entries(TenantId ledger, String type) {
        return count("SELECT count(*) FROM assize.ledger_entry WHERE tenant_id = '" + ledger + "' AND type = '" + type
                + "'");
    }

    private static long count(String sql) {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Connection superuser() throws SQLException {
        return DriverManager.getConnection(
                testDatabase.superuser().url(),
                testDatabase.superuser().user(),
                testDatabase.superuser().password());
    }

    private static DecisionService refreshedOnly() {
        return (DecisionService) Proxy.newProxyInstance(
                DecisionService.class.getClassLoader(),
                new Class<?>[] {DecisionService.class},
                (proxy, method, args) -> {
                    if (!method.getName().equals("refresh")) {
                        throw new AssertionError(method.getName());
                    }
                    return null;
                });
    }
}

package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.PolicySource.PastPolicy;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicySource.PolicyUpdate;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.decision.check.PointInTime.Past;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
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

/** What policy was and what it has become, read as differences and as a whole. */
@Timeout(120)
class PolicyHistoryTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Recorder ALICE = new Recorder(new Subject("user", "alice"), new TenantId("home"));
    private static final AtomicInteger TENANTS = new AtomicInteger();

    private static TestDatabase testDatabase;
    private static Database database;

    private Instant now = NOON;
    private TenantId tenant;
    private PolicyScope scope;

    /** Two nodes; what one writes the other has to read. */
    private PostgresPolicyRepository writer;

    private PostgresPolicyRepository reader;

    @BeforeAll
    static void create() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @BeforeEach
    void start() {
        tenant = new TenantId("t" + TENANTS.incrementAndGet());
        scope = PolicyScope.of(tenant);
        writer = node();
        reader = node();
    }

    @Test
    void refusesARevisionThatWasNeverCommitted() {
        put(tenantDocument());

        for (long never : new long[] {0, 2, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> reader.loadPast(tenant, at(never)))
                    .isInstanceOf(RevisionNeverCommittedException.class);
        }
        assertThatThrownBy(() -> reader.loadPast(new TenantId("nobody"), at(1)))
                .isInstanceOf(RevisionNeverCommittedException.class);
    }

    @Test
    void knowsNoTenantBeforeItsFirstRevision() {
        put(tenantDocument());

        assertThat(reader.loadPast(tenant, by(committed(1).minusNanos(1_000)))).isEmpty();
        assertThat(reader.loadPast(tenant, by(committed(1)))).isPresent();
        assertThat(reader.loadPast(new TenantId("nobody"), by(NOON))).isEmpty();
    }

    @Test
    void knowsATenantExactlyWhileItIsThere() {
        put(tenantDocument(), group("g", 1));
        PolicySnapshot first = reader.load(tenant).orElseThrow();
        change(scope, List.of(), List.of(tenantDocument().key(), group("g", 1).key()));

        assertThat(reader.update(first)).isEmpty();
        assertThat(reader.load(tenant)).isEmpty();
        put(tenantDocument(), group("h", 2));

        PolicyUpdate again = reader.update(first).orElseThrow();
        assertThat(again.snapshot().tenant().revision()).isEqualTo(new Revision(3));
        assertThat(texts(again.snapshot().tenant()))
                .isEqualTo(texts(reader.load(tenant).orElseThrow().tenant()));
        assertThat(again.changed()).extracting(DocumentKey::toString).contains("Group/g", "Group/h");
        assertThat(reader.loadPast(tenant, by(committed(1))).map(PolicyHistoryTest::revision))
                .contains(1L);
        assertThat(reader.loadPast(tenant, at(2))).isEmpty();
        assertThat(reader.loadPast(tenant, by(committed(2)))).isEmpty();
        assertThat(reader.loadPast(tenant, by(committed(3))).map(PolicyHistoryTest::revision))
                .contains(3L);
    }

    @Test
    void sharesWhatDidNotChange() {
        put(tenantDocument(), group("same", 1), group("other", 1));
        PolicySnapshot before = reader.load(tenant).orElseThrow();
        put(group("other", 2));

        PolicyUpdate update = reader.update(before).orElseThrow();

        assertThat(update.changed()).containsExactly(group("other", 1).key());
        DocumentKey same = group("same", 1).key();
        assertThat(update.snapshot().tenant().find(same).orElseThrow())
                .isSameAs(before.tenant().find(same).orElseThrow());
        assertThat(update.snapshot().platform()).isSameAs(before.platform());
        assertThat(reader.load(tenant).orElseThrow().tenant())
                .as("what was read once is not read again")
                .isSameAs(update.snapshot().tenant());
    }

    @Test
    void updatesWhatItHoldsWhereNothingChanged() {
        put(tenantDocument());
        PolicySnapshot held = reader.load(tenant).orElseThrow();

        PolicyUpdate update = reader.update(held).orElseThrow();

        assertThat(update.changed()).isEmpty();
        assertThat(update.snapshot().tenant()).isSameAs(held.tenant());
    }

    @Test
    void everyRevisionIsReadAlikeForwardsBackwardsAndWhole() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        Map<Long, Map<String, String>> written = new TreeMap<>();
        put(tenantDocument());
        PolicySnapshot followed = reader.load(tenant).orElseThrow();
        for (int i = 0; i < 60; i++) {
            changeAtRandom(random);
            written.put(writer.current(scope).revision().value(), texts(writer.current(scope)));
            if (random.nextInt(4) == 0) {
                PolicyUpdate update = reader.update(followed).orElseThrow();
                assertThat(update.changed())
                        .as("seed %d, revision %d", seed, i)
                        .containsAll(
                                differing(followed.tenant(), update.snapshot().tenant()));
                followed = update.snapshot();
                assertThat(texts(followed.tenant()))
                        .as("seed %d, revision %d", seed, i)
                        .isEqualTo(written.get(followed.tenant().revision().value()));
            }
        }
        written.forEach((revision, texts) -> {
            for (PostgresPolicyRepository node : List.of(reader, writer, node())) {
                PolicySet then = node.loadPast(tenant, at(revision))
                        .orElseThrow()
                        .snapshot()
                        .tenant();
                assertThat(then.revision().value()).isEqualTo(revision);
                assertThat(texts(then))
                        .as("seed %d, revision %d", seed, revision)
                        .isEqualTo(texts);
            }
        });
    }

    @Test
    void readsMoreThanABlockOfDocuments() {
        List<Document> documents = new ArrayList<>(List.of(tenantDocument()));
        for (int i = 0; i < 3 * DocumentRows.BLOCK + 7; i++) {
            documents.add(group("g" + i, i));
        }
        put(documents.toArray(Document[]::new));

        PolicySet read = reader.load(tenant).orElseThrow().tenant();

        assertThat(read.size()).isEqualTo(documents.size());
        assertThat(texts(read)).isEqualTo(texts(PolicySet.of(scope, new Revision(1), documents)));
        assertThat(read.ofKind(GroupDocument.class).stream()
                        .map(document ->
                                System.identityHashCode(document.metadata().scope()))
                        .distinct())
                .as("equal parts are one object")
                .hasSize(1);
    }

    @Test
    void readsAllWhereMoreRevisionsLieBetweenThanThereAreDocuments() {
        put(tenantDocument());
        PolicySnapshot before = reader.load(tenant).orElseThrow();
        put(group("g", 0));
        String skip = "SET session_replication_role = replica;"
                + " UPDATE assize.policy_scope SET revision = revision + 5000 WHERE scope_key = '" + tenant + "'";
        asSuperuser(skip);

        PolicyUpdate update = reader.update(before).orElseThrow();

        assertThat(update.snapshot().tenant().revision()).isEqualTo(new Revision(5_002));
        assertThat(update.snapshot().tenant().find(group("g", 0).key())).isPresent();
    }

    @Test
    void startsAnewWhereABackupWasRestored() {
        put(tenantDocument(), group("g", 0));
        put(group("g", 1));
        PolicySnapshot held = reader.load(tenant).orElseThrow();
        asSuperuser("DELETE FROM assize.policy_document WHERE scope_key = '" + tenant + "' AND from_revision = 2;"
                + " UPDATE assize.policy_document SET to_revision = NULL WHERE scope_key = '" + tenant + "';"
                + " UPDATE assize.policy_scope SET revision = 1 WHERE scope_key = '" + tenant + "'");

        PolicyUpdate update = reader.update(held).orElseThrow();

        assertThat(update.changed()).contains(group("g", 0).key());
        assertThat(texts(update.snapshot().tenant())).containsValue(DocumentText.write(group("g", 0)));
        assertThat(texts(reader.load(tenant).orElseThrow().tenant()))
                .isEqualTo(texts(update.snapshot().tenant()));
    }

    /** The number says nothing: what was remembered of it was another policy. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void startsFromNothingOfAnotherHistory(int further) {
        put(tenantDocument(), group("g", 0));
        put(group("g", 1), group("h", 1));
        List<PostgresPolicyRepository> nodes =
                Stream.generate(this::node).limit(6).toList();
        List<PolicySnapshot> held =
                nodes.stream().map(node -> node.load(tenant).orElseThrow()).toList();
        asSuperuser("DELETE FROM assize.policy_document WHERE scope_key = '" + tenant + "' AND from_revision = 2;"
                + " UPDATE assize.policy_document SET to_revision = NULL WHERE scope_key = '" + tenant + "';"
                + " DELETE FROM assize.policy_revision WHERE scope_key = '" + tenant + "' AND revision = 2;"
                + " UPDATE assize.policy_scope SET revision = 1 WHERE scope_key = '" + tenant + "'");
        writer = node();
        put(group("g", 2));
        for (int i = 0; i < further; i++) {
            put(group("i", i));
        }
        Map<String, String> expected = texts(node().current(scope));
        Map<String, String> second =
                texts(node().loadPast(tenant, at(2)).orElseThrow().snapshot().tenant());

        assertThat(texts(nodes.get(0).load(tenant).orElseThrow().tenant())).isEqualTo(expected);
        assertThat(texts(nodes.get(1).current(scope))).isEqualTo(expected);
        assertThat(texts(nodes.get(2)
                        .loadPast(tenant, at(2))
                        .orElseThrow()
                        .snapshot()
                        .tenant()))
                .isEqualTo(second);
        assertThat(locked(nodes.get(3), scope)).isEqualTo(expected);
        assertThat(locked(nodes.get(4), PolicyScope.PLATFORM)).isEqualTo(expected);
        if (further > 0) {
            PolicyUpdate update = nodes.get(5).update(held.get(5)).orElseThrow();
            assertThat(texts(update.snapshot().tenant())).isEqualTo(expected);
            assertThat(update.changed()).contains(group("h", 1).key());
        }
    }

    /** What a change of a scope is judged by in the tenant. */
    private Map<String, String> locked(PostgresPolicyRepository node, PolicyScope changed) {
        Map<String, String> found = new TreeMap<>();
        node.change(Set.of(changed), present -> {
            if (changed.isPlatform()) {
                present.tenants().forEach(set -> {
                    if (set.scope().equals(scope)) {
                        found.putAll(texts(set));
                    }
                });
            } else {
                found.putAll(texts(present.documents(changed)));
            }
            return List.of();
        });
        return found;
    }

    @Test
    void commitsLaterThanWhatWasCommittedWhateverTheClockSays() {
        put(tenantDocument());
        now = NOON.minusSeconds(3_600);
        put(group("g", 1));
        put(group("g", 2));

        assertThat(List.of(committed(2), committed(3)))
                .containsExactly(
                        committed(1).plus(1, ChronoUnit.MICROS), committed(1).plus(2, ChronoUnit.MICROS));
    }

    @Test
    void thePlatformBesideARevisionIsTheOneItWasJudgedBeside() {
        long seed = ThreadLocalRandom.current().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        put(tenantDocument());
        Map<Long, Long> platformBeside = new TreeMap<>();
        for (int i = 0; i < 30; i++) {
            // Nodes whose clocks are apart by up to a second.
            now = NOON.plusMillis(random.nextInt(1_000));
            if (random.nextBoolean()) {
                change(PolicyScope.PLATFORM, List.of(role("p" + scope.key() + i)), List.of());
            } else {
                put(group("g", i));
                platformBeside.put(
                        writer.current(scope).revision().value(),
                        writer.current(PolicyScope.PLATFORM).revision().value());
            }
        }
        platformBeside.forEach((revision, platform) -> {
            PastPolicy past = reader.loadPast(tenant, at(revision)).orElseThrow();
            assertThat(past.snapshot().platform().revision().value())
                    .as("seed %d, revision %d", seed, revision)
                    .isEqualTo(platform);
            assertThat(revision(reader.loadPast(tenant, by(past.committedBy())).orElseThrow()))
                    .isEqualTo(revision);
        });
    }

    @Test
    void judgesARevisionByAnotherMoment() {
        put(tenantDocument());
        now = NOON.plusSeconds(10);
        put(group("g", 1));

        PastPolicy past = reader.loadPast(tenant, new Past(new Revision(1), NOON.plusSeconds(5)))
                .orElseThrow();

        assertThat(revision(past)).isOne();
        assertThat(past.committedBy()).isEqualTo(NOON.plusSeconds(5));
    }

    @Test
    void judgesNoRevisionByAMomentBeforeIt() {
        put(tenantDocument());
        now = NOON.plusSeconds(10);
        put(group("g", 1));

        assertThat(reader.loadPast(tenant, new Past(new Revision(2), committed(2))))
                .isPresent();
        assertThatThrownBy(() -> reader.loadPast(
                        tenant, new Past(new Revision(2), committed(2).minusNanos(1))))
                .isInstanceOf(MalformedException.class)
                .hasMessageContainingAll(
                        "as_of", "revision 2 of `at_revision`", committed(2).toString());
    }

    @Test
    void keepsWhatTheDocumentsAddUpTo() {
        put(tenantDocument(), group("g", 1));
        put(group("g", 2), group("h", 1));
        PolicySum expected = PolicySum.of(writer.current(scope).documents());
        List<PolicySum> found = new ArrayList<>();

        seeSum(found);
        asSuperuser("UPDATE assize.policy_sum SET revision = 1 WHERE scope_key = '" + tenant + "'");
        seeSum(found);
        asSuperuser("DELETE FROM assize.policy_sum WHERE scope_key = '" + tenant + "'");
        seeSum(found);

        assertThat(found).containsExactly(expected, expected, expected);
    }

    private void seeSum(List<PolicySum> found) {
        reader.change(Set.of(scope), present -> {
            found.add(present.sum(scope));
            return List.of();
        });
    }

    private PostgresPolicyRepository node() {
        AuditCodec codec = new AuditCodec();
        return new PostgresPolicyRepository(
                database, new LedgerWriter(database, codec, (_, _) -> {}, () -> now), codec);
    }

    private void changeAtRandom(SplittableRandom random) {
        Map<DocumentKey, Document> puts = new TreeMap<>();
        Set<DocumentKey> deletes = new TreeSet<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            Document document = group("g" + random.nextInt(20), random.nextInt(5));
            if (random.nextInt(3) > 0) {
                puts.put(document.key(), document);
            } else if (writer.current(scope).find(document.key()).isPresent()) {
                deletes.add(document.key());
            }
        }
        deletes.removeAll(puts.keySet());
        change(scope, List.copyOf(puts.values()), List.copyOf(deletes));
    }

    private Instant committed(long revision) {
        return writer.revisions(scope, new Revision(revision + 1), 1).getFirst().committedAt();
    }

    private void put(Document... documents) {
        change(scope, List.of(documents), List.of());
    }

    private void change(PolicyScope where, List<Document> puts, List<DocumentKey> deletes) {
        writer.change(Set.of(where), present -> List.of(plan(present, where, puts, deletes)));
    }

    private static ScopePlan plan(Present present, PolicyScope scope, List<Document> puts, List<DocumentKey> deletes) {
        PolicySet base = present.documents(scope);
        Revision revision = base.revision().next();
        List<Document> removed = Stream.concat(puts.stream().map(Document::key), deletes.stream())
                .flatMap(key -> base.find(key).stream())
                .toList();
        PolicySum sum = present.sum(scope).with(removed, puts);
        Digest digest = Digest.sha256(sum.bytes());
        return new ScopePlan(
                scope,
                revision,
                puts,
                deletes,
                sum,
                new RevisionRecord(revision, NOON, ALICE, Optional.empty(), 1, Digest.sha256(), digest, -1),
                List.of(PolicyRepositoryFixture.event("r")),
                List.of(),
                null);
    }

    private static Set<DocumentKey> differing(PolicySet one, PolicySet other) {
        Set<DocumentKey> keys = new TreeSet<>();
        for (PolicySet set : List.of(one, other)) {
            set.documents().stream()
                    .map(Document::key)
                    .filter(key -> !text(one, key).equals(text(other, key)))
                    .forEach(keys::add);
        }
        return keys;
    }

    private static Optional<String> text(PolicySet set, DocumentKey key) {
        return set.find(key).map(DocumentText::write);
    }

    private static Map<String, String> texts(PolicySet set) {
        Map<String, String> texts = new TreeMap<>();
        set.documents().forEach(document -> texts.put(document.key().toString(), DocumentText.write(document)));
        return texts;
    }

    private static long revision(PastPolicy past) {
        return past.snapshot().tenant().revision().value();
    }

    private static Past at(long revision) {
        return new Past(new Revision(revision), null);
    }

    private static Past by(@Nullable Instant moment) {
        return new Past(null, requireNonNull(moment));
    }

    private Document tenantDocument() {
        return read("kind: Tenant, metadata: {name: " + tenant + "}, spec: {environments: [default]}");
    }

    private Document group(String name, int member) {
        return read("kind: Group, metadata: {tenant: " + tenant + ", name: " + name + "}, spec: {members: ['user:u"
                + member + "']}");
    }

    private static Document role(String name) {
        return read("kind: Role, metadata: {name: " + name
                + "}, spec: {permissions: [{resources: [vault], actions: [read]}]}");
    }

    private static Document read(String fields) {
        DocumentReader.ReadResult result =
                DocumentReader.read("policy.yaml", 1, ("{apiVersion: assize.dev/v1, " + fields + "}").getBytes(UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents().getFirst();
    }

    private static void asSuperuser(String sql) {
        DatabaseAccess access = testDatabase.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }
}

package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.administration.PolicyRepository.Answered;
import dev.assize.server.administration.PolicyRepository.Planner;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.administration.PolicyRepository.Unchanged;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PostgresPolicyRepositoryTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00.000001Z");
    private static final Recorder ALICE = new Recorder(new Subject("user", "alice"), new TenantId("home"));
    private static final AtomicInteger TENANTS = new AtomicInteger();

    private static TestDatabase testDatabase;
    private static Database database;
    private static PostgresPolicyRepository repository;
    private static PostgresLedgerStore ledger;

    private TenantId tenant;
    private PolicyScope scope;

    @BeforeAll
    static void create() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        AuditCodec codec = new AuditCodec();
        LedgerWriter writer = new LedgerWriter(database, codec, (_, _) -> {}, () -> NOON);
        repository = new PostgresPolicyRepository(database, writer, codec);
        ledger = new PostgresLedgerStore(database, writer);
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @BeforeEach
    void name() {
        tenant = new TenantId("t" + TENANTS.incrementAndGet());
        scope = PolicyScope.of(tenant);
    }

    @Test
    void knowsNothingOfATenantThatWasNeverWritten() {
        assertThat(repository.load(tenant)).isEmpty();
        assertThat(repository.current(scope).revision()).isEqualTo(Revision.NONE);
        assertThat(repository.revisions(Set.of(scope))).isEmpty();
        assertThat(repository.revisions(scope, null, 10)).isEmpty();
    }

    @Test
    void writesNothingWhenThePlannerThrows() {
        assertThatThrownBy(() -> repository.change(Set.of(scope), present -> {
                    throw new IllegalArgumentException("refused");
                }))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("refused");
        assertThat(repository.load(tenant)).isEmpty();
        assertThat(ledger.head(tenant)).isEmpty();
    }

    @Test
    void writesNothingWithoutPlans() {
        assertThat(repository.change(Set.of(scope), present -> List.of())).isEmpty();
        assertThat(repository.load(tenant)).isEmpty();
    }

    @Test
    void writesNothingWhenTheEntryCannotBeWritten() {
        assertThatThrownBy(() -> repository.change(
                        Set.of(scope),
                        present -> List.of(
                                plan(present, scope, List.of(role(scope, "a")), List.of(), "x".repeat(70_000)))))
                .hasMessageContaining("frame");
        assertThat(repository.load(tenant)).isEmpty();
        assertThat(ledger.head(tenant)).isEmpty();
    }

    @Test
    void commitsDocumentsRevisionAndEntryTogether() {
        List<Long> positions = put("a", "b");
        assertThat(positions).containsExactly(0L);
        PolicySet written = repository.current(scope);
        assertThat(written.revision()).isEqualTo(new Revision(1));
        assertThat(names(written)).containsExactly("a", "b");
        assertThat(ledger.head(tenant).map(LedgerHead::size)).contains(1L);
        assertThat(repository.revisions(Set.of(scope))).isEqualTo(Map.of(scope, new Revision(1)));
        RevisionRecord record = repository.revisions(scope, null, 10).getFirst();
        assertThat(record.committedAt())
                .as("not before its entry, and after the platform that it was judged beside")
                .isBetween(NOON, NOON.plusMillis(1));
        assertThat(record)
                .isEqualTo(new RevisionRecord(
                        new Revision(1),
                        record.committedAt(),
                        ALICE,
                        Optional.of("because"),
                        2,
                        Digest.sha256(),
                        Digest.sha256(new byte[1]),
                        0));
    }

    @Test
    void readsBackWhatWasWritten() {
        Document written = role(scope, "a");
        repository.change(Set.of(scope), present -> List.of(plan(present, scope, List.of(written), List.of(), "r")));
        Document read = repository.current(scope).find(written.key()).orElseThrow();
        assertThat(DocumentText.write(read)).isEqualTo(DocumentText.write(written));
        assertThat(DocumentText.lines(read)).isEqualTo(DocumentText.lines(written));
        assertThat(read.place().file()).isEqualTo("roles.yaml");
    }

    @Test
    void aLoadMayRestLongerThanAnotherTransaction() {
        StorageConfig config = testDatabase.config();
        List<Document> many =
                IntStream.range(0, 5_000).mapToObj(i -> role(scope, "r" + i)).toList();
        repository.change(Set.of(scope), present -> List.of(plan(present, scope, many, List.of(), "r")));
        try (Database impatient = new Database(
                new StorageConfig(
                        config.location(),
                        config.ledgerName(),
                        config.poolSize(),
                        config.connectTimeout(),
                        config.statementTimeout(),
                        Duration.ofMillis(1)),
                InstantSource.system())) {
            impatient.start();
            AuditCodec codec = new AuditCodec();
            PostgresPolicyRepository node = new PostgresPolicyRepository(
                    impatient, new LedgerWriter(impatient, codec, (_, _) -> {}, InstantSource.system()), codec);
            assertThat(node.current(scope).size()).isEqualTo(5_000);
        }
    }

    @Test
    void readsAheadOfTheLock() {
        repository.change(
                Set.of(scope), present -> List.of(plan(present, scope, List.of(role(scope, "a")), List.of(), "r")));
        AuditCodec codec = new AuditCodec();
        PostgresPolicyRepository other = new PostgresPolicyRepository(
                database, new LedgerWriter(database, codec, (_, _) -> {}, () -> NOON), codec);
        PolicySet ahead = other.current(scope);
        other.change(Set.of(scope), present -> {
            assertThat(present.documents(scope)).as("what was read before").isSameAs(ahead);
            return List.of();
        });
    }

    @Test
    void replacesAndDeletes() {
        put("a", "b");
        DocumentKey a = role(scope, "a").key();
        repository.change(
                Set.of(scope),
                present -> List.of(plan(present, scope, List.of(role(scope, "b"), role(scope, "c")), List.of(a), "r")));
        assertThat(names(repository.current(scope))).containsExactly("b", "c");
        put("a");
        assertThat(names(repository.current(scope))).containsExactly("a", "b", "c");
        assertThat(repository.revisions(scope, null, 2))
                .extracting(record -> record.revision().value())
                .containsExactly(3L, 2L);
        assertThat(repository.revisions(scope, new Revision(2), 10))
                .extracting(record -> record.revision().value())
                .containsExactly(1L);
    }

    @Test
    void showsThePlannerEveryTenantWhenThePlatformChanges() {
        put("a");
        repository.change(Set.of(PolicyScope.PLATFORM), present -> {
            assertThat(present.tenants())
                    .filteredOn(set -> set.scope().equals(scope))
                    .singleElement()
                    .satisfies(set -> assertThat(names(set)).containsExactly("a"));
            PolicySet platform = present.documents(PolicyScope.PLATFORM);
            return List.of(plan(
                    present,
                    PolicyScope.PLATFORM,
                    List.of(role(PolicyScope.PLATFORM, "p" + platform.revision().value())),
                    List.of(),
                    "r"));
        });
        assertThat(names(repository.current(PolicyScope.PLATFORM))).contains("p0");
        assertThat(ledger.head(TenantId.ASSIZE)).isPresent();
    }

    @Test
    void showsThePlannerThePlatformAndItsScopesOnly() {
        put("a");
        PolicyScope other = PolicyScope.of(new TenantId(tenant + ".other"));
        repository.change(Set.of(other), present -> {
            assertThat(present.documents(PolicyScope.PLATFORM).scope()).isEqualTo(PolicyScope.PLATFORM);
            assertThat(present.documents(other).revision()).isEqualTo(Revision.NONE);
            assertThatThrownBy(() -> present.documents(scope)).hasMessageContaining("not named");
            return List.of();
        });
    }

    @Test
    void changesSeveralScopesAtOnce() {
        PolicyScope other = PolicyScope.of(new TenantId(tenant + ".other"));
        List<Long> positions = repository.change(
                Set.of(scope, other),
                present -> List.of(
                        plan(present, other, List.of(role(other, "o")), List.of(), "r"),
                        plan(present, scope, List.of(role(scope, "s")), List.of(), "r")));
        assertThat(positions).containsExactly(0L, 0L);
        assertThat(names(repository.current(other))).containsExactly("o");
        assertThat(names(repository.current(scope))).containsExactly("s");
    }

    @Test
    void changesOfOneTenantTakeTurns() throws Exception {
        inParallel(8, i -> put("role" + i));
        assertThat(repository.current(scope).revision()).isEqualTo(new Revision(8));
        assertThat(names(repository.current(scope))).hasSize(8);
        assertThat(ledger.head(tenant).map(LedgerHead::size)).contains(8L);
    }

    @Test
    void tenantsChangeAtTheSameTime() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        inParallel(2, i -> {
            PolicyScope own = PolicyScope.of(new TenantId(tenant + "." + i));
            return repository.change(Set.of(own), present -> {
                both.countDown();
                awaitLatch(both);
                return List.of(plan(present, own, List.of(role(own, "a")), List.of(), "r"));
            });
        });
    }

    @Test
    void whatIsCommittedWhileAChangeIsJudgedComesBeforeItAndIsJudgedWithIt() {
        List<Long> judgedAt = new ArrayList<>();
        repository.changeAhead(Set.of(scope), present -> {
            PolicySet documents = present.documents(scope);
            judgedAt.add(documents.revision().value());
            if (judgedAt.size() == 1) {
                put("brake");
            } else {
                assertThat(names(documents)).contains("brake");
            }
            return List.of(plan(present, scope, List.of(role(scope, "large")), List.of(), "r"));
        });
        assertThat(judgedAt).containsExactly(0L, 1L);
        assertThat(names(repository.current(scope))).containsExactly("brake", "large");
        assertThat(repository.revisions(scope, null, 10))
                .extracting(record -> record.revision().value())
                .containsExactly(2L, 1L);
    }

    @Test
    void aChangeIsJudgedOnceWhereNothingMoves() {
        AtomicInteger judged = new AtomicInteger();
        put("a");
        List<Long> positions = repository.changeAhead(Set.of(scope), present -> {
            judged.incrementAndGet();
            put(new TenantId(tenant + ".other"));
            return List.of(plan(present, scope, List.of(role(scope, "b")), List.of(), "r"));
        });
        assertThat(judged).hasValue(1);
        assertThat(positions).containsExactly(1L);
    }

    @Test
    void aChangeOfATenantIsJudgedAnewBehindOneOfThePlatform() {
        List<Revision> platforms = new ArrayList<>();
        repository.changeAhead(Set.of(scope), present -> {
            platforms.add(present.documents(PolicyScope.PLATFORM).revision());
            if (platforms.size() == 1) {
                putPlatform();
            }
            return List.of(plan(present, scope, List.of(role(scope, "a")), List.of(), "r"));
        });
        assertThat(platforms).hasSize(2);
        assertThat(platforms.getLast()).isEqualTo(platforms.getFirst().next());
    }

    @Test
    void aChangeOfThePlatformIsJudgedAnewBehindOneOfAnyTenant() {
        List<List<String>> seen = new ArrayList<>();
        repository.changeAhead(Set.of(PolicyScope.PLATFORM), present -> {
            List<String> names = new ArrayList<>();
            present.tenants().forEach(set -> {
                if (set.scope().equals(scope)) {
                    names.addAll(names(set));
                }
            });
            seen.add(names);
            if (seen.size() == 1) {
                put("a");
            }
            return List.of(platformPlan(present));
        });
        assertThat(seen).containsExactly(List.of(), List.of("a"));
    }

    @Test
    void whatOnlyJudgesHoldsUpNobody() {
        List<Long> positions = repository.changeAhead(Set.of(scope, PolicyScope.PLATFORM), present -> {
            put("brake");
            assertThat(names(present.documents(scope))).as("one moment").isEmpty();
            return List.of();
        });
        assertThat(positions).isEmpty();
        assertThat(names(repository.current(scope))).containsExactly("brake");
    }

    @Test
    void whereSomethingMovesEachTimeAChangeIsJudgedUnderLock() {
        List<Long> judgedAt = new ArrayList<>();
        repository.changeAhead(Set.of(scope), present -> {
            judgedAt.add(present.documents(scope).revision().value());
            if (judgedAt.size() <= 3) {
                put("r" + judgedAt.size());
            } else {
                assertThatThrownBy(() -> impatient(node -> put(node, scope, "late")))
                        .isInstanceOf(PolicyBusyException.class)
                        .hasMessageContaining(scope.toString());
            }
            return List.of(plan(present, scope, List.of(role(scope, "large")), List.of(), "r"));
        });
        assertThat(judgedAt).containsExactly(0L, 1L, 2L, 3L);
        assertThat(names(repository.current(scope))).containsExactly("large", "r1", "r2", "r3");
    }

    @Test
    void namesThePlatformWhereThatIsWaitedFor() {
        repository.change(Set.of(PolicyScope.PLATFORM), present -> {
            assertThatThrownBy(() -> impatient(node -> put(node, scope, "late")))
                    .isInstanceOf(PolicyBusyException.class)
                    .hasMessageContaining("the platform");
            return List.of();
        });
        assertThat(repository.load(tenant)).isEmpty();
    }

    @Test
    void aKeyThatWasUsedWhileAChangeWasJudgedIsFound() {
        put("a");
        Once once = new Once("k", Digest.sha256(), "");
        List<Optional<Answered>> answers = new ArrayList<>();
        repository.changeAhead(
                Set.of(scope),
                new KeyedPlanner(
                        present -> {
                            answers.add(present.answered(scope, ALICE, "k"));
                            if (answers.size() == 1) {
                                repository.change(Set.of(scope), new KeyedPlanner(_ -> {}, scope, once));
                            }
                        },
                        scope,
                        once) {
                    @Override
                    public List<Unchanged> unchanged() {
                        return answers.getLast().isPresent() ? List.of() : super.unchanged();
                    }
                });
        assertThat(answers).hasSize(2);
        assertThat(answers.getLast().map(Answered::once)).contains(once);
    }

    /** Leaves everything as it was, under a key. */
    private static class KeyedPlanner implements Planner {

        private final Consumer<Present> look;
        private final PolicyScope scope;
        private final Once once;

        KeyedPlanner(Consumer<Present> look, PolicyScope scope, Once once) {
            this.look = look;
            this.scope = scope;
            this.once = once;
        }

        @Override
        public List<ScopePlan> plan(Present present) {
            look.accept(present);
            return List.of();
        }

        @Override
        public List<Unchanged> unchanged() {
            return List.of(new Unchanged(scope, new Revision(1), ALICE, once));
        }
    }

    /** On a node that waits for nobody. */
    private static void impatient(Consumer<PostgresPolicyRepository> work) {
        StorageConfig config = testDatabase.config();
        try (Database other = new Database(
                new StorageConfig(
                        config.location(),
                        config.ledgerName(),
                        config.poolSize(),
                        config.connectTimeout(),
                        Duration.ofSeconds(1),
                        config.idleTimeout()),
                InstantSource.system())) {
            other.start();
            AuditCodec codec = new AuditCodec();
            work.accept(new PostgresPolicyRepository(
                    other, new LedgerWriter(other, codec, (_, _) -> {}, InstantSource.system()), codec));
        }
    }

    private static void putPlatform() {
        repository.change(Set.of(PolicyScope.PLATFORM), present -> List.of(platformPlan(present)));
    }

    private static ScopePlan platformPlan(Present present) {
        Revision platform = present.documents(PolicyScope.PLATFORM).revision();
        return plan(
                present,
                PolicyScope.PLATFORM,
                List.of(role(PolicyScope.PLATFORM, "p" + platform.value())),
                List.of(),
                "r");
    }

    private static void put(TenantId other) {
        put(repository, PolicyScope.of(other), "a");
    }

    private static void put(PostgresPolicyRepository node, PolicyScope where, String name) {
        node.change(
                Set.of(where), present -> List.of(plan(present, where, List.of(role(where, name)), List.of(), "r")));
    }

    private List<Long> put(String... names) {
        return repository.change(
                Set.of(scope),
                present -> List.of(plan(
                        present,
                        scope,
                        List.of(names).stream().map(name -> role(scope, name)).toList(),
                        List.of(),
                        "r")));
    }

    private static ScopePlan plan(
            Present present, PolicyScope scope, List<Document> puts, List<DocumentKey> deletes, String entryReason) {
        Revision revision = present.documents(scope).revision().next();
        return new ScopePlan(
                scope,
                revision,
                puts,
                deletes,
                PolicySum.of(puts),
                new RevisionRecord(
                        revision,
                        NOON,
                        ALICE,
                        Optional.of("because"),
                        puts.size() + deletes.size(),
                        Digest.sha256(),
                        Digest.sha256(new byte[1]),
                        -1),
                List.of(event(entryReason)),
                List.of(),
                null);
    }

    static AuditEvent event(String reason) {
        return EventBuilder.event("assize.test", ALICE.caller(), new Action("apply"), ResourcePath.parse("policy"))
                .env(new Environment("default"))
                .reason(reason)
                .build();
    }

    private static Document role(PolicyScope scope, String name) {
        String tenantLine = scope.tenant().map(it -> "\n  tenant: " + it).orElse("");
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Role
                metadata:
                  name: %s%s
                spec:
                  permissions:
                    - resources: [vault]
                      actions: [read]
                """.formatted(name, tenantLine);
        DocumentReader.ReadResult result = DocumentReader.read("roles.yaml", 1, yaml.getBytes(UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents().getFirst();
    }

    private static List<String> names(PolicySet set) {
        return set.documents().stream().map(Document::name).toList();
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private interface Work {
        Object run(int i) throws Exception;
    }

    private static void inParallel(int count, Work work) throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> futures = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                futures.add(executor.submit(() -> work.run(number)));
            }
            for (Future<?> future : futures) {
                future.get();
            }
        }
    }
}

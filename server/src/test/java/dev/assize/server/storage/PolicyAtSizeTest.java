package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.common.util.concurrent.Uninterruptibles;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Measures policy of a size that is too large for every build: run with {@code -Dassize.size=1000000}, the number of
 * bindings of the one large tenant. What it prints stands in docs/performance.md.
 */
@EnabledIfSystemProperty(named = "assize.size", matches = "[1-9][0-9]*")
class PolicyAtSizeTest {

    private static final int BINDINGS = Integer.getInteger("assize.size", 0);
    private static final int SUBJECTS = 200_000;
    private static final int GROUPS = 5_000;
    private static final int ROLES = 500;
    private static final int SMALL_TENANTS = 10_000;
    private static final int DOCUMENTS_OF_SMALL = 20;

    /** Room for the large tenant as it is. */
    private static final long CACHE_BYTES = 4L << 30;

    private static final TenantId BIG = new TenantId("big");
    private static final Recorder ADMINISTRATOR = new Recorder(Subject.parse("user:admin"), TenantId.ASSIZE);
    private static final String TENANT = "apiVersion: assize.dev/v1\nkind: Tenant\nmetadata:\n  name: %s\nspec:\n"
            + "  environments:\n  - default\n";

    private TestDatabase testDatabase;
    private Database database;
    private final ThreadLocal<Long> committedNanos = ThreadLocal.withInitial(() -> 0L);

    @BeforeEach
    void create() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
    }

    @AfterEach
    void drop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void aTenantOfManyBindings() throws Exception {
        long start = System.nanoTime();
        fill(
                BIG.value(),
                "RoleBinding",
                BINDINGS,
                "  subjects:\n  - ' || CASE WHEN i % 10 = 0 THEN 'group:g' || i % " + GROUPS + " ELSE 'user:u' || i % "
                        + SUBJECTS + " END || '\n  role: r' || i % " + ROLES + " || '\n");
        fill(
                BIG.value(),
                "Group",
                GROUPS,
                "  members:\n' || (SELECT string_agg('  - user:u' || (i * 40 + k) % " + SUBJECTS
                        + " || E'\\n', '' ORDER BY k) FROM generate_series(0, 39) k) || '");
        fill(
                BIG.value(),
                "Role",
                ROLES,
                "  permissions:\n  - effect: allow\n    resources:\n    - t' || (i - 1) % 20 || '\n"
                        + "    actions:\n    - read\n    - write\n");
        fill(BIG.value(), "ResourceType", 20, "  actions:\n  - read\n  - write\n");
        begin(BIG.value());
        print("filled", start);

        long before = usedHeap();
        PostgresPolicyRepository repository = repository();
        start = System.nanoTime();
        PolicySnapshot snapshot = repository.load(BIG).orElseThrow();
        print("loaded " + snapshot.tenant().size() + " documents", start);
        long documents = usedHeap() - before;
        System.out.printf(
                "documents: %,d bytes each%n", documents / snapshot.tenant().size());
        start = System.nanoTime();
        DecisionGraph graph = GraphCompiler.compile(snapshot.tenant(), snapshot.platform());
        print("compiled", start);
        System.out.printf(
                "graph beside the documents: %,d bytes a binding%n", (usedHeap() - before - documents) / BINDINGS);
        long both = usedHeap();
        start = System.nanoTime();
        snapshot.tenant().prepareForChange();
        print("indexed", start);
        System.out.printf("index beside the documents: %,d bytes a binding%n", (usedHeap() - both) / BINDINGS);
        assertThat(List.of(graph.revision(), snapshot.tenant().revision())).containsOnly(new Revision(1));

        begin(repository);
        // Another node.
        follow(repository());
    }

    @Test
    void manySmallTenants() throws Exception {
        long start = System.nanoTime();
        for (String kind : List.of("Tenant", "Role", "RoleBinding")) {
            fillSmall(kind);
        }
        print("filled", start);
        PostgresPolicyRepository repository = repository();
        DecisionService decisions = decisions(repository, 64L << 20);
        SplittableRandom random = new SplittableRandom(1);
        int asked = 20_000;
        List<Long> nanos = new ArrayList<>();
        start = System.nanoTime();
        for (int i = 0; i < asked; i++) {
            long began = System.nanoTime();
            TenantId tenant = new TenantId("small" + (1 + random.nextInt(SMALL_TENANTS)));
            assertThat(decisions
                            .evaluate(query(tenant, "user:u1", "t1"), PointInTime.NOW)
                            .reason())
                    .isEqualTo(Reason.ALLOWED);
            nanos.add(System.nanoTime() - began);
        }
        print("checks of small tenants, most of them loads", nanos);
        print(asked + " checks uniform over " + SMALL_TENANTS + " tenants", start);
        PolicyAdministration administration = new PolicyAdministration(repository, decisions, InstantSource.system());
        start = System.nanoTime();
        apply(
                administration,
                read("{apiVersion: assize.dev/v1, kind: Role, metadata: {name: shared}, spec:"
                        + " {permissions: [{resources: [t1], actions: [read]}]}}"));
        print("a change of the platform, judged in each of these tenants", start);
    }

    /** One change of very many documents. */
    @Test
    void aChangeOfManyDocuments() {
        int documents = Math.min(BINDINGS, 100_000);
        fill(BIG.value(), "Role", ROLES, "  permissions:\n  - resources:\n    - t1\n    actions:\n    - read\n");
        begin(BIG.value());
        PostgresPolicyRepository repository = repository();
        DecisionService decisions =
                decisions(repository, DecisionConfig.defaults().cacheBytes());
        PolicyAdministration administration = new PolicyAdministration(repository, decisions, InstantSource.system());
        ask(decisions, "user:u1");
        long start = System.nanoTime();
        List<Document> read = new ArrayList<>();
        for (int i = 0; i < documents; i++) {
            read.addAll(read(binding(i)));
        }
        print("read " + documents + " documents", start);
        start = System.nanoTime();
        apply(administration, read);
        print("applied at once, and seen by this node", start);
        assertThat(ask(decisions, "user:new1")).isEqualTo(Reason.ALLOWED);
        System.out.printf("heap afterwards %,d bytes%n", usedHeap());
    }

    /** Notes when a change was committed, before anybody looks at it. */
    private PolicyRepository noting(PolicyRepository repository) {
        return new PolicyRepository() {
            @Override
            public List<Long> change(Set<PolicyScope> scopes, Planner planner) {
                return repository.change(scopes, planner);
            }

            @Override
            public List<Long> changeAhead(Set<PolicyScope> scopes, Planner planner) {
                List<Long> manifests = repository.changeAhead(scopes, planner);
                committedNanos.set(System.nanoTime());
                return manifests;
            }

            @Override
            public PolicySet current(PolicyScope scope) {
                return repository.current(scope);
            }

            @Override
            public List<RevisionRecord> revisions(PolicyScope scope, @Nullable Revision before, int limit) {
                return repository.revisions(scope, before, limit);
            }
        };
    }

    /** What a node needs at its first change, of a database that does not know yet what its policy adds up to. */
    private void begin(PostgresPolicyRepository repository) {
        DecisionService decisions = decisions(repository, CACHE_BYTES);
        PolicyAdministration administration =
                new PolicyAdministration(noting(repository), decisions, InstantSource.system());
        ask(decisions, "user:u1");
        long start = System.nanoTime();
        grant(administration, decisions, 0);
        print("first change of all, which adds all documents up", start);
    }

    /** Changes to first effect, alone and at a rate. */
    private void follow(PostgresPolicyRepository repository) throws InterruptedException {
        DecisionService decisions = decisions(repository, CACHE_BYTES);
        PolicyAdministration administration =
                new PolicyAdministration(noting(repository), decisions, InstantSource.system());
        long start = System.nanoTime();
        ask(decisions, "user:u1");
        print("first check of a node", start);
        start = System.nanoTime();
        grant(administration, decisions, 1);
        print("first change on a node, asked for at once", start);
        change("a binding", 500, i -> grant(administration, decisions, i));
        change("a group of 40", 100, i -> apply(administration, group("g" + i, (i + 1) * 40 + 1, 40)));
        change("a role", 100, i -> apply(administration, role("r" + (100 + i), i)));
        apply(
                administration,
                read("{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: big, name: sometimes}, spec:"
                        + " {subjects: ['user:u1'], role: r1, when: \"action == 'read'\"}}"));
        change(
                "a resource type, with its attributes",
                50,
                i -> apply(
                        administration,
                        read("{apiVersion: assize.dev/v1, kind: ResourceType, metadata: {tenant: big, name: t" + i % 20
                                + "}, spec: {actions: [read, write, a" + i + "], attributes: {level: {type: "
                                + (i % 2 == 0 ? "int" : "string") + "}}}}")));
        apply(administration, role("none", 1));
        apply(
                administration,
                read("{apiVersion: assize.dev/v1, kind: SeparationOfDuty, metadata: {tenant: big, name: apart}, spec:"
                        + " {type: assigned-roles, roles: [r300, r301, none], limit: 2}}"));
        change("a role that is kept apart from others", 50, i -> apply(administration, role("r300", i)));
        change(
                "a rule that keeps roles apart",
                20,
                i -> apply(
                        administration,
                        read("{apiVersion: assize.dev/v1, kind: SeparationOfDuty, metadata: {tenant: big, name: apart},"
                                + " spec: {type: assigned-roles, roles: [r300, r30" + (1 + i % 2)
                                + ", none], limit: 2}}")));
        change("a binding, while roles are kept apart", 100, i -> grant(administration, decisions, i + 700));
        change("what is refused, because 2,000 bindings need it", 20, i -> refuse(administration, "r" + (400 + i)));
        many(administration, decisions);

        atARate(administration, decisions);
    }

    private void refuse(PolicyAdministration administration, String role) {
        DocumentKey key = new DocumentKey(PolicyScope.of(BIG), Kind.ROLE, role);
        assertThat(administration.apply(
                        new ChangeSet(List.of(), List.of(key), List.of(), false, false, null),
                        ADMINISTRATOR,
                        tenant -> false))
                .isInstanceOf(ChangeResult.Invalid.class);
    }

    /** One subject of very many bindings, and a group of very many members. */
    private void many(PolicyAdministration administration, DecisionService decisions) {
        int bindings = Math.min(BINDINGS / 10, 50_000);
        for (int from = 0; from < bindings; from += 10_000) {
            StringBuilder yaml = new StringBuilder();
            for (int i = from; i < from + Math.min(10_000, bindings); i++) {
                yaml.append(binding("many" + i, "user:many", "r2")).append("\n---\n");
            }
            apply(administration, read(yaml.toString()));
        }
        change(
                "a binding of a subject of " + bindings,
                200,
                i -> apply(administration, read(binding("many" + i * 7, "user:many", "r" + i % 2))));
        long start = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            ask(decisions, "user:many");
        }
        print("100 checks of that subject", start);
        int members = 10_000;
        apply(administration, group("wide", 0, members));
        apply(administration, read(binding("wide", "group:wide", "r3")));
        change("one member of a group of " + members, 50, i -> apply(administration, group("wide", i, members)));
    }

    private void atARate(PolicyAdministration administration, DecisionService decisions) {
        try (Checker warm = new Checker(decisions)) {
            LockSupport.parkNanos(Duration.ofSeconds(5).toNanos());
            warm.print("checks, warming up");
        }
        try (Checker quiet = new Checker(decisions)) {
            LockSupport.parkNanos(Duration.ofSeconds(20).toNanos());
            quiet.print("checks, quiet");
        }
        List<Long> late = Collections.synchronizedList(new ArrayList<>());
        List<Long> effects = Collections.synchronizedList(new ArrayList<>());
        int changes = 3_000;
        AtomicInteger next = new AtomicInteger();
        long origin = System.nanoTime();
        Checker meanwhile = new Checker(decisions);
        try (meanwhile;
                ExecutorService callers = Executors.newFixedThreadPool(4)) {
            Runnable caller = () -> {
                for (int i = next.getAndIncrement(); i < changes; i = next.getAndIncrement()) {
                    long due = origin + i * 10_000_000L;
                    LockSupport.parkNanos(Math.max(0, due - System.nanoTime()));
                    grant(administration, decisions, 1_000 + i);
                    late.add(System.nanoTime() - due);
                    effects.add(System.nanoTime() - committedNanos.get());
                }
            };
            Collections.nCopies(4, caller).forEach(callers::execute);
        }
        System.out.printf("sustained %.1f changes a second%n", changes / ((System.nanoTime() - origin) / 1e9));
        meanwhile.print("checks during changes");
        assertThat(effects).hasSize(changes);
        print("changes at 100 a second, from when due to effect", late);
        print("changes at 100 a second, from commit to effect", effects);
        try (Checker quiet = new Checker(decisions)) {
            LockSupport.parkNanos(Duration.ofSeconds(20).toNanos());
            quiet.print("checks, quiet again");
        }
    }

    private void change(String what, int times, IntConsumer change) {
        List<Long> whole = new ArrayList<>();
        List<Long> effects = new ArrayList<>();
        for (int i = 1; i <= times; i++) {
            long began = System.nanoTime();
            change.accept(i);
            whole.add(System.nanoTime() - began);
            effects.add(System.nanoTime() - committedNanos.get());
        }
        print("change of " + what + ", alone, from call to effect", whole);
        print("change of " + what + ", alone, from commit to effect", effects);
    }

    /** Asks all the time, with short pauses, on a virtual thread as those are that answer calls. */
    private static final class Checker implements AutoCloseable {

        private final AtomicBoolean ended = new AtomicBoolean();
        private final List<Long> nanos = new ArrayList<>();
        private final Thread thread;

        Checker(DecisionService decisions) {
            thread = Thread.startVirtualThread(() -> {
                SplittableRandom random = new SplittableRandom(1);
                while (!ended.get()) {
                    String subject = "user:u" + random.nextInt(SUBJECTS);
                    long began = System.nanoTime();
                    ask(decisions, subject);
                    nanos.add(System.nanoTime() - began);
                    LockSupport.parkNanos(100_000);
                }
            });
        }

        void print(String what) {
            close();
            PolicyAtSizeTest.print(what, nanos);
        }

        @Override
        public void close() {
            ended.set(true);
            Uninterruptibles.joinUninterruptibly(thread);
        }
    }

    private static void grant(PolicyAdministration administration, DecisionService decisions, int number) {
        apply(administration, read(binding(number)));
        long began = System.nanoTime();
        while (ask(decisions, "user:new" + number) != Reason.ALLOWED) {
            assertThat(System.nanoTime() - began)
                    .isLessThan(Duration.ofMinutes(1).toNanos());
            Thread.onSpinWait();
        }
    }

    private static String binding(int number) {
        return binding("new" + number, "user:new" + number, "r1");
    }

    private static String binding(String name, String subject, String role) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: big, name: " + name
                + "}, spec: {subjects: ['" + subject + "'], role: " + role + "}}";
    }

    private static List<Document> group(String name, int first, int size) {
        StringBuilder members = new StringBuilder();
        for (int i = first; i < first + size; i++) {
            members.append(i == first ? "" : ", ").append("'user:u").append(i).append('\'');
        }
        return read("{apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: big, name: " + name
                + "}, spec: {members: [" + members + "]}}");
    }

    private static List<Document> role(String name, int type) {
        return read("{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: big, name: " + name
                + "}, spec: {permissions: [{resources: [t" + type % 20 + "], actions: [write]}]}}");
    }

    private static List<Document> read(String yaml) {
        DocumentReader.ReadResult read = DocumentReader.read("new.yaml", 1, yaml.getBytes(UTF_8));
        assertThat(read.problems()).isEmpty();
        return read.documents();
    }

    private static void apply(PolicyAdministration administration, List<Document> documents) {
        ChangeResult result = administration.apply(
                new ChangeSet(documents, List.of(), List.of(), false, false, null), ADMINISTRATOR, tenant -> false);
        assertThat(result).isInstanceOf(ChangeResult.Accepted.class);
    }

    private static Reason ask(DecisionService decisions, String subject) {
        return decisions.evaluate(query(BIG, subject, "t1"), PointInTime.NOW).reason();
    }

    private static CheckQuery query(TenantId tenant, String subject, String type) {
        return new CheckQuery(
                Subject.parse(subject),
                ResourcePath.parse(type + ":x"),
                new Action("read"),
                tenant,
                Environment.DEFAULT,
                tenant);
    }

    private PostgresPolicyRepository repository() {
        AuditCodec codec = new AuditCodec();
        return new PostgresPolicyRepository(
                database, new LedgerWriter(database, codec, (_, _) -> {}, InstantSource.system()), codec);
    }

    private static DecisionService decisions(PolicySource source, long cacheBytes) {
        DecisionConfig defaults = DecisionConfig.defaults();
        Injector injector = Guice.createInjector(new DecisionModule(), new AbstractModule() {
            @Override
            protected void configure() {
                bind(PolicySource.class).toInstance(source);
                bind(DecisionConfig.class)
                        .toInstance(new DecisionConfig(
                                cacheBytes,
                                Duration.ofHours(1),
                                defaults.pollInterval(),
                                Duration.ofMinutes(5),
                                defaults.concurrentLoads(),
                                defaults.unknownTenants(),
                                defaults.unknownTenantTtl(),
                                defaults.pastBytes(),
                                defaults.pastGraphs(),
                                defaults.concurrentPastLoads()));
                bind(InstantSource.class).toInstance(InstantSource.system());
                bind(Ticker.class).toInstance(Ticker.systemTicker());
                bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
            }
        });
        return injector.getInstance(DecisionService.class);
    }

    /** Documents as their canonical text, numbered by `i`; the spec is SQL within quotes. */
    private void fill(String tenant, String kind, int count, String spec) {
        String name = switch (kind) {
            case "RoleBinding" -> "b";
            case "Group" -> "g";
            case "Role" -> "r";
            default -> "t";
        };
        execute("INSERT INTO assize.policy_scope VALUES ('" + tenant + "', 0) ON CONFLICT DO NOTHING");
        execute("INSERT INTO assize.policy_document SELECT '" + tenant + "', '" + kind + "', '" + name
                + "' || (i - 1), 1, NULL, 'apiVersion: assize.dev/v1\nkind: " + kind + "\nmetadata:\n  tenant: "
                + tenant + "\n  name: " + name + "' || (i - 1) || '\nspec:\n" + spec
                + "', 'policy.yaml', ARRAY[i], NULL FROM generate_series(1, " + count + ") i");
    }

    private void fillSmall(String kind) {
        String tenants = " FROM generate_series(1, " + SMALL_TENANTS + ") t";
        switch (kind) {
            case "Tenant" -> {
                execute("INSERT INTO assize.policy_scope SELECT 'small' || t, 1, now()" + tenants);
                execute("INSERT INTO assize.policy_revision SELECT 'small' || t, 1, now(), 'user:a', 'assize', NULL, 1,"
                        + " sha256(''), sha256(''), 0" + tenants);
                execute("INSERT INTO assize.policy_document SELECT 'small' || t, 'Tenant', 'small' || t, 1, NULL, '"
                        + TENANT.formatted("small' || t || '") + "', 'p.yaml', ARRAY[1], NULL" + tenants);
            }
            case "Role" ->
                execute("INSERT INTO assize.policy_document SELECT 'small' || t, 'Role', 'r1', 1, NULL,"
                        + " 'apiVersion: assize.dev/v1\nkind: Role\nmetadata:\n  tenant: small' || t || '\n  name: r1\n"
                        + "spec:\n  permissions:\n  - effect: allow\n    resources:\n    - t1\n    actions:\n"
                        + "    - read\n', 'p.yaml', ARRAY[1, 2], NULL" + tenants);
            default ->
                execute("INSERT INTO assize.policy_document SELECT 'small' || t, 'RoleBinding', 'b' || i, 1, NULL,"
                        + " 'apiVersion: assize.dev/v1\nkind: RoleBinding\nmetadata:\n  tenant: small' || t || '\n"
                        + "  name: b' || i || '\nspec:\n  subjects:\n  - user:u' || i || '\n  role: r1\n', 'p.yaml',"
                        + " ARRAY[1], NULL" + tenants + ", generate_series(1, " + DOCUMENTS_OF_SMALL + ") i");
        }
    }

    private void begin(String tenant) {
        execute("INSERT INTO assize.policy_document VALUES ('" + tenant + "', 'Tenant', '" + tenant + "', 1, NULL, '"
                + TENANT.formatted(tenant) + "', 'policy.yaml', '{1}', NULL)");
        execute("INSERT INTO assize.policy_revision VALUES ('" + tenant
                + "', 1, now(), 'user:a', 'assize', NULL, 1, sha256(''), sha256(''), 0)");
        execute("UPDATE assize.policy_scope SET revision = 1, committed_at = now() WHERE scope_key = '" + tenant + "'");
        execute("ANALYZE");
    }

    private void execute(String sql) {
        DatabaseAccess access = testDatabase.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private static long usedHeap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static void print(String what, long startNanos) {
        System.out.printf("%s: %.2f s%n", what, (System.nanoTime() - startNanos) / 1e9);
    }

    private static void print(String what, List<Long> nanos) {
        List<Long> sorted = nanos.stream().sorted().toList();
        System.out.printf(
                "%s: p50 %.4f ms, p99 %.4f ms, p99.9 %.4f ms, max %.3f ms of %d%n",
                what,
                sorted.get(sorted.size() / 2) / 1e6,
                sorted.get((int) (sorted.size() * 99L / 100)) / 1e6,
                sorted.get((int) (sorted.size() * 999L / 1_000)) / 1e6,
                sorted.getLast() / 1e6,
                sorted.size());
    }
}

package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.testing.TestDatabase;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Changes of policy from two nodes at the same moment, each harmless alone: together they would give one subject two roles
 * that are kept apart. The two meet within their transactions: both are found to be harmless, and neither has locked yet. And a change that fails when nearly all of it is written. More of both run with
 *
 * <pre>-Dassize.grants.rounds=5000 -Dassize.grants.documents=100000</pre>
 */
@Timeout(3_600)
class ConflictingGrantsTest {

    private static final int ROUNDS = Integer.getInteger("assize.grants.rounds", 60);

    /** A change of the platform is judged in every tenant, and has them all stand still. */
    private static final int PLATFORM_ROUNDS = Math.max(1, ROUNDS / 4);

    private static final int DOCUMENTS = Integer.getInteger("assize.grants.documents", 1_500);
    private static final TenantId ACME = new TenantId("acme");
    private static final Recorder ADMIN = new Recorder(Subject.parse("user:admin"), TenantId.ASSIZE);
    private static final AuditCodec CODEC = new AuditCodec();
    private static final String WORLD = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: pays},
          spec: {permissions: [{resources: [payment], actions: [create]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: approves},
          spec: {permissions: [{resources: [payment], actions: [approve]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: SeparationOfDuty, metadata: {tenant: acme, name: payments},
          spec: {type: assigned-roles, roles: [pays, approves], limit: 1}}
        """;

    private static TestDatabase testDatabase;
    private static Node one;
    private static Node other;

    /** What one server has of this. */
    private record Node(Database database, PostgresPolicyRepository repository, PolicyAdministration administration) {

        static Node start() {
            Database database = testDatabase.open(InstantSource.system());
            LedgerWriter ledger = new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system());
            PostgresPolicyRepository repository = new PostgresPolicyRepository(database, ledger, CODEC);
            return new Node(
                    database,
                    repository,
                    new PolicyAdministration(repository, refreshedOnly(), InstantSource.system()));
        }
    }

    @BeforeAll
    static void start() {
        testDatabase = TestDatabase.migrated();
        one = Node.start();
        other = Node.start();
        assertThat(apply(one.administration(), WORLD)).isInstanceOf(Accepted.class);
    }

    @AfterAll
    static void stop() {
        one.database().close();
        other.database().close();
        testDatabase.close();
    }

    @Test
    void ofTwoHalvesOfAForbiddenPairOneIsRefused() throws Exception {
        int firsts = 0;
        Rendezvous rendezvous = new Rendezvous();
        try (ExecutorService nodes = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < ROUNDS; round++) {
                String subject = "user:u" + round;
                String first = binding("pays-" + round, subject, "pays");
                // The other half now by itself, now through a group or a role that inherits it.
                String second = switch (round % 3) {
                    case 0 -> binding("approves-" + round, subject, "approves");
                    case 1 ->
                        group("g" + round, subject) + "---\n"
                                + binding("approves-" + round, "group:g" + round, "approves");
                    default -> inheriting("r" + round) + "---\n" + binding("approves-" + round, subject, "r" + round);
                };
                CompletableFuture<ChangeResult> here =
                        CompletableFuture.supplyAsync(() -> rendezvous.apply(one, first), nodes);
                CompletableFuture<ChangeResult> there =
                        CompletableFuture.supplyAsync(() -> rendezvous.apply(other, second), nodes);
                List<ChangeResult> results = List.of(here.get(), there.get());

                assertThat(results)
                        .as("round %d", round)
                        .filteredOn(Accepted.class::isInstance)
                        .hasSize(1);
                assertThat(results)
                        .filteredOn(Invalid.class::isInstance)
                        .singleElement()
                        .satisfies(refused -> assertThat(((Invalid) refused)
                                        .problems()
                                        .getFirst()
                                        .value())
                                .contains(subject));
                firsts += results.getFirst() instanceof Accepted ? 1 : 0;
            }
        }
        PolicySet policy = one.administration().export(PolicyScope.of(ACME));
        assertThat(AssignedRoles.violations(policy, PolicySet.empty(PolicyScope.PLATFORM), Instant.now()))
                .isEmpty();
        assertThat(rendezvous.harmless()).as("each by itself").isEqualTo(2 * ROUNDS);
        System.out.println(ROUNDS + " rounds, the first node won " + firsts);
    }

    @Test
    void ofARuleOfThePlatformAndAGrantThatBreaksItOneIsRefused() throws Exception {
        String rule = "{apiVersion: assize.dev/v1, kind: SeparationOfDuty, metadata: {name: shared},"
                + " spec: {type: assigned-roles, roles: [shared-pays, shared-approves], limit: 1}}\n";
        Rendezvous rendezvous = new Rendezvous();
        DocumentKey duty = new DocumentKey(PolicyScope.PLATFORM, Kind.SEPARATION_OF_DUTY, "shared");
        assertThat(apply(one.administration(), platformRole("shared-pays") + "---\n" + platformRole("shared-approves")))
                .isInstanceOf(Accepted.class);
        try (ExecutorService nodes = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < PLATFORM_ROUNDS; round++) {
                String subject = "user:p" + round;
                apply(one.administration(), binding("shared-pays-" + round, subject, "shared-pays"));
                String grant = binding("shared-approves-" + round, subject, "shared-approves");
                CompletableFuture<ChangeResult> here =
                        CompletableFuture.supplyAsync(() -> rendezvous.apply(one, grant), nodes);
                CompletableFuture<ChangeResult> there =
                        CompletableFuture.supplyAsync(() -> rendezvous.apply(other, rule), nodes);

                assertThat(List.of(here.get(), there.get()))
                        .as("round %d", round)
                        .filteredOn(Accepted.class::isInstance)
                        .hasSize(1);
                assertThat(delete(
                                here.get() instanceof Accepted
                                        ? new DocumentKey(
                                                PolicyScope.of(ACME), Kind.ROLE_BINDING, "shared-approves-" + round)
                                        : duty))
                        .isInstanceOf(Accepted.class);
            }
        }
        assertThat(rendezvous.harmless()).as("each by itself").isEqualTo(2 * PLATFORM_ROUNDS);
    }

    private static String platformRole(String name) {
        return "{apiVersion: assize.dev/v1, kind: Role, metadata: {name: " + name
                + "}, spec: {permissions: [{resources: [payment], actions: [create]}]}}\n";
    }

    private static ChangeResult delete(DocumentKey key) {
        return one.administration()
                .apply(new ChangeSet(List.of(), List.of(key), List.of(), false, false, null), ADMIN, tenant -> true);
    }

    @Test
    void aChangeThatFailsAtItsEndLeavesNothing() {
        PolicySet before = one.administration().export(PolicyScope.of(ACME));
        int entries = entries(ACME);
        int ownEntries = entries(TenantId.ASSIZE);
        StringBuilder yaml = new StringBuilder(
                "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: zenith}, spec: {environments: [default]}}\n");
        for (int i = 0; i < DOCUMENTS; i++) {
            yaml.append("---\n").append(binding("many-" + i, "user:many" + i, "pays"));
        }

        PolicyAdministration failing =
                new PolicyAdministration(failingAtTheEnd(one.repository()), refreshedOnly(), InstantSource.system());
        assertThatThrownBy(() -> apply(failing, yaml.toString())).isInstanceOf(RuntimeException.class);

        PolicySet after = other.administration().export(PolicyScope.of(ACME));
        assertThat(after.revision()).isEqualTo(before.revision());
        assertThat(after.size()).isEqualTo(before.size());
        assertThat(entries(ACME)).isEqualTo(entries);
        assertThat(entries(TenantId.ASSIZE)).isEqualTo(ownEntries);
        assertThat(entries(new TenantId("zenith"))).isZero();
        assertThat(documents("many-%")).isZero();
        assertThat(apply(other.administration(), binding("later", "user:later", "pays")))
                .isInstanceOf(Accepted.class);
    }

    @Test
    void aFreezeIsMadeWhileALargeChangeIsJudgedAndTheChangeComesBehindIt() {
        Revision before = revision();
        List<ChangeResult> freeze = new ArrayList<>();

        ChangeResult large = apply(
                judging(() -> freeze.add(apply(other.administration(), freeze("first", "user:nobody")))),
                many("behind"));

        assertThat(committed(freeze.getFirst())).isEqualTo(before.next());
        assertThat(committed(large)).isEqualTo(before.next().next());
    }

    @Test
    void whatIsGrantedWhileALargeChangeIsJudgedCounts() {
        Revision before = revision();
        List<ChangeResult> grant = new ArrayList<>();

        ChangeResult large = apply(
                judging(() -> grant.add(apply(other.administration(), binding("torn-pays", "user:torn", "pays")))),
                many("refused") + "---\n" + binding("torn-approves", "user:torn", "approves"));

        assertThat(committed(grant.getFirst())).isEqualTo(before.next());
        assertThat(large)
                .isInstanceOfSatisfying(
                        Invalid.class,
                        refused -> assertThat(refused.problems().getFirst().value())
                                .contains("user:torn"));
        assertThat(revision()).isEqualTo(before.next());
    }

    @Test
    void aDryRunHoldsUpNoFreeze() {
        Revision before = revision();
        List<ChangeResult> freeze = new ArrayList<>();

        ChangeResult compared = judging(
                        () -> freeze.add(apply(other.administration(), freeze("beside", "user:nobody"))))
                .apply(
                        new ChangeSet(read(many("dry")), List.of(), List.of(), true, false, null),
                        ADMIN,
                        tenant -> true);

        assertThat(committed(freeze.getFirst())).isEqualTo(before.next());
        assertThat(compared)
                .isInstanceOfSatisfying(
                        Compared.class,
                        dry -> assertThat(dry.changes().getFirst().base()).isEqualTo(before));
    }

    /** Something happens once while it judges. */
    private static PolicyAdministration judging(Runnable meanwhile) {
        AtomicBoolean happened = new AtomicBoolean();
        return new PolicyAdministration(one.repository(), refreshedOnly(), () -> {
            if (happened.compareAndSet(false, true)) {
                meanwhile.run();
            }
            return Instant.now();
        });
    }

    private static Revision revision() {
        return one.administration().export(PolicyScope.of(ACME)).revision();
    }

    private static Revision committed(ChangeResult result) {
        assertThat(result).isInstanceOf(Accepted.class);
        return ((Accepted) result).changes().getFirst().revision();
    }

    private static String many(String name) {
        return IntStream.range(0, 50)
                .mapToObj(i -> binding(name + "-" + i, "user:" + name + i, "pays"))
                .collect(Collectors.joining("---\n"));
    }

    private static String freeze(String name, String subject) {
        return "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: " + name
                + "}, spec: {subject: '" + subject + "', reason: stop}}\n";
    }

    /** All documents are written by then, and all entries. */
    private static PolicyRepository failingAtTheEnd(PolicyRepository repository) {
        return looking(
                repository,
                planner -> present -> planner.plan(present).stream()
                        .map(ConflictingGrantsTest::withReasonThatCannotBeKept)
                        .toList());
    }

    /** The same with other planners. */
    private static PolicyRepository looking(
            PolicyRepository repository, UnaryOperator<PolicyRepository.Planner> planners) {
        return new PolicyRepository() {

            @Override
            public List<Long> change(Set<PolicyScope> scopes, Planner planner) {
                return repository.change(scopes, planners.apply(planner));
            }

            @Override
            public List<Long> changeAhead(Set<PolicyScope> scopes, Planner planner) {
                return repository.changeAhead(scopes, planners.apply(planner));
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

    private static PolicyRepository.ScopePlan withReasonThatCannotBeKept(PolicyRepository.ScopePlan plan) {
        PolicyRepository.RevisionRecord it = plan.record();
        return new PolicyRepository.ScopePlan(
                plan.scope(),
                plan.revision(),
                plan.puts(),
                plan.deletes(),
                plan.sum(),
                new PolicyRepository.RevisionRecord(
                        it.revision(),
                        it.committedAt(),
                        it.actor(),
                        Optional.of("\0"),
                        it.changeCount(),
                        it.changeDigest(),
                        it.policyDigest(),
                        it.seq()),
                plan.entries(),
                plan.ownEntries(),
                plan.once());
    }

    @Test
    void theLedgerOfTenantAssizeHearsOfATenantInTheSameTransaction() {
        int before = entries(TenantId.ASSIZE);
        String aeon =
                "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: aeon}, spec: {environments: [default]}}\n";
        String zeta = aeon.replace("aeon", "zeta");

        assertThat(apply(other.administration(), aeon + "---\n" + zeta + "---\n" + binding("beside", "user:b", "pays")))
                .isInstanceOf(Accepted.class);

        assertThat(entries(TenantId.ASSIZE)).isEqualTo(before + 2);
    }

    private static int entries(TenantId tenant) {
        return count("SELECT count(*) FROM assize.ledger_entry WHERE tenant_id = ?", tenant.value(), tenant.value());
    }

    private static int documents(String like) {
        return count(
                "SELECT count(*) FROM assize.policy_document WHERE name LIKE ?",
                PolicyScope.of(ACME).key(),
                like);
    }

    private static int count(String sql, String tenant, String parameter) {
        return one.database()
                .inSnapshot(
                        tenant,
                        transaction -> transaction
                                .find(sql, parameters -> parameters.text(parameter), row -> row.getInt(1))
                                .orElseThrow());
    }

    /** Where two changes wait for each other, each found to be harmless and within its transaction, before either locks. */
    private static final class Rendezvous {

        private final CyclicBarrier both = new CyclicBarrier(2);
        private final AtomicInteger harmless = new AtomicInteger();

        /** How often a change was found to be so: once each, and never again by the one that is refused. */
        int harmless() {
            return harmless.get();
        }

        ChangeResult apply(Node node, String yaml) {
            AtomicBoolean met = new AtomicBoolean();
            PolicyRepository meeting = looking(node.repository(), planner -> present -> {
                List<PolicyRepository.ScopePlan> plans = planner.plan(present);
                harmless.addAndGet(plans.isEmpty() ? 0 : 1);
                if (met.compareAndSet(false, true)) {
                    meet();
                }
                return plans;
            });
            return ConflictingGrantsTest.apply(
                    new PolicyAdministration(meeting, refreshedOnly(), InstantSource.system()), yaml);
        }

        private void meet() {
            try {
                both.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException alone) {
                throw new IllegalStateException("The other change is not there", alone);
            }
        }
    }

    private static ChangeResult apply(PolicyAdministration administration, String yaml) {
        return administration.apply(
                new ChangeSet(read(yaml), List.of(), List.of(), false, false, null), ADMIN, tenant -> true);
    }

    private static List<Document> read(String yaml) {
        List<Document> documents = new ArrayList<>();
        for (String part : yaml.strip().split("---\n", -1)) {
            ReadResult result = DocumentReader.read("test.yaml", 1, part.getBytes(StandardCharsets.UTF_8));
            assertThat(result.problems()).isEmpty();
            documents.addAll(result.documents());
        }
        return documents;
    }

    private static String binding(String name, String subject, String role) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: " + name
                + "}, spec: {subjects: ['" + subject + "'], role: " + role + "}}\n";
    }

    private static String group(String name, String member) {
        return "{apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: acme, name: " + name
                + "}, spec: {members: ['" + member + "']}}\n";
    }

    private static String inheriting(String name) {
        return "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: " + name
                + "}, spec: {inherits: [approves]}}\n";
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

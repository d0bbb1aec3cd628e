package dev.assize.server.storage;

import static dev.assize.server.testing.FakeApprovalPolicy.HOLD;
import static dev.assize.server.testing.FakeApprovalPolicy.WAIT;
import static dev.assize.server.testing.FakeApprovalPolicy.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ApprovalResult;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.Approvals;
import dev.assize.server.administration.Approvals.Party;
import dev.assize.server.administration.Approvals.Ruling;
import dev.assize.server.administration.Approvals.Wish;
import dev.assize.server.administration.Comment;
import dev.assize.server.administration.ExpiredWaits;
import dev.assize.server.administration.ExpiredWaits.Wait;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.approval.ApprovalJudge;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.FakeApprovalPolicy;
import dev.assize.server.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Approvals on a real database, through two nodes. */
class PostgresApprovalRepositoryTest {

    /** Thousands with `-Dassize.test.approval.rounds=5000`. */
    private static final int ROUNDS = Integer.getInteger("assize.test.approval.rounds", 100);

    private static final AtomicInteger TENANTS = new AtomicInteger();
    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
    private static final Ruling YES = new Ruling(true, "fine", null);

    private static TestDatabase testDatabase;
    private static Database oneDatabase;
    private static Database otherDatabase;
    private static ExecutorService threads;

    private volatile Instant now = START;
    private final FakeApprovalPolicy policy =
            new FakeApprovalPolicy().with(rule("wires", "wire", 1, true)).with(rule("pairs", "pair", 2, false));
    private TenantId tenant = new TenantId("t0");
    private Node one;
    private Node other;

    private record Node(PostgresApprovalRepository repository, PostgresLedgerStore ledger, Approvals approvals) {}

    @BeforeAll
    static void create() {
        testDatabase = TestDatabase.migrated();
        oneDatabase = testDatabase.open(InstantSource.system());
        otherDatabase = testDatabase.open(InstantSource.system());
        threads = Executors.newFixedThreadPool(2);
    }

    @AfterAll
    static void drop() {
        threads.shutdownNow();
        oneDatabase.close();
        otherDatabase.close();
        testDatabase.close();
    }

    @BeforeEach
    void name() {
        tenant = new TenantId("t" + TENANTS.incrementAndGet());
        for (String approver : List.of("user:bob", "user:carol")) {
            policy.holds(approver, tenant.value(), "approver");
        }
        one = node(oneDatabase);
        other = node(otherDatabase);
    }

    @Test
    void findsNothingOfAnotherTenantsRequests() {
        String id = request("wire");
        assertThat(one.repository().find(new TenantId("thief"), id)).isEmpty();
        assertThat(one.approvals().use(new TenantId("thief"), id, robot(), "k", caller("gate")))
                .isEqualTo(new ApprovalResult.NotFound());
        assertThat(one.approvals()
                        .list(new TenantId("thief"), null, null, Set.of(), null, 10)
                        .approvals())
                .isEmpty();
    }

    @Test
    void keepsWhatWasSaidInItsOrderBesideItsEntries() {
        String id = request("wire");
        Approvals.Party bob = new Approvals.Party(Subject.parse("user:bob"), tenant);
        assertThat(one.approvals().comment(tenant, id, bob, "which one?", "k", caller("gate")))
                .isInstanceOf(Done.class);
        assertThat(other.approvals().comment(tenant, id, bob, "which one?", "k", caller("gate")))
                .isInstanceOf(Done.class);
        assertThat(other.approvals().comment(tenant, id, robot(), "the second", null, caller("gate")))
                .isInstanceOf(Done.class);
        assertThat(one.approvals().comment(new TenantId("thief"), id, bob, "x", null, caller("gate")))
                .isEqualTo(new ApprovalResult.NotFound());
        assertThat(one.repository().find(tenant, id).orElseThrow().comments())
                .extracting(Comment::text)
                .containsExactly("which one?", "the second");
        assertThat(one.repository().find(tenant, id))
                .isEqualTo(other.repository().find(tenant, id));
    }

    @Test
    void findsWhatHasWaitedTooLongInEveryTenantAndNothingThatEnded() {
        TenantId first = tenant;
        String mine = request("wire");
        String more = request("wire");
        String cancelled = request("wire");
        one.approvals().cancel(tenant, cancelled, robot(), null, caller("gate"));
        name();
        String theirs = request("wire");
        ExpiredWaits waits = new PostgresExpiredWaits(oneDatabase);
        Wait ofMine = new Wait(ExpiredWaits.Type.APPROVAL, PolicyScope.of(first), mine);
        Wait ofTheirs = new Wait(ExpiredWaits.Type.APPROVAL, PolicyScope.of(tenant), theirs);

        assertThat(waits.find(now, 1_000)).doesNotContain(ofMine, ofTheirs);
        assertThat(waits.find(now.plus(Duration.ofDays(400)), 10_000))
                .contains(ofMine, ofTheirs)
                .extracting(Wait::id)
                .doesNotContain(cancelled);
        assertThat(waits.find(now.plus(Duration.ofDays(400)), 1)).hasSize(1);
        List<Wait> all = waits.find(now.plus(Duration.ofDays(400)), 10_000);
        Wait another = new Wait(ExpiredWaits.Type.APPROVAL, PolicyScope.of(first), more);
        assertThat(all.indexOf(ofTheirs))
                .as("nobody's second before each one's first")
                .isLessThan(Math.max(all.indexOf(ofMine), all.indexOf(another)));
    }

    @Test
    void keepsEverythingOfARequest() {
        policy.with(rule("a-second", "wire", 2, false));
        String id = request("wire");
        Done first = (Done) resolve(one, id, "bob");
        now = now.plusSeconds(1);
        Done second = (Done) resolve(other, id, "carol");
        assertThat(one.approvals().find(tenant, id)).contains(second);
        assertThat(second.approval().request().votes())
                .hasSize(2)
                .startsWith(first.approval().request().votes().getFirst());
        Done used = (Done) one.approvals().use(tenant, id, robot(), "k", caller("gate"));
        assertThat(other.approvals().find(tenant, id)).contains(used);
        assertThat(types())
                .containsExactly(
                        "assize.approval.requested",
                        "assize.approval.approved",
                        "assize.approval.approved",
                        "assize.approval.used");
    }

    @Test
    void knowsARetriedWordOnEveryNode() {
        String id = request("wire");
        Ruling keyed = new Ruling(true, "fine", "key");
        ApprovalResult first = one.approvals().resolve(tenant, id, party("user:bob"), keyed, caller("gate"));
        assertThat(first).isInstanceOf(Done.class);
        assertThat(other.approvals().resolve(tenant, id, party("user:bob"), keyed, caller("gate")))
                .isEqualTo(first);
        assertThat(other.approvals()
                        .resolve(tenant, id, party("user:bob"), new Ruling(false, "fine", "key"), caller("gate")))
                .isEqualTo(new ApprovalResult.KeyReused());
        assertThat(types()).containsExactly("assize.approval.requested", "assize.approval.approved");
    }

    @Test
    void keepsHowEachRequestEnded() {
        String rejected = request("wire");
        one.approvals().resolve(tenant, rejected, party("user:bob"), new Ruling(false, null, null), caller("gate"));
        String cancelled = request("wire");
        one.approvals().cancel(tenant, cancelled, robot(), "changed my mind", caller("gate"));
        String expired = request("wire");
        now = now.plus(WAIT);
        resolve(one, expired, "bob");
        assertThat(ids(ApprovalState.REJECTED)).containsExactly(rejected);
        assertThat(ids(ApprovalState.CANCELLED)).containsExactly(cancelled);
        assertThat(ids(ApprovalState.EXPIRED)).containsExactly(expired);
        assertThat(ids(ApprovalState.PENDING)).isEmpty();
        assertThat(ids(null)).containsExactlyInAnyOrder(rejected, cancelled, expired);
    }

    @Test
    void listsPagesNewestFirst() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            now = now.plusSeconds(i % 2);
            ids.add(request("wire"));
        }
        List<String> found = new ArrayList<>();
        Approvals.Page page = one.approvals().list(tenant, null, null, Set.of(), null, 2);
        page.approvals().forEach(done -> found.add(done.approval().request().id()));
        while (page.next() != null) {
            page = other.approvals().list(tenant, null, null, Set.of(), page.next(), 2);
            page.approvals().forEach(done -> found.add(done.approval().request().id()));
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(found.getFirst()).isIn(ids.subList(3, 5));
    }

    @Test
    void answersARetryOnTheOtherNodeAsItDidAtFirst() {
        Done first = (Done) one.approvals().request(wish("wire", "key"), caller("gate"));
        assertThat(other.approvals().request(wish("wire", "key"), caller("gate")))
                .isEqualTo(first);
        assertThat(other.approvals().request(wish("pair", "key"), caller("gate")))
                .isEqualTo(new ApprovalResult.KeyReused());
        assertThat(types()).hasSize(1);
    }

    @Test
    void showsADecisionTheRequestAsItWasThen() {
        String id = request("pair");
        now = START.plusSeconds(10);
        resolve(one, id, "bob");
        now = START.plusSeconds(20);
        resolve(one, id, "carol");
        now = START.plusSeconds(30);
        one.approvals().cancel(tenant, id, robot(), null, caller("gate"));

        assertThat(source("pair", START.minusNanos(1_000))).isEmpty();
        assertThat(source("pair", START))
                .singleElement()
                .satisfies(request -> assertThat(request.votes()).isEmpty());
        assertThat(source("pair", START.plusSeconds(10)))
                .singleElement()
                .satisfies(request -> assertThat(request.votes()).hasSize(1));
        ApprovalRequest approved = source("pair", START.plusSeconds(29)).getFirst();
        assertThat(approved.cancelledAt()).isNull();
        assertThat(ApprovalJudge.judge(rule("pairs", "pair", 2, false), List.of(approved), START.plusSeconds(29)))
                .contains(approved);
        assertThat(source("pair", START.plusSeconds(30))).isEmpty();
    }

    @Test
    void showsADecisionAboutThePresentWhatIsApproved() {
        now = Instant.now().truncatedTo(ChronoUnit.MICROS);
        String approved = request("wire");
        resolve(one, approved, "bob");
        String waits = request("pair");
        String cancelled = request("pair");
        one.approvals().cancel(tenant, cancelled, robot(), null, caller("gate"));

        Instant farAhead = Instant.parse("9999-12-31T23:59:59Z");
        assertThat(source("wire", farAhead)).singleElement().satisfies(request -> {
            assertThat(request.id()).isEqualTo(approved);
            assertThat(ApprovalJudge.judge(rule("wires", "wire", 1, true), List.of(request), now))
                    .contains(request);
        });
        assertThat(source("pair", farAhead)).extracting(ApprovalRequest::id).containsExactly(waits);
    }

    @Test
    void showsADecisionExactlyWhatItAsksFor() {
        request("pair");
        assertThat(source("pair", now)).hasSize(1);
        assertThat(source("wire", now)).isEmpty();
        assertThat(one.repository()
                        .find(
                                tenant,
                                robot().subject(),
                                new TenantId("elsewhere"),
                                new Action("pair"),
                                ResourcePath.parse("invoice:7"),
                                Environment.DEFAULT,
                                now))
                .isEmpty();
        assertThat(one.repository()
                        .find(
                                tenant,
                                robot().subject(),
                                tenant,
                                new Action("pair"),
                                ResourcePath.parse("invoice:7/line:1"),
                                Environment.DEFAULT,
                                now))
                .isEmpty();
    }

    @Test
    void showsADecisionNothingThatCanNoLongerHold() {
        request("pair");
        Instant end = START.plus(WAIT).plus(HOLD);
        now = end.plusSeconds(1);
        assertThat(source("pair", end.minusNanos(1_000))).hasSize(1);
        assertThat(source("pair", end)).isEmpty();
    }

    @Test
    void showsADecisionAboutThePresentWhatMayStillHold() {
        Instant farAhead = Instant.parse("9999-12-31T23:59:59Z");
        request("pair");
        assertThat(source("pair", farAhead)).hasSize(1);
        now = START.plus(WAIT).plus(HOLD);
        assertThat(source("pair", farAhead)).isEmpty();
    }

    @Test
    void isUsedOnceHoweverManyNodesTry() {
        for (int round = 0; round < ROUNDS; round++) {
            String id = request("wire");
            resolve(one, id, "bob");
            List<ApprovalResult> results = race(
                    () -> one.approvals().use(tenant, id, robot(), "one", caller("gate")),
                    () -> other.approvals().use(tenant, id, robot(), "other", caller("gate")));
            assertThat(results).filteredOn(Done.class::isInstance).hasSize(1);
            assertThat(results).contains(new ApprovalResult.WrongState(ApprovalState.USED, "approved"));
        }
        assertThat(types()).filteredOn("assize.approval.used"::equals).hasSize(ROUNDS);
    }

    @Test
    void isApprovedOnceWhereOneApprovalIsEnough() {
        for (int round = 0; round < ROUNDS / 4; round++) {
            String id = request("wire");
            List<ApprovalResult> results = race(() -> resolve(one, id, "bob"), () -> resolve(other, id, "carol"));
            assertThat(results).filteredOn(Done.class::isInstance).hasSize(1);
            assertThat(one.approvals()
                            .find(tenant, id)
                            .orElseThrow()
                            .approval()
                            .request()
                            .votes())
                    .hasSize(1);
        }
    }

    @Test
    void countsTwoApprovalsThatMeet() {
        for (int round = 0; round < ROUNDS / 4; round++) {
            String id = request("pair");
            List<ApprovalResult> results = race(() -> resolve(one, id, "bob"), () -> resolve(other, id, "carol"));
            assertThat(results)
                    .extracting(result -> ((Done) result).standing().state())
                    .containsExactlyInAnyOrder(ApprovalState.PENDING, ApprovalState.APPROVED);
        }
    }

    @Test
    void countsOneApproverOnceHoweverOftenItMeetsItself() {
        for (int round = 0; round < ROUNDS / 4; round++) {
            String id = request("pair");
            List<ApprovalResult> results = race(() -> resolve(one, id, "bob"), () -> resolve(other, id, "bob"));
            assertThat(results).contains(new ApprovalResult.VotedAlready());
            assertThat(one.approvals().find(tenant, id).orElseThrow().standing().state())
                    .isEqualTo(ApprovalState.PENDING);
        }
    }

    @Test
    void isNeverApprovedAfterItWasCancelled() {
        for (int round = 0; round < ROUNDS / 4; round++) {
            String id = request("wire");
            List<ApprovalResult> results = race(
                    () -> resolve(one, id, "bob"),
                    () -> other.approvals().cancel(tenant, id, robot(), null, caller("gate")));
            assertThat(results.getLast()).isInstanceOf(Done.class);
            Done end = one.approvals().find(tenant, id).orElseThrow();
            assertThat(end.standing().state()).isEqualTo(ApprovalState.CANCELLED);
            assertThat(end.approval().request().votes()).hasSize(results.getFirst() instanceof Done ? 1 : 0);
        }
    }

    private static List<ApprovalResult> race(Supplier<ApprovalResult> one, Supplier<ApprovalResult> other) {
        CyclicBarrier start = new CyclicBarrier(2);
        List<CompletableFuture<ApprovalResult>> runners = List.of(one, other).stream()
                .map(runner -> CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                start.await(30, TimeUnit.SECONDS);
                            } catch (Exception e) {
                                throw new IllegalStateException(e);
                            }
                            return runner.get();
                        },
                        threads))
                .toList();
        return runners.stream().map(CompletableFuture::join).toList();
    }

    private Node node(Database database) {
        AuditCodec codec = new AuditCodec();
        LedgerWriter writer = new LedgerWriter(database, codec, (_, _) -> {}, () -> now);
        PostgresApprovalRepository repository = new PostgresApprovalRepository(database, writer, codec, () -> now);
        return new Node(
                repository, new PostgresLedgerStore(database, writer), new Approvals(repository, policy, () -> now));
    }

    private String request(String action) {
        ApprovalResult result = one.approvals().request(wish(action, null), caller("gate"));
        assertThat(result).isInstanceOf(Done.class);
        return ((Done) result).approval().request().id();
    }

    private ApprovalResult resolve(Node node, String id, String approver) {
        return node.approvals().resolve(tenant, id, party("user:" + approver), YES, caller("gate"));
    }

    private List<ApprovalRequest> source(String action, Instant until) {
        return other.repository()
                .find(
                        tenant,
                        robot().subject(),
                        tenant,
                        new Action(action),
                        ResourcePath.parse("invoice:7"),
                        Environment.DEFAULT,
                        until);
    }

    private List<String> ids(@Nullable ApprovalState state) {
        return other.approvals().list(tenant, state, null, Set.of(), null, 100).approvals().stream()
                .map(done -> done.approval().request().id())
                .toList();
    }

    private List<String> types() {
        List<String> types = new ArrayList<>();
        one.ledger()
                .scan(
                        tenant,
                        0,
                        Long.MAX_VALUE,
                        entry -> types.add(entry.columns().getOrDefault("type", "")));
        return types;
    }

    private Wish wish(String action, @Nullable String key) {
        return new Wish(
                robot(),
                robot(),
                new ProposedAction(tenant, new Action(action), ResourcePath.parse("invoice:7"), Environment.DEFAULT),
                "for the test",
                key);
    }

    private Party robot() {
        return party("agent:robot");
    }

    private Party party(String subject) {
        return new Party(Subject.parse(subject), tenant);
    }

    private Recorder caller(String service) {
        return new Recorder(new Subject("service", service), tenant);
    }
}

package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.mayRead;
import static dev.assize.server.decision.Policies.platform;
import static dev.assize.server.decision.Policies.tenant;
import static dev.assize.server.decision.Policies.withApprovalRule;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.DecisionService.ReadyAnswer;
import dev.assize.server.decision.DecisionService.ReadyAnswers;
import dev.assize.server.decision.DecisionService.RevisionWait;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.PolicySet;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class PolicyDecisionPointTest {

    private static final TenantId NOBODYS = new TenantId("nobodys");
    private static final Subject BOB = new Subject("user", "bob");
    private static final DecisionConfig CONFIG = DecisionConfig.defaults();

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-02-22T14:00:00Z"));
    private final AtomicLong passedNanos = new AtomicLong();
    private final NodeClock clock = new NodeClock(now::get, passedNanos::get);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final DecisionMetrics metrics = new DecisionMetrics(registry);
    private final FakePolicySource source = new FakePolicySource();
    private final GraphCache graphs = new GraphCache(source, CONFIG, clock, metrics);
    private final FakeFacts facts = new FakeFacts();
    private final PolicyDecisionPoint pdp = pdp(now::get, Evaluator::evaluate);
    private final PolicyWatch watch = new PolicyWatch(
            graphs, source, CONFIG, clock, metrics, new FakeSignals(), NodePresenceTest.of(graphs, metrics));

    @Test
    void refusesToAnswerFromWhatWasNotConfirmedInTime() {
        source.put(tenant(ACME, 1, ALICE));
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        source.setBroken(true);
        pass(CONFIG.freshnessBound());
        watch.poll();
        assertThat(reason(ALICE)).as("at the bound").isEqualTo(Reason.ALLOWED);
        pass(Duration.ofMillis(1));
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(PolicyStaleException.class);
        assertThat(watch.isFresh()).isFalse();
        assertThat(count("assize.decision.failures", "cause", "stale")).isEqualTo(1);
        assertThat(count("assize.decision.poll.failures")).isEqualTo(1);
    }

    @Test
    void isFreshAndOnTimeUpToTheBounds() {
        watch.poll();
        pass(CONFIG.freshnessBound());
        assertThat(watch.isFresh()).isTrue();
        pass(Duration.ofMillis(1));
        assertThat(watch.isFresh()).isFalse();
        for (int sign : new int[] {1, -1}) {
            Duration most = PolicyWatch.CLOCK_TOLERANCE.multipliedBy(sign);
            source.setClock(() -> now.get().plus(most));
            watch.poll();
            assertThat(watch.isOnTime()).as("%s", most).isTrue();
            source.setClock(() -> now.get().plus(most.plusMillis(sign)));
            watch.poll();
            assertThat(watch.isOnTime()).as("beyond %s", most).isFalse();
        }
    }

    @Test
    void whatIsReadAnewAndHasNotChangedIsConfirmed() {
        source.put(tenant(ACME, 1, ALICE));
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        pass(CONFIG.freshnessBound().plusMillis(1));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void answersAgainOnceConfirmed() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        pass(CONFIG.freshnessBound().multipliedBy(2));
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(PolicyStaleException.class);
        watch.poll();
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        assertThat(watch.isFresh()).isTrue();
        assertThat(source.loads()).isEqualTo(1);
    }

    @Test
    void pollsAgainWhateverAPollFailedBy() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        for (Error error : List.of(new StackOverflowError(), new InternalError("shown"), new LinkageError("shown"))) {
            source.beforeHeads(() -> {
                throw error;
            });
            pass(CONFIG.freshnessBound().plusMillis(1));
            watch.poll();
            assertThat(watch.isFresh()).isFalse();
            source.beforeHeads(() -> {});
            watch.poll();
            assertThat(watch.isFresh()).isTrue();
            assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        }
        assertThat(count("assize.decision.poll.failures")).isEqualTo(3);
    }

    @Test
    void aClockThatIsSetBackMakesNothingFresher() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        watch.poll();
        source.setBroken(true);
        Duration most = CONFIG.freshnessBound();
        pass(most);
        setBack(most.minusSeconds(10));
        assertThat(reason(ALICE)).as("at the bound").isEqualTo(Reason.ALLOWED);
        assertThat(watch.isFresh()).isTrue();
        pass(Duration.ofMillis(1));
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(PolicyStaleException.class);
        assertThat(watch.isFresh()).isFalse();
        assertThat(watch.age()).isEqualTo(most.plusMillis(1));
    }

    /** A machine that sleeps may hold its steady source still. */
    @Test
    void whatTheClockSaysHasPassedHasPassed() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        watch.poll();
        setBack(CONFIG.freshnessBound().plusMillis(1).negated());
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(PolicyStaleException.class);
        assertThat(watch.isFresh()).isFalse();
    }

    @Test
    void trustsNoClockThatWasSetBackByMoreThanTheBound() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        setBack(CONFIG.freshnessBound().plusSeconds(1));
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(PolicyStaleException.class);
    }

    @Test
    void knowsWhichDecisionsGoOnRecordAsSoonAsItAnswersByThatPolicy() {
        DecisionLog all = new DecisionLog(DecisionLog.Mode.ALL, DecisionLog.Acknowledge.AFTER);
        assertThat(pdp.decisionLog(NOBODYS)).isEqualTo(DecisionLog.NONE);
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        assertThat(pdp.decisionLog(ACME)).isEqualTo(DecisionLog.NONE);
        source.put(tenant(ACME, 2, all, ALICE));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(pdp.evaluate(mayRead(ACME, ALICE)).revision()).isEqualTo(new Revision(2));
        assertThat(pdp.decisionLog(ACME)).isEqualTo(all);
        // Also where the policy is not held: it is loaded, and nothing goes unrecorded for that.
        assertThat(pdp(now::get, Evaluator::evaluate).decisionLog(ACME)).isEqualTo(all);
    }

    @Test
    void loadsThePolicyThatSaysWhatHistoryIsAskedAbout() {
        assertThat(pdp.historyActions(NOBODYS)).isEmpty();
        source.put(tenant(ACME, 1, ALICE));
        assertThat(pdp.historyActions(ACME)).contains(Set.of());
        source.setBroken(true);
        pass(CONFIG.freshnessBound().plusMillis(1));
        assertThat(pdp.historyActions(ACME)).as("held, and not fresh").contains(Set.of());
        assertThat(pdp(now::get, Evaluator::evaluate).historyActions(new TenantId("other")))
                .as("cannot be loaded")
                .isEmpty();
    }

    @Test
    void isReadyOnlyWhereItNeedsNothingThatItDoesNotHold() {
        source.put(withApprovalRule(ALICE));
        CheckQuery alice = mayRead(ACME, ALICE);
        CheckQuery bob = mayRead(ACME, BOB);
        assertThat(pdp.evaluateIfReady(bob)).as("not held").isNull();
        assertThat(pdp.evaluateAllIfReady(ACME, List.of(bob))).as("not held").isNull();
        assertThat(source.loads()).isZero();
        assertThat(reason(BOB)).isEqualTo(Reason.NO_GRANT);
        assertThat(pdp.evaluateIfReady(bob)).isEqualTo(new ReadyAnswer(pdp.evaluate(bob), DecisionLog.NONE));
        assertThat(pdp.evaluateIfReady(alice)).as("needs an approval").isNull();
        assertThat(pdp.evaluateAllIfReady(ACME, List.of(bob, alice)))
                .as("one needs an approval")
                .isNull();
        assertThat(pdp.evaluateAllIfReady(ACME, List.of(bob, bob)))
                .isEqualTo(new ReadyAnswers(List.of(pdp.evaluate(bob), pdp.evaluate(bob)), DecisionLog.NONE));
        pass(CONFIG.freshnessBound());
        assertThat(pdp.evaluateIfReady(bob)).as("at the bound").isNotNull();
        pass(Duration.ofMillis(1));
        assertThat(pdp.evaluateIfReady(bob)).as("stale").isNull();
        assertThat(pdp.evaluateAllIfReady(ACME, List.of(bob))).as("stale").isNull();
        assertThat(count("assize.decision.failures", "cause", "stale")).isZero();
    }

    @Test
    void isReadyForWhomeverActsOnBehalfOfAnother() {
        source.put(tenant(ACME, 1, ALICE));
        for (Subject delegator : List.of(ALICE, BOB)) {
            CheckQuery query = mayRead(ACME, ALICE);
            CheckQuery delegated = new CheckQuery(
                    query.subject(),
                    query.resource(),
                    query.action(),
                    query.tenant(),
                    query.env(),
                    query.subjectTenant(),
                    query.subjectAttributes(),
                    query.resourceAttributes(),
                    query.context(),
                    query.activeRoles(),
                    new CheckQuery.Delegator(delegator, ACME),
                    null);
            Answer answer = pdp.evaluate(delegated);
            assertThat(answer.reason()).isEqualTo(delegator.equals(ALICE) ? Reason.ALLOWED : Reason.DELEGATOR_DENIED);
            assertThat(pdp.evaluateIfReady(delegated)).isEqualTo(new ReadyAnswer(answer, DecisionLog.NONE));
        }
    }

    @Test
    void denyingEndsInAnExceptionWhereTheEngineHasABug() {
        source.put(tenant(ACME, 1, ALICE));
        PolicyDecisionPoint broken = pdp(now::get, (graph, query, moment) -> {
            throw new ArrayIndexOutOfBoundsException("a bug");
        });
        assertThatThrownBy(() -> broken.evaluate(mayRead(ACME, ALICE))).isInstanceOf(EvaluationFailedException.class);
        assertThatThrownBy(() -> broken.evaluateAll(ACME, List.of(mayRead(ACME, ALICE))))
                .isInstanceOf(EvaluationFailedException.class);
        assertThatThrownBy(() -> broken.evaluateIfReady(mayRead(ACME, ALICE)))
                .isInstanceOf(EvaluationFailedException.class);
        assertThat(count("assize.decision.failures", "cause", "engine")).isEqualTo(3);
    }

    @Test
    void answersNoneOfABatchOfWhichSomeAreMalformedAndSaysWhich() {
        source.put(tenant(ACME, 1, ALICE));
        PolicyDecisionPoint choosy = pdp(now::get, (graph, query, moment) -> {
            if (query.subject().equals(BOB)) {
                throw new MalformedException("bob", "alice");
            }
            return Evaluator.evaluate(graph, query, moment);
        });
        CheckQuery alice = mayRead(ACME, ALICE);
        CheckQuery bob = mayRead(ACME, BOB);
        assertThatThrownBy(() -> choosy.evaluateAll(ACME, List.of(alice, bob, alice, bob)))
                .isInstanceOfSatisfying(
                        MalformedItemsException.class,
                        refused -> assertThat(refused.items()).containsOnlyKeys(1, 3));
        assertThatThrownBy(() -> choosy.evaluate(bob)).isInstanceOf(MalformedException.class);
        assertThat(count("assize.decision.failures", "cause", "engine"))
                .as("the caller's mistake is no bug")
                .isZero();
    }

    @Test
    void answersEachOfABatchWhereThereIsNoTenant() {
        List<Answer> answers = pdp.evaluateAll(NOBODYS, List.of(mayRead(NOBODYS, ALICE), mayRead(NOBODYS, BOB)));
        assertThat(answers).hasSize(2).allMatch(answer -> answer.reason() == Reason.TENANT_UNKNOWN);
        assertThat(pdp.explain(mayRead(NOBODYS, ALICE), PointInTime.NOW).answer())
                .isEqualTo(answers.getFirst());
    }

    @Test
    void thatThereIsNoTenantHoldsForADayLikeAnyPolicyThatDoesNotChange() {
        Answer unknown = pdp.evaluate(mayRead(NOBODYS, ALICE));
        assertThat(unknown.validUntil()).isEqualTo(now.get().plus(Duration.ofHours(24)));
    }

    @Test
    void answersNothingFromAnotherTenantsGraph() {
        source.put(tenant(ACME, 1, ALICE));
        assertThatThrownBy(() -> pdp.evaluateAll(ACME, List.of(mayRead(NOBODYS, ALICE))))
                .isInstanceOf(EvaluationFailedException.class);
    }

    @Test
    void refusesWherePolicyCannotBeRead() {
        source.setBroken(true);
        assertThatThrownBy(() -> reason(ALICE))
                .isInstanceOf(PolicyUnavailableException.class)
                .hasRootCauseMessage("the fake source is broken");
        assertThat(count("assize.decision.failures", "cause", "unavailable")).isEqualTo(1);
        source.setBroken(false);
        source.put(tenant(ACME, 1, ALICE));
        assertThat(reason(ALICE)).as("a failure is not remembered").isEqualTo(Reason.ALLOWED);
    }

    @Test
    void refusesPolicyThatCannotBeCompiled() {
        source.put(PolicySet.of(PolicyScope.of(ACME), Revision.NONE, List.of()));
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(EvaluationFailedException.class);
        assertThat(count("assize.decision.load.failures")).isEqualTo(1);
        assertThat(count("assize.decision.failures", "cause", "engine")).isPositive();
    }

    @Test
    void loadsOnceHoweverManyAsk() throws Exception {
        source.put(tenant(ACME, 1, ALICE));
        CountDownLatch asking = new CountDownLatch(100);
        source.afterRead(() -> await(asking));
        List<Answer> answers = together(100, () -> {
            asking.countDown();
            return pdp.evaluate(mayRead(ACME, ALICE));
        });
        assertThat(answers).hasSize(100).allMatch(answer -> answer.reason() == Reason.ALLOWED);
        assertThat(source.loads()).isEqualTo(1);
    }

    @Test
    void remembersForAMomentThatATenantDoesNotExist() {
        Answer answer = pdp.evaluate(mayRead(NOBODYS, ALICE));
        assertThat(answer.reason()).isEqualTo(Reason.TENANT_UNKNOWN);
        assertThat(answer.revision()).isEqualTo(Revision.NONE);
        pdp.evaluate(mayRead(NOBODYS, ALICE));
        assertThat(source.loads()).isEqualTo(1);
        source.put(tenant(NOBODYS, 1, ALICE));
        pass(CONFIG.unknownTenantTtl().plusMillis(1));
        assertThat(pdp.evaluate(mayRead(NOBODYS, ALICE)).reason()).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void invalidationMakesACreatedTenantKnownAtOnce() {
        pdp.evaluate(mayRead(NOBODYS, ALICE));
        source.put(tenant(NOBODYS, 1, ALICE));
        pdp.refresh(PolicyScope.of(NOBODYS));
        assertThat(pdp.evaluate(mayRead(NOBODYS, ALICE)).reason()).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void remembersABoundedNumberOfUnknownTenants() {
        DecisionConfig small = new DecisionConfig(
                CONFIG.cacheBytes(),
                CONFIG.freshnessBound(),
                CONFIG.pollInterval(),
                CONFIG.loadTimeout(),
                CONFIG.concurrentLoads(),
                2,
                CONFIG.unknownTenantTtl(),
                CONFIG.pastBytes(),
                CONFIG.pastGraphs(),
                CONFIG.concurrentPastLoads());
        GraphCache cache = new GraphCache(source, small, clock, new DecisionMetrics(new SimpleMeterRegistry()));
        for (int i = 0; i < 2; i++) {
            for (int tenant = 0; tenant < 20; tenant++) {
                cache.get(new TenantId("t" + tenant), CONFIG.loadTimeout());
            }
        }
        assertThat(source.loads()).isGreaterThanOrEqualTo(38);
    }

    /** Else whoever asks about that tenant would wait for as long as a load may take, again and again. */
    @Test
    void whereThereIsNoThreadToLoadATenantTheNextWhoAsksBeginsAnew() {
        source.put(tenant(ACME, 1, ALICE));
        AtomicBoolean exhausted = new AtomicBoolean(true);
        GraphCache cache = new GraphCache(source, CONFIG, clock, metrics, work -> {
            if (exhausted.get()) {
                throw new InternalError("no thread");
            }
            work.run();
        });
        assertThatThrownBy(() -> cache.get(ACME, Duration.ofMillis(1)))
                .isInstanceOf(PolicyUnavailableException.class)
                .hasRootCauseMessage("no thread");
        exhausted.set(false);
        assertThat(cache.get(ACME, Duration.ofMillis(1))).isNotNull();
    }

    @Test
    void invalidationShowsTheNextQuestionTheChange() {
        source.put(tenant(ACME, 1, ALICE));
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        source.put(tenant(ACME, 2));
        assertThat(reason(ALICE)).as("not yet seen").isEqualTo(Reason.ALLOWED);
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(reason(ALICE)).isEqualTo(Reason.NO_GRANT);
    }

    @Test
    void aLoadThatBeganBeforeAChangeDoesNotOutliveIt() throws Exception {
        source.put(tenant(ACME, 1, ALICE));
        CountDownLatch hasRead = new CountDownLatch(1);
        CountDownLatch mayReturn = new CountDownLatch(1);
        source.afterRead(() -> {
            hasRead.countDown();
            await(mayReturn);
        });
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Reason> early = threads.submit(() -> reason(ALICE));
            await(hasRead);
            source.afterRead(() -> {});
            source.put(tenant(ACME, 2));
            Future<?> changing = threads.submit(() -> pdp.refresh(PolicyScope.of(ACME)));
            assertThat(changing.isDone()).isFalse();
            mayReturn.countDown();
            assertThat(early.get()).as("asked before the change").isEqualTo(Reason.ALLOWED);
            changing.get();
            assertThat(reason(ALICE)).isEqualTo(Reason.NO_GRANT);
        }
        assertThat(source.loads()).as("nor is it begun again").isEqualTo(1);
    }

    @Test
    void invalidationOfThePlatformReachesEveryTenant() {
        List<TenantId> tenants =
                IntStream.range(0, 10).mapToObj(i -> new TenantId("t" + i)).toList();
        source.put(platform(1));
        tenants.forEach(tenant -> source.put(tenant(tenant, 1, ALICE)));
        assertThat(tenants).allMatch(tenant -> platformRevision(tenant) == 1);
        source.put(platform(2));
        assertThat(tenants).allMatch(tenant -> platformRevision(tenant) == 1);
        pdp.refresh(PolicyScope.PLATFORM);
        assertThat(tenants).allMatch(tenant -> platformRevision(tenant) == 2);
    }

    @Test
    void aPollRenewsWhatHasChanged() {
        source.put(platform(1)).put(tenant(ACME, 1, ALICE)).put(tenant(NOBODYS, 1, ALICE));
        reason(ALICE);
        pdp.evaluate(mayRead(NOBODYS, ALICE));
        source.put(tenant(ACME, 2));
        watch.poll();
        eventually(() -> reason(ALICE) == Reason.NO_GRANT);
        assertThat(source.updates()).as("the other tenant was not read again").isEqualTo(1);
        source.put(platform(2));
        eventually(() -> {
            // A renewal that is just ending is not begun again; the next poll finds what it missed.
            watch.poll();
            return platformRevision(ACME) == 2 && platformRevision(NOBODYS) == 2;
        });
    }

    @Test
    void aPollDropsATenantThatHasGone() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        source.remove(ACME);
        watch.poll();
        assertThat(reason(ALICE)).isEqualTo(Reason.TENANT_UNKNOWN);
    }

    @Test
    void readersNeverWaitForARenewal() throws Exception {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        CountDownLatch mayReturn = new CountDownLatch(1);
        CountDownLatch renewing = new CountDownLatch(1);
        source.afterRead(() -> {
            renewing.countDown();
            await(mayReturn);
        });
        source.put(tenant(ACME, 2, ALICE));
        watch.poll();
        await(renewing);
        assertThat(together(20, () -> pdp.evaluate(mayRead(ACME, ALICE))))
                .allMatch(answer -> answer.revision().value() == 1);
        mayReturn.countDown();
        eventually(() -> pdp.evaluate(mayRead(ACME, ALICE)).revision().value() == 2);
    }

    @Test
    void revisionsNeverGoBackUnderLoad() throws Exception {
        source.put(tenant(ACME, 1, ALICE));
        AtomicBoolean done = new AtomicBoolean();
        Callable<Boolean> reader = () -> {
            long seen = 0;
            boolean rose = true;
            while (!done.get()) {
                long revision = pdp.evaluate(mayRead(ACME, ALICE)).revision().value();
                rose &= revision >= seen;
                seen = revision;
            }
            return rose;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<Boolean>> readers = new ArrayList<>();
            IntStream.range(0, 3).forEach(i -> readers.add(threads.submit(reader)));
            for (long revision = 2; revision < 200; revision++) {
                source.put(tenant(ACME, revision, ALICE));
                if (revision % 3 == 0) {
                    pdp.refresh(PolicyScope.of(ACME));
                } else {
                    watch.poll();
                }
            }
            done.set(true);
            for (Future<Boolean> each : readers) {
                assertThat(each.get()).isTrue();
            }
        }
    }

    @Test
    void waitsForARevision() {
        source.put(tenant(ACME, 1));
        assertThat(pdp.awaitRevision(ACME, new Revision(1), Duration.ofSeconds(5)))
                .isEqualTo(RevisionWait.REACHED);
        source.put(tenant(ACME, 3, ALICE));
        assertThat(pdp.awaitRevision(ACME, new Revision(2), Duration.ofSeconds(5)))
                .isEqualTo(RevisionWait.REACHED);
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        assertThat(pdp.awaitRevision(ACME, new Revision(4), Duration.ofSeconds(5)))
                .isEqualTo(RevisionWait.NEVER_COMMITTED);
        assertThat(pdp.awaitRevision(NOBODYS, new Revision(1), Duration.ofSeconds(5)))
                .isEqualTo(RevisionWait.NEVER_COMMITTED);
        source.put(tenant(ACME, 5));
        assertThat(pdp.awaitRevision(ACME, new Revision(5), Duration.ZERO)).isEqualTo(RevisionWait.TIMED_OUT);
    }

    @Test
    void whoHoldsTheRevisionWaitsForNothing() {
        source.put(tenant(ACME, 2, ALICE));
        reason(ALICE);
        source.setBroken(true);
        assertThat(pdp.awaitRevision(ACME, new Revision(2), Duration.ZERO)).isEqualTo(RevisionWait.REACHED);
        assertThat(pdp.awaitRevision(ACME, new Revision(1), Duration.ZERO)).isEqualTo(RevisionWait.REACHED);
    }

    @Test
    void hasNotSeenARevisionThatItCannotReadYet() {
        source.put(tenant(ACME, 4, ALICE));
        FakePolicySource ahead = new FakePolicySource().put(tenant(ACME, 5));
        InstantSource clock = InstantSource.system();
        PolicyDecisionPoint behind = new PolicyDecisionPoint(
                graphs,
                ahead,
                moments(clock),
                new Decisions(facts, facts, metrics, Evaluator::evaluate),
                clock,
                metrics);
        for (String state : List.of("not held", "held")) {
            assertThat(behind.awaitRevision(ACME, new Revision(5), Duration.ofMillis(50)))
                    .as(state)
                    .isEqualTo(RevisionWait.TIMED_OUT);
        }
        assertThat(graphs.getIfHeld(ACME)).isNotNull();
    }

    @Test
    void aStoreThatIsAwayIsSaidToBeAndNoBug() {
        source.put(withApprovalRule(ALICE));
        StoreUnavailableException away = new StoreUnavailableException("away", new IllegalStateException());
        facts.failWith(away);
        assertThatThrownBy(() -> reason(ALICE)).isSameAs(away);
        facts.failWith(new IllegalStateException("broken"));
        assertThatThrownBy(() -> reason(ALICE)).isInstanceOf(EvaluationFailedException.class);
        assertThat(count("assize.decision.failures", "cause", "approval")).isEqualTo(2);
        assertThat(count("assize.decision.failures", "cause", "engine")).isZero();
    }

    @Test
    void hasSeenTheRevisionThatDeletedATenant() {
        source.put(tenant(ACME, 1, ALICE));
        source.delete(NOBODYS, new Revision(3));
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
        source.delete(ACME, new Revision(2));
        assertThat(pdp.awaitRevision(ACME, new Revision(2), Duration.ofSeconds(5)))
                .as("held until then")
                .isEqualTo(RevisionWait.REACHED);
        assertThat(reason(ALICE)).isEqualTo(Reason.TENANT_UNKNOWN);
        assertThat(pdp.awaitRevision(NOBODYS, new Revision(3), Duration.ofSeconds(5)))
                .as("never held")
                .isEqualTo(RevisionWait.REACHED);
    }

    @Test
    void seesATenantThatWasMadeAfterItWasRememberedAsUnknown() {
        assertThat(reason(ALICE)).isEqualTo(Reason.TENANT_UNKNOWN);
        source.put(tenant(ACME, 1, ALICE));
        assertThat(pdp.awaitRevision(ACME, new Revision(1), Duration.ofSeconds(5)))
                .isEqualTo(RevisionWait.REACHED);
        assertThat(reason(ALICE)).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void restsBetweenAttemptsToSeeARevision() {
        source.put(tenant(ACME, 1, ALICE));
        source.afterRead(() -> {
            throw new IllegalStateException("cannot be read");
        });
        PolicyDecisionPoint timed = pdp(InstantSource.system(), Evaluator::evaluate);
        assertThat(timed.awaitRevision(ACME, new Revision(1), Duration.ofMillis(200)))
                .isEqualTo(RevisionWait.TIMED_OUT);
        assertThat(source.loads()).isBetween(1, 11);
    }

    @Test
    void doesNotCountWhatAssizeAsksItself() {
        source.put(tenant(ACME, 1, ALICE));
        assertThat(pdp.evaluateOwn(mayRead(ACME, ALICE)).reason()).isEqualTo(Reason.ALLOWED);
        assertThat(pdp.isTenant(ACME)).isTrue();
        assertThat(pdp.isTenant(NOBODYS)).isFalse();
        assertThat(count("assize.decision.checks", "reason", "ALLOWED")).isZero();
        assertThat(count("assize.decision.checks", "reason", "TENANT_UNKNOWN")).isZero();
    }

    @Test
    void tellsThePlatformsRevisionWhereThereIsNoTenant() {
        source.put(tenant(ACME, 1, ALICE));
        source.put(PolicySet.of(PolicyScope.PLATFORM, new Revision(4), List.of()));
        reason(ALICE);
        Answer unknown = pdp.evaluate(mayRead(NOBODYS, ALICE));
        assertThat(unknown.reason()).isEqualTo(Reason.TENANT_UNKNOWN);
        assertThat(unknown.revision()).isEqualTo(Revision.NONE);
        assertThat(unknown.platformRevision()).isEqualTo(new Revision(4));
    }

    @Test
    void holdsNoMoreThanItsBound() {
        IntStream.range(0, 50).forEach(i -> source.put(tenant(new TenantId("t" + i), 1, ALICE)));
        long bytes = 20_000;
        DecisionConfig small = new DecisionConfig(
                bytes,
                CONFIG.freshnessBound(),
                CONFIG.pollInterval(),
                CONFIG.loadTimeout(),
                CONFIG.concurrentLoads(),
                CONFIG.unknownTenants(),
                CONFIG.unknownTenantTtl(),
                CONFIG.pastBytes(),
                CONFIG.pastGraphs(),
                CONFIG.concurrentPastLoads());
        GraphCache cache = new GraphCache(source, small, clock, new DecisionMetrics(new SimpleMeterRegistry()));
        IntStream.range(0, 50).forEach(i -> cache.get(new TenantId("t" + i), CONFIG.loadTimeout()));
        long held = cache.held().stream()
                .mapToLong(graph -> graph.graph().weightBytes())
                .sum();
        assertThat(held).isBetween(1L, bytes);
    }

    @Test
    void countsWhatItDecides() {
        source.put(tenant(ACME, 1, ALICE));
        reason(ALICE);
        pdp.evaluateAll(ACME, List.of(mayRead(ACME, ALICE), mayRead(ACME, BOB)));
        pdp.explain(mayRead(ACME, BOB), PointInTime.NOW);
        assertThat(count("assize.decision.checks", "reason", "ALLOWED")).isEqualTo(2);
        assertThat(count("assize.decision.checks", "reason", "NO_GRANT")).isEqualTo(2);
        assertThat(registry.get("assize.decision.cache.size").gauge().value()).isEqualTo(1);
        assertThat(registry.get("assize.decision.duration").timer().count())
                .as("one by one")
                .isEqualTo(2);
        assertThat(registry.get("assize.decision.batch.duration").timer().count())
                .isEqualTo(1);
        assertThat(registry.get("assize.decision.load.duration").timer().count())
                .isEqualTo(1);
    }

    @Test
    void refusesBoundsThatWouldNotHold() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DecisionConfig(
                        1,
                        Duration.ofMillis(1_999),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(5),
                        1,
                        1,
                        Duration.ZERO,
                        1,
                        1,
                        1))
                .withMessageContaining("decision.freshnessBound");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DecisionConfig(
                        1,
                        Duration.ofSeconds(2),
                        Duration.ofMillis(1_001),
                        Duration.ofSeconds(5),
                        1,
                        1,
                        Duration.ZERO,
                        1,
                        1,
                        1))
                .withMessageContaining("decision.pollInterval");
    }

    private Moments moments(InstantSource clock) {
        return new Moments(graphs, new PastGraphs(source, graphs, CONFIG, clock, metrics), CONFIG, clock, metrics);
    }

    private PolicyDecisionPoint pdp(InstantSource clock, Settlement.Engine engine) {
        return new PolicyDecisionPoint(
                graphs, source, moments(clock), new Decisions(facts, facts, metrics, engine), clock, metrics);
    }

    private Reason reason(Subject subject) {
        return pdp.evaluate(mayRead(ACME, subject)).reason();
    }

    private long platformRevision(TenantId tenant) {
        return pdp.evaluate(mayRead(tenant, ALICE)).platformRevision().value();
    }

    private void setBack(Duration time) {
        now.updateAndGet(instant -> instant.minus(time));
    }

    private void pass(Duration time) {
        now.updateAndGet(instant -> instant.plus(time));
        passedNanos.addAndGet(time.toNanos());
    }

    private double count(String name, String... tags) {
        return registry.get(name).tags(tags).meter().measure().iterator().next().getValue();
    }

    private static <T> List<T> together(int count, Callable<T> action) throws InterruptedException, ExecutionException {
        List<T> results = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<T> each : threads.invokeAll(
                    IntStream.range(0, count).mapToObj(i -> action).toList())) {
                results.add(each.get());
            }
        }
        return results;
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void eventually(Callable<Boolean> condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        try {
            while (!condition.call()) {
                assertThat(System.nanoTime()).as("still not so").isLessThan(deadline);
                LockSupport.parkNanos(200_000);
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}

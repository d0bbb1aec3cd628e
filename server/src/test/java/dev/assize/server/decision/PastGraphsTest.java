package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.mayRead;
import static dev.assize.server.decision.Policies.platform;
import static dev.assize.server.decision.Policies.tenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.PolicySource.PastPolicy;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime.Past;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.PolicySet;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PastGraphsTest {

    private static final Instant NOW = Instant.parse("2026-02-22T14:00:00Z");
    private static final Instant THEN = NOW.minus(Duration.ofDays(30));

    private final FakePolicySource source = new FakePolicySource();
    private final FakeFacts facts = new FakeFacts();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    @Test
    void answersFromThePolicyOfThen() {
        source.put(tenant(ACME, 9));
        source.past(past -> Optional.of(policy(4, THEN)));
        Answer answer = pdp(64 << 20, 32, 2).evaluate(mayRead(ACME, ALICE), new Past(new Revision(4), null));
        assertThat(answer.reason()).isEqualTo(Reason.ALLOWED);
        assertThat(answer.revision()).isEqualTo(new Revision(4));
        assertThat(answer.isHistorical()).isTrue();
        assertThat(answer.validUntil()).isNull();
        assertThat(source.loads()).as("the present was not read").isZero();
    }

    @Test
    void whatCouldNotBeReadTakesNoPlaceAndIsReadAgain() {
        source.setBroken(true);
        PolicyDecisionPoint pdp = pdp(64 << 20, 32, 1);
        Past past = new Past(new Revision(4), null);
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> pdp.evaluate(mayRead(ACME, ALICE), past))
                    .as("try %d", i)
                    .hasRootCauseMessage("the fake source is broken");
        }
        source.setBroken(false);
        source.past(any -> Optional.of(policy(4, THEN)));
        assertThat(pdp.evaluate(mayRead(ACME, ALICE), past).reason()).isEqualTo(Reason.ALLOWED);
        assertThat(registry.get("assize.decision.past.load.duration").timer().count())
                .as("of those that were read")
                .isEqualTo(1);
    }

    @Test
    void remembersOfAMomentLongAgoThatThereWasNoTenantButOfNoRevision() {
        PolicyDecisionPoint pdp = pdp(64 << 20, 32, 2);
        for (int i = 0; i < 3; i++) {
            assertThat(pdp.evaluate(mayRead(ACME, ALICE), new Past(null, THEN)).reason())
                    .isEqualTo(Reason.TENANT_UNKNOWN);
        }
        assertThat(source.pastLoads()).isEqualTo(1);
        for (int i = 0; i < 3; i++) {
            pdp.evaluate(mayRead(ACME, ALICE), new Past(new Revision(4), null));
        }
        assertThat(source.pastLoads()).isEqualTo(4);
    }

    @Test
    void isAnsweredFromThePresentWhereNothingHasChangedSince() {
        PolicySet tenant = tenant(ACME, 4, ALICE);
        source.put(tenant).put(platform(1));
        GraphCache graphs = graphs(64 << 20, 32, 2);
        DecisionGraph held =
                Objects.requireNonNull(graphs.get(ACME, Duration.ofSeconds(20))).graph();
        PastGraphs pasts =
                new PastGraphs(source, graphs, config(64 << 20, 32, 2), () -> NOW, new DecisionMetrics(registry));
        source.past(past -> Optional.of(policy(revision(past), THEN)));
        assertThat(pasts.get(ACME, new Past(new Revision(4), null), Duration.ofSeconds(20)))
                .hasValueSatisfying(past -> assertThat(past.graph()).isSameAs(held));
        assertThat(pasts.get(ACME, new Past(new Revision(3), null), Duration.ofSeconds(20)))
                .as("another revision of the tenant")
                .hasValueSatisfying(past -> assertThat(past.graph().revision()).isEqualTo(new Revision(3)));
        source.past(past -> Optional.of(new PastPolicy(new PolicySnapshot(tenant, platform(7)), THEN)));
        assertThat(pasts.get(ACME, new Past(new Revision(4), THEN), Duration.ofSeconds(20)))
                .as("another revision of the platform")
                .hasValueSatisfying(
                        past -> assertThat(past.graph().platformRevision()).isEqualTo(new Revision(7)));
    }

    @Test
    void theTraceOfADelegatorIsOfThePastToo() {
        source.put(tenant(ACME, 9));
        source.past(past -> Optional.of(policy(4, THEN)));
        CheckQuery query = new CheckQuery(
                ALICE,
                ResourcePath.parse("doc:1"),
                new Action("read"),
                ACME,
                Environment.DEFAULT,
                ACME,
                Map.of(),
                Map.of(),
                Map.of(),
                List.of(),
                new Delegator(ALICE, ACME),
                null);
        Explanation explanation = pdp(64 << 20, 32, 2).explain(query, new Past(new Revision(4), null));
        assertThat(explanation.answer().reason()).isEqualTo(Reason.ALLOWED);
        assertThat(explanation.answer().isHistorical()).isTrue();
        assertThat(Objects.requireNonNull(explanation.delegator()).answer().isHistorical())
                .isTrue();
    }

    @Test
    void leavesThePresentAlone() {
        source.put(tenant(ACME, 9));
        source.past(past -> Optional.of(policy(4, THEN)));
        PolicyDecisionPoint pdp = pdp(64 << 20, 32, 2);
        assertThat(pdp.evaluate(mayRead(ACME, ALICE)).reason()).isEqualTo(Reason.NO_GRANT);
        pdp.evaluate(mayRead(ACME, ALICE), new Past(new Revision(4), null));
        assertThat(pdp.evaluate(mayRead(ACME, ALICE)).revision()).isEqualTo(new Revision(9));
        assertThat(source.loads()).isEqualTo(1);
    }

    @Test
    void saysThatTheTenantDidNotExistThen() {
        source.put(tenant(ACME, 9, ALICE));
        Answer answer = pdp(64 << 20, 32, 2).evaluate(mayRead(ACME, ALICE), new Past(null, THEN));
        assertThat(answer.reason()).isEqualTo(Reason.TENANT_UNKNOWN);
        assertThat(answer.isHistorical()).isTrue();
        assertThat(answer.platformRevision()).isEqualTo(Revision.NONE);
    }

    @Test
    void refusesTheFuture() {
        PolicyDecisionPoint pdp = pdp(64 << 20, 32, 2);
        assertThatThrownBy(() -> pdp.evaluate(mayRead(ACME, ALICE), new Past(null, NOW.plusNanos(1))))
                .isInstanceOfSatisfying(
                        MalformedException.class,
                        refused -> assertThat(refused.field()).isEqualTo("as_of"));
        assertThat(pdp.evaluate(mayRead(ACME, ALICE), new Past(null, NOW)).isHistorical())
                .isTrue();
    }

    @Test
    void saysThatARevisionWasNeverCommitted() {
        source.past(past -> {
            throw new RevisionNeverCommittedException(ACME, new Revision(99));
        });
        assertThatThrownBy(() -> pdp(64 << 20, 32, 2).evaluate(mayRead(ACME, ALICE), new Past(new Revision(99), null)))
                .isInstanceOf(RevisionNeverCommittedException.class);
    }

    @Test
    void readsAPastOnceButWhatMayStillBeCommittedEachTime() {
        source.past(past -> Optional.of(policy(4, past.asOf() == null ? THEN : past.asOf())));
        PolicyDecisionPoint pdp = pdp(64 << 20, 32, 2);
        for (int i = 0; i < 3; i++) {
            pdp.evaluate(mayRead(ACME, ALICE), new Past(null, THEN));
        }
        assertThat(source.pastLoads()).isEqualTo(1);
        for (int i = 0; i < 3; i++) {
            pdp.evaluate(mayRead(ACME, ALICE), new Past(null, NOW.minusSeconds(1)));
        }
        assertThat(source.pastLoads()).isEqualTo(4);
    }

    @Test
    void holdsABoundedNumber() {
        source.past(past -> Optional.of(policy(revision(past), THEN)));
        PolicyDecisionPoint pdp = pdp(64 << 20, 3, 2);
        for (int revision = 1; revision <= 20; revision++) {
            pdp.evaluate(mayRead(ACME, ALICE), new Past(new Revision(revision), null));
        }
        assertThat(registry.get("assize.decision.past.size").gauge().value()).isBetween(1.0, 3.0);
    }

    @Test
    void holdsOneHoweverHeavy() {
        source.past(past -> Optional.of(policy(revision(past), THEN)));
        PolicyDecisionPoint pdp = pdp(1, 1, 2);
        for (int i = 0; i < 3; i++) {
            pdp.evaluate(mayRead(ACME, ALICE), new Past(new Revision(4), null));
        }
        assertThat(source.pastLoads()).isEqualTo(1);
    }

    @Test
    void refusesAtOnceWhereTheQueueIsFull() {
        source.past(past -> Optional.of(policy(revision(past), THEN)));
        DecisionMetrics metrics = new DecisionMetrics(registry);
        DecisionConfig config = config(64 << 20, 32, 1);
        List<Runnable> waiting = new ArrayList<>();
        PastGraphs pasts = new PastGraphs(source, graphs(64 << 20, 32, 1), config, () -> NOW, metrics, waiting::add);
        for (int i = 1; i <= 8; i++) {
            Past past = new Past(new Revision(i), null);
            assertThatThrownBy(() -> pasts.get(ACME, past, Duration.ofMillis(1)))
                    .isInstanceOf(PolicyUnavailableException.class);
            assertThatThrownBy(() -> pasts.get(ACME, past, Duration.ofMillis(1)))
                    .as("shares the place of the same question")
                    .isInstanceOf(PolicyUnavailableException.class);
        }
        Past ninth = new Past(new Revision(9), null);
        assertThatThrownBy(() -> pasts.get(ACME, ninth, Duration.ofMillis(1)))
                .isInstanceOf(PastBusyException.class)
                .hasMessageContaining("8 questions about the past");
        assertThat(registry.get("assize.decision.past.refused").counter().count())
                .isEqualTo(1);
        waiting.forEach(Runnable::run);
        assertThat(pasts.get(ACME, new Past(new Revision(8), null), Duration.ofMillis(1)))
                .as("who gave up finds it later")
                .isPresent();
        assertThat(source.pastLoads()).isEqualTo(8);
        assertThatThrownBy(() -> pasts.get(ACME, ninth, Duration.ofMillis(1)))
                .as("there is room again")
                .isInstanceOf(PolicyUnavailableException.class);
    }

    @Test
    void readsNoMoreAtATimeThanItMay() throws Exception {
        AtomicInteger reading = new AtomicInteger();
        Set<Integer> atOnce = ConcurrentHashMap.newKeySet();
        CountDownLatch twoRead = new CountDownLatch(2);
        CountDownLatch mayEnd = new CountDownLatch(1);
        source.past(past -> {
            atOnce.add(reading.incrementAndGet());
            twoRead.countDown();
            await(mayEnd);
            reading.decrementAndGet();
            return Optional.of(policy(revision(past), THEN));
        });
        List<Thread> threads = new ArrayList<>();
        DecisionMetrics metrics = new DecisionMetrics(registry);
        PastGraphs pasts = new PastGraphs(
                source,
                graphs(64 << 20, 32, 2),
                config(64 << 20, 32, 2),
                () -> NOW,
                metrics,
                load -> threads.add(Thread.ofPlatform().start(load)));
        for (int i = 1; i <= 6; i++) {
            Past past = new Past(new Revision(i), null);
            assertThatThrownBy(() -> pasts.get(ACME, past, Duration.ofMillis(1)))
                    .isInstanceOf(PolicyUnavailableException.class);
        }
        await(twoRead);
        while (!threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING)) {
            Thread.onSpinWait();
        }
        assertThat(reading).as("six wait, of which two for the source").hasValue(2);
        mayEnd.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(source.pastLoads()).isEqualTo(6);
        assertThat(atOnce).containsOnly(1, 2);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void asksHistoryOnlyForWhatWasCommittedThen() {
        // The revision names the moment up to which facts count; the moment judged is now.
        source.past(past -> Optional.of(policy(4, THEN)));
        GraphCache graphs = graphs(64 << 20, 32, 2);
        Moment moment = moments(graphs, 64 << 20, 32, 2).find(ACME, new Past(new Revision(4), null));
        assertThat(moment).isNotNull();
        assertThat(Objects.requireNonNull(moment).committedBy()).isEqualTo(THEN);
        assertThat(moment.now()).isEqualTo(NOW);
        Moment judgedThen = moments(graphs, 64 << 20, 32, 2).find(ACME, new Past(new Revision(4), THEN.plusSeconds(1)));
        assertThat(Objects.requireNonNull(judgedThen).now()).isEqualTo(THEN.plusSeconds(1));
    }

    private static long revision(Past past) {
        return Objects.requireNonNull(past.revision()).value();
    }

    private static PastPolicy policy(long revision, Instant committedBy) {
        PolicySet platform = platform(1);
        return new PastPolicy(new PolicySnapshot(tenant(ACME, revision, ALICE), platform), committedBy);
    }

    private PolicyDecisionPoint pdp(long pastBytes, int pastGraphs, int concurrentPastLoads) {
        GraphCache graphs = graphs(pastBytes, pastGraphs, concurrentPastLoads);
        DecisionMetrics metrics = new DecisionMetrics(registry);
        return new PolicyDecisionPoint(
                graphs,
                source,
                moments(graphs, pastBytes, pastGraphs, concurrentPastLoads),
                new Decisions(facts, facts, metrics, Evaluator::evaluate),
                () -> NOW,
                metrics);
    }

    private GraphCache graphs(long pastBytes, int pastGraphs, int concurrentPastLoads) {
        return new GraphCache(
                source,
                config(pastBytes, pastGraphs, concurrentPastLoads),
                Clocks.steady(() -> NOW),
                new DecisionMetrics(registry));
    }

    private Moments moments(GraphCache graphs, long pastBytes, int pastGraphs, int concurrentPastLoads) {
        DecisionConfig config = config(pastBytes, pastGraphs, concurrentPastLoads);
        DecisionMetrics metrics = new DecisionMetrics(registry);
        return new Moments(
                graphs, new PastGraphs(source, graphs, config, () -> NOW, metrics), config, () -> NOW, metrics);
    }

    private static DecisionConfig config(long pastBytes, int pastGraphs, int concurrentPastLoads) {
        DecisionConfig defaults = DecisionConfig.defaults();
        return new DecisionConfig(
                defaults.cacheBytes(),
                defaults.freshnessBound(),
                defaults.pollInterval(),
                Duration.ofSeconds(20),
                defaults.concurrentLoads(),
                defaults.unknownTenants(),
                defaults.unknownTenantTtl(),
                pastBytes,
                pastGraphs,
                concurrentPastLoads);
    }
}

package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.mayRead;
import static dev.assize.server.decision.Policies.platform;
import static dev.assize.server.decision.Policies.tenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is held follows what changes, at the cost of the change, and nobody who asks waits for it. */
@Timeout(60)
class GraphRenewalTest {

    private static final TenantId OTHER = new TenantId("other");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final DecisionMetrics metrics = new DecisionMetrics(registry);
    private final FakePolicySource source = new FakePolicySource();
    private final DecisionConfig config = config(256L << 20);
    private final GraphCache graphs = new GraphCache(source, config, Clocks.SYSTEM, metrics);
    private final PolicyDecisionPoint pdp = pdp(graphs, config);
    private final FakeSignals signals = new FakeSignals();
    private final PolicyWatch watch = new PolicyWatch(
            graphs, source, config, Clocks.SYSTEM, metrics, signals, NodePresenceTest.of(graphs, metrics));

    @Test
    void anOwnChangeReadsOnlyWhatChanged() {
        source.put(tenant(ACME, 1, ALICE));
        assertThat(ask(ACME).reason()).isEqualTo(Reason.ALLOWED);
        source.put(tenant(ACME, 2));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(ask(ACME).reason()).isEqualTo(Reason.NO_GRANT);
        assertThat(source.loads()).isEqualTo(1);
        assertThat(source.updates()).isEqualTo(1);
    }

    @Test
    void loadsNothingThatIsNotHeld() {
        source.put(tenant(ACME, 1, ALICE));
        pdp.refresh(PolicyScope.of(ACME));
        pdp.refresh(PolicyScope.PLATFORM);
        assertThat(source.loads() + source.updates()).isZero();
    }

    @Test
    void whoAsksMeanwhileIsAnsweredFromWhatWasThereAndWhoChangedItWaits() throws Exception {
        source.put(tenant(ACME, 1, ALICE));
        ask(ACME);
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch mayReturn = new CountDownLatch(1);
        source.afterRead(() -> {
            reading.countDown();
            await(mayReturn);
        });
        source.put(tenant(ACME, 2));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> changing = threads.submit(() -> pdp.refresh(PolicyScope.of(ACME)));
            await(reading);
            assertThat(ask(ACME).revision().value()).isEqualTo(1);
            assertThat(changing.isDone()).isFalse();
            mayReturn.countDown();
            changing.get();
            assertThat(ask(ACME).revision().value()).isEqualTo(2);
        }
    }

    /** A virtual thread that compiles keeps its carrier from whoever answers on another one. */
    @Test
    void readsAndCompilesOnNoVirtualThread() {
        Set<Boolean> virtual = ConcurrentHashMap.newKeySet();
        source.afterRead(() -> virtual.add(Thread.currentThread().isVirtual()));
        source.put(tenant(ACME, 1, ALICE));
        ask(ACME);
        source.put(tenant(ACME, 2));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(source.loads()).isEqualTo(1);
        assertThat(source.updates()).isEqualTo(1);
        assertThat(virtual).containsExactly(false);
    }

    @Test
    void aRenewalThatReadBeforeAChangeIsFollowedByOneThatSeesIt() throws Exception {
        source.put(tenant(ACME, 1, ALICE));
        ask(ACME);
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch mayReturn = new CountDownLatch(1);
        AtomicInteger reads = new AtomicInteger();
        source.afterRead(() -> {
            if (reads.incrementAndGet() == 1) {
                reading.countDown();
                await(mayReturn);
            }
        });
        source.put(tenant(ACME, 2, ALICE));
        watch.poll();
        await(reading);
        source.put(tenant(ACME, 3));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> changing = IntStream.range(0, 20)
                    .<Future<?>>mapToObj(i -> threads.submit(() -> pdp.refresh(PolicyScope.of(ACME))))
                    .toList();
            mayReturn.countDown();
            for (Future<?> each : changing) {
                each.get();
            }
        }
        assertThat(ask(ACME).revision().value()).isEqualTo(3);
        assertThat(source.updates()).as("shared by those who came meanwhile").isLessThan(22);
        assertThat(source.loads()).isEqualTo(1);
    }

    @Test
    void whatCannotBeBroughtUpToDateIsNotAnsweredFrom() {
        source.put(tenant(ACME, 1, ALICE)).put(tenant(OTHER, 1, ALICE));
        ask(ACME);
        ask(OTHER);
        source.put(tenant(ACME, 2));
        source.setBroken(true);
        pdp.refresh(PolicyScope.of(ACME));
        assertThatThrownBy(() -> ask(ACME)).isInstanceOf(PolicyUnavailableException.class);
        assertThat(ask(OTHER).reason()).isEqualTo(Reason.ALLOWED);
        source.setBroken(false);
        assertThat(ask(ACME).reason()).isEqualTo(Reason.NO_GRANT);
    }

    @Test
    void aRenewalThatAPollFoundAndThatFailsLeavesTheOldPolicyToItsBound() {
        source.put(tenant(ACME, 1, ALICE));
        ask(ACME);
        source.put(tenant(ACME, 2));
        source.afterRead(() -> {
            throw new IllegalStateException("cannot be read");
        });
        watch.poll();
        eventually(() -> count("assize.decision.load.failures") == 1);
        assertThat(ask(ACME).revision().value()).isEqualTo(1);
        source.afterRead(() -> {});
        watch.poll();
        eventually(() -> ask(ACME).revision().value() == 2);
    }

    @Test
    void aChangeOfThePlatformIsReadOnceForAll() {
        List<TenantId> tenants =
                IntStream.range(0, 40).mapToObj(i -> new TenantId("t" + i)).toList();
        source.put(platform(1));
        tenants.forEach(tenant -> source.put(tenant(tenant, 1, ALICE)));
        tenants.forEach(this::ask);
        source.put(platform(2));
        // Long enough for the others to begin, if they did not wait for the first.
        source.afterRead(() -> LockSupport.parkNanos(10_000_000));
        watch.poll();
        eventually(() -> tenants.stream()
                .allMatch(tenant -> ask(tenant).platformRevision().value() == 2));
        assertThat(source.updates()).isEqualTo(1);
        assertThat(source.loads()).isEqualTo(40);
        assertThat(tenants.stream()
                        .map(tenant -> Objects.requireNonNull(graphs.getIfHeld(tenant))
                                .snapshot()
                                .platform())
                        .distinct()
                        .map(System::identityHashCode)
                        .distinct())
                .as("one set of documents for all")
                .hasSize(1);
        source.put(platform(3));
        pdp.refresh(PolicyScope.PLATFORM);
        assertThat(tenants).allMatch(tenant -> ask(tenant).platformRevision().value() == 3);
        assertThat(source.updates()).isEqualTo(2);
        assertThat(source.loads()).as("nothing was dropped").isEqualTo(40);
    }

    @Test
    void whereNothingChangedNothingIsReadNorDropped() {
        source.put(tenant(ACME, 1, ALICE)).put(platform(1));
        ask(ACME);
        HeldGraph held = graphs.getIfHeld(ACME);
        pdp.refresh(PolicyScope.PLATFORM);
        assertThat(graphs.getIfHeld(ACME)).isSameAs(held);
        assertThat(source.loads()).isEqualTo(1);
        assertThat(source.updates()).isZero();
    }

    @Test
    void aChangeOfThePlatformDropsWhatCannotBeBroughtUpToDate() {
        source.put(tenant(ACME, 1, ALICE)).put(tenant(OTHER, 1, ALICE)).put(platform(1));
        ask(ACME);
        ask(OTHER);
        HeldGraph present = graphs.getIfHeld(OTHER);
        source.put(tenant(ACME, 2));
        source.afterRead(() -> {
            throw new IllegalStateException("cannot be read");
        });
        pdp.refresh(PolicyScope.PLATFORM);
        assertThat(graphs.getIfHeld(ACME)).as("is behind").isNull();
        assertThat(graphs.getIfHeld(OTHER)).as("is what there is").isSameAs(present);
        source.setBroken(true);
        double failures = count("assize.decision.load.failures");
        pdp.refresh(PolicyScope.PLATFORM);
        assertThat(graphs.getIfHeld(OTHER)).as("nobody knows").isNull();
        assertThat(count("assize.decision.load.failures")).isEqualTo(failures + 1);
    }

    @Test
    void whatIsBeingLoadedWhileThePlatformChangesIsRenewedBeforeTheChangeReturns() throws Exception {
        source.put(tenant(ACME, 1, ALICE)).put(platform(1));
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch mayReturn = new CountDownLatch(1);
        AtomicInteger reads = new AtomicInteger();
        source.afterRead(() -> {
            if (reads.incrementAndGet() == 1) {
                reading.countDown();
                await(mayReturn);
            }
        });
        Thread asking = Thread.ofPlatform().start(() -> ask(ACME));
        await(reading);
        source.put(platform(2));
        Thread changing = Thread.ofPlatform().start(() -> pdp.refresh(PolicyScope.PLATFORM));
        while (changing.getState() != Thread.State.WAITING) {
            assertThat(changing.isAlive()).as("has to wait for the load").isTrue();
            Thread.onSpinWait();
        }
        mayReturn.countDown();
        changing.join();
        asking.join();
        assertThat(ask(ACME).platformRevision().value()).isEqualTo(2);
    }

    /** A watcher that is not told answers from a graph that is no more, until somebody else asks. */
    @Test
    void watchersAreToldOfEveryGraphThatComesChangesOrGoes() {
        AtomicInteger told = new AtomicInteger();
        Runnable watcher = told::incrementAndGet;
        graphs.watchers().add(ACME, watcher);
        source.put(tenant(ACME, 1, ALICE)).put(platform(1));
        ask(ACME);
        assertThat(told.getAndSet(0)).as("loaded").isEqualTo(1);
        source.put(tenant(ACME, 2, ALICE));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(told.getAndSet(0)).as("renewed").isEqualTo(1);
        source.setBroken(true);
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(told.getAndSet(0)).as("dropped, for it could not be renewed").isEqualTo(1);
        source.setBroken(false);
        ask(ACME);
        told.set(0);
        source.remove(ACME);
        watch.poll();
        assertThat(told.getAndSet(0)).as("dropped, for there is no such tenant").isEqualTo(1);
        graphs.watchers().remove(ACME, watcher);
        source.put(tenant(ACME, 3, ALICE));
        graphs.isHeldOnceLoaded(ACME, Duration.ofSeconds(20));
        ask(ACME);
        assertThat(told).as("nobody watches any more").hasValue(0);
    }

    @Test
    void readsNoMorePoliciesAtATimeThanItMay() throws Exception {
        List<TenantId> tenants =
                IntStream.range(0, 12).mapToObj(i -> new TenantId("t" + i)).toList();
        tenants.forEach(tenant -> source.put(tenant(tenant, 1, ALICE)));
        int most = config.concurrentLoads();
        assertThat(most).as("fewer than there are tenants").isLessThan(tenants.size());
        assertThat(mostAtOnce(most, tenants, this::ask)).as("loads").isEqualTo(most);
        tenants.forEach(tenant -> source.put(tenant(tenant, 2, ALICE)));
        assertThat(mostAtOnce(most, tenants, tenant -> pdp.refresh(PolicyScope.of(tenant))))
                .as("renewals")
                .isEqualTo(most);
        assertThat(tenants).allMatch(tenant -> ask(tenant).revision().value() == 2);
    }

    /** How many reads there are at once at the most, where each waits until so many are there. */
    private int mostAtOnce(int expected, List<TenantId> tenants, Consumer<TenantId> reading) throws Exception {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch enough = new CountDownLatch(expected);
        source.afterRead(() -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            enough.countDown();
            await(enough);
            LockSupport.parkNanos(1_000_000);
            now.decrementAndGet();
        });
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = tenants.stream()
                    .<Future<?>>map(tenant -> threads.submit(() -> reading.accept(tenant)))
                    .toList();
            for (Future<?> each : all) {
                each.get();
            }
        } finally {
            source.afterRead(() -> {});
        }
        return most.get();
    }

    @Test
    void aSignalOfThePlatformPollsAtOnce() {
        source.put(tenant(ACME, 1, ALICE)).put(platform(1));
        ask(ACME);
        try (PolicyWatch slow = new PolicyWatch(
                graphs,
                source,
                polledEvery(Duration.ofHours(1)),
                Clocks.SYSTEM,
                metrics,
                signals,
                NodePresenceTest.of(graphs, metrics))) {
            slow.start();
            assertThat(slow.isSignalled()).isTrue();
            for (long revision = 2; revision < 5; revision++) {
                long expected = revision;
                source.put(platform(revision));
                signals.listener().changed(PolicyScope.PLATFORM, new Revision(revision), Instant.now());
                eventually(() -> ask(ACME).platformRevision().value() == expected);
            }
            source.put(tenant(ACME, 2, ALICE));
            signals.listener().connected();
            eventually(() -> ask(ACME).revision().value() == 2);
        }
        assertThat(watch.isSignalled()).as("closed with the watch").isFalse();
    }

    @Test
    void aWatchThatIsStartedPollsByItself() {
        source.put(tenant(ACME, 1, ALICE));
        ask(ACME);
        assertThat(watch.isFresh()).as("not before the first poll").isFalse();
        try (watch) {
            watch.start();
            assertThat(watch.isFresh()).isTrue();
            assertThat(watch.age()).isLessThan(config.freshnessBound());
            source.put(tenant(ACME, 2, ALICE));
            eventually(() -> ask(ACME).revision().value() == 2);
        }
        assertThat(source.loads()).isEqualTo(1);
    }

    @Test
    void aPolicyHeavierThanAllRoomStays() {
        DecisionConfig tiny = config(40);
        GraphCache small = new GraphCache(source, tiny, Clocks.SYSTEM, metrics);
        PolicyDecisionPoint crowded = pdp(small, tiny);
        source.put(tenant(ACME, 1, ALICE)).put(tenant(OTHER, 1, ALICE));
        for (int i = 0; i < 50; i++) {
            crowded.evaluate(mayRead(ACME, ALICE));
            crowded.evaluate(mayRead(OTHER, ALICE));
        }
        for (long revision = 2; revision < 20; revision++) {
            source.put(tenant(ACME, revision, ALICE));
            crowded.refresh(PolicyScope.of(ACME));
            assertThat(crowded.evaluate(mayRead(ACME, ALICE)).revision().value())
                    .isEqualTo(revision);
            crowded.evaluate(mayRead(OTHER, ALICE));
        }
        assertThat(source.loads()).as("of each tenant once").isEqualTo(2);
        assertThat(count("assize.decision.cache.oversized")).isGreaterThanOrEqualTo(2);
    }

    @Test
    void aSignalRenewsWhatIsHeldAndLoadsNothingElse() {
        source.put(tenant(ACME, 1, ALICE));
        watch.start();
        assertThat(ask(ACME).reason()).isEqualTo(Reason.ALLOWED);
        source.put(tenant(ACME, 2)).put(tenant(OTHER, 1, ALICE));

        signals.listener().changed(PolicyScope.of(ACME), new Revision(2), Instant.now());
        signals.listener().changed(PolicyScope.of(OTHER), new Revision(1), Instant.now());

        assertThat(graphs.catchUp(ACME, new Revision(2)).join()).isTrue();
        assertThat(ask(ACME).reason()).isEqualTo(Reason.NO_GRANT);
        assertThat(source.loads()).isEqualTo(1);
        assertThat(registry.get("assize.decision.effect.delay").timer().count()).isLessThanOrEqualTo(1);
        watch.close();
    }

    @Test
    void aSignalOfWhatIsKnownAlreadyReadsNothing() {
        source.put(tenant(ACME, 2, ALICE));
        watch.start();
        ask(ACME);
        signals.listener().changed(PolicyScope.of(ACME), new Revision(2), Instant.now());
        signals.listener().changed(PolicyScope.of(ACME), new Revision(1), Instant.now());
        assertThat(graphs.catchUp(ACME, new Revision(2)).join()).isTrue();
        assertThat(source.updates()).isZero();
        watch.close();
    }

    @Test
    void aSignalMakesACreatedTenantKnownAtOnce() {
        assertThat(ask(ACME).reason()).isEqualTo(Reason.TENANT_UNKNOWN);
        source.put(tenant(ACME, 1, ALICE));
        assertThat(ask(ACME).reason()).as("remembered").isEqualTo(Reason.TENANT_UNKNOWN);
        assertThat(graphs.catchUp(ACME, new Revision(1)).join()).isTrue();
        assertThat(ask(ACME).reason()).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void aSignalThatPrecedesWhatItSpeaksOfDoesNoHarm() {
        source.put(tenant(ACME, 1, ALICE));
        ask(ACME);
        assertThat(graphs.catchUp(ACME, new Revision(9)).join()).isFalse();
        assertThat(ask(ACME).revision().value()).isEqualTo(1);
    }

    @Test
    void aClockTooFarFromTheDatabasesIsNotOnTime() {
        assertThat(watch.isOnTime()).isTrue();
        for (long millis : new long[] {2_001, -2_001}) {
            source.setClock(() -> Instant.now().plusMillis(millis + (millis > 0 ? 1_000 : 0)));
            watch.poll();
            assertThat(watch.isOnTime()).as("%s ms", millis).isFalse();
            assertThat(watch.clockOffset().isNegative()).isEqualTo(millis > 0);
        }
        source.setClock(() -> Instant.now().minusMillis(1_500));
        watch.poll();
        assertThat(watch.isOnTime()).isTrue();
    }

    @Test
    void aSlowAnswerSaysNothingAgainstTheClock() {
        source.setClock(Instant::now);
        Instant begun = Instant.now();
        source.beforeHeads(() -> {
            while (Instant.now().isBefore(begun.plusMillis(2_100))) {
                Thread.onSpinWait();
            }
        });
        watch.poll();
        assertThat(watch.clockOffset()).isZero();
    }

    /** Both in one bin of the map of loads, which is locked while a load is kept. */
    @Test
    void whoIsKnownToBeNoTenantIsAnsweredInPromptWorkWhileALoadIsKept() throws Exception {
        TenantId loading = IntStream.range(0, 1_000)
                .mapToObj(i -> new TenantId("nobody" + i))
                .filter(tenant -> bin(tenant) == bin(OTHER))
                .findFirst()
                .orElseThrow();
        AtomicBoolean slow = new AtomicBoolean();
        CountDownLatch keeping = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        NodeClock clock = new NodeClock(InstantSource.system(), () -> {
            if (slow.get() && isKeeping()) {
                keeping.countDown();
                Uninterruptibles.awaitUninterruptibly(goOn);
            }
            return System.nanoTime();
        });
        GraphCache cache = new GraphCache(source, config, clock, metrics);
        PolicyDecisionPoint knowing = pdp(cache, config);
        assertThat(knowing.evaluate(mayRead(OTHER, ALICE)).reason()).isEqualTo(Reason.TENANT_UNKNOWN);
        slow.set(true);
        CompletableFuture<Void> load =
                CompletableFuture.runAsync(() -> knowing.evaluate(mayRead(loading, ALICE)), Thread::startVirtualThread);
        try {
            keeping.await();
            CompletableFuture<Reason> answer = new CompletableFuture<>();
            Thread.startVirtualThread(() -> Prompt.run(() ->
                    answer.complete(knowing.evaluate(mayRead(OTHER, ALICE)).reason())));
            assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo(Reason.TENANT_UNKNOWN);
        } finally {
            goOn.countDown();
        }
        load.get(20, TimeUnit.SECONDS);
    }

    private static int bin(TenantId tenant) {
        int hash = tenant.hashCode();
        return (hash ^ hash >>> 16) & 15;
    }

    private static boolean isKeeping() {
        return StackWalker.getInstance()
                .walk(frames -> frames.anyMatch(frame -> frame.getMethodName().contains("keep")));
    }

    /** Changers and a poll against readers, with room for a few of the tenants only: whoever changed it sees it. */
    @Test
    void everyChangeIsSeenByWhoMadeItHoweverMuchGoesOn() throws Exception {
        DecisionConfig tight = config(16_000);
        GraphCache few = new GraphCache(source, tight, Clocks.SYSTEM, metrics);
        PolicyDecisionPoint busy = pdp(few, tight);
        PolicyWatch polling = new PolicyWatch(
                few, source, tight, Clocks.SYSTEM, metrics, new FakeSignals(), NodePresenceTest.of(few, metrics));
        List<TenantId> tenants =
                IntStream.range(0, 8).mapToObj(i -> new TenantId("t" + i)).toList();
        source.put(platform(1));
        tenants.forEach(tenant -> source.put(tenant(tenant, 1, ALICE)));
        AtomicBoolean done = new AtomicBoolean();
        AtomicLong platform = new AtomicLong(1);
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (TenantId tenant : tenants) {
            tasks.add(() -> {
                boolean seen = true;
                for (long revision = 2; revision < 150; revision++) {
                    source.put(tenant(tenant, revision, ALICE));
                    busy.refresh(PolicyScope.of(tenant));
                    seen &= busy.evaluate(mayRead(tenant, ALICE)).revision().value() == revision;
                }
                return seen;
            });
        }
        Callable<Boolean> ofThePlatform = () -> {
            boolean seen = true;
            for (long revision = 2; revision < 60; revision++) {
                source.put(platform(revision));
                platform.set(revision);
                busy.refresh(PolicyScope.PLATFORM);
                for (TenantId tenant : tenants) {
                    seen &= busy.evaluate(mayRead(tenant, ALICE))
                                    .platformRevision()
                                    .value()
                            >= revision;
                }
            }
            return seen;
        };
        Callable<Boolean> poller = () -> {
            while (!done.get()) {
                polling.poll();
            }
            return true;
        };
        Callable<Boolean> reader = () -> {
            SplittableRandom random = new SplittableRandom(5);
            long[] seen = new long[tenants.size()];
            boolean rose = true;
            while (!done.get()) {
                int which = random.nextInt(tenants.size());
                long revision = busy.evaluate(mayRead(tenants.get(which), ALICE))
                        .revision()
                        .value();
                rose &= revision >= seen[which];
                seen[which] = revision;
            }
            return rose;
        };
        // Not virtual ones: who never waits would keep the renewals' threads from running.
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<Boolean>> background =
                    List.of(threads.submit(poller), threads.submit(reader), threads.submit(reader));
            List<Future<Boolean>> changers = new ArrayList<>();
            tasks.forEach(task -> changers.add(threads.submit(task)));
            changers.add(threads.submit(ofThePlatform));
            boolean all = true;
            try {
                for (Future<Boolean> each : changers) {
                    all &= each.get();
                }
            } finally {
                done.set(true);
            }
            assertThat(all).as("every change was seen by who made it").isTrue();
            for (Future<Boolean> each : background) {
                assertThat(each.get()).as("nothing went back").isTrue();
            }
        }
    }

    private Answer ask(TenantId tenant) {
        return pdp.evaluate(mayRead(tenant, ALICE));
    }

    private PolicyDecisionPoint pdp(GraphCache over, DecisionConfig bounds) {
        FakeFacts facts = new FakeFacts();
        InstantSource clock = InstantSource.system();
        Moments moments =
                new Moments(over, new PastGraphs(source, over, bounds, clock, metrics), bounds, clock, metrics);
        return new PolicyDecisionPoint(
                over, source, moments, new Decisions(facts, facts, metrics, Evaluator::evaluate), clock, metrics);
    }

    private static DecisionConfig polledEvery(Duration interval) {
        DecisionConfig defaults = DecisionConfig.defaults();
        return new DecisionConfig(
                defaults.cacheBytes(),
                Duration.ofHours(2),
                interval,
                Duration.ofSeconds(20),
                defaults.concurrentLoads(),
                defaults.unknownTenants(),
                defaults.unknownTenantTtl(),
                defaults.pastBytes(),
                defaults.pastGraphs(),
                defaults.concurrentPastLoads());
    }

    private static DecisionConfig config(long cacheBytes) {
        DecisionConfig defaults = DecisionConfig.defaults();
        return new DecisionConfig(
                cacheBytes,
                defaults.freshnessBound(),
                defaults.pollInterval(),
                Duration.ofSeconds(20),
                defaults.concurrentLoads(),
                defaults.unknownTenants(),
                defaults.unknownTenantTtl(),
                defaults.pastBytes(),
                defaults.pastGraphs(),
                defaults.concurrentPastLoads());
    }

    private double count(String name) {
        return registry.get(name).counter().count();
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

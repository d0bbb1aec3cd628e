package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Policy.Eviction;
import com.google.inject.Inject;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.model.Reason;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToDoubleFunction;

/** The meters of the PDP. */
final class DecisionMetrics {

    private final MeterRegistry registry;
    private final Clock clock;

    /** What was decided elsewhere than at desks. */
    private final Map<Reason, LongAdder> checks = new EnumMap<>(Reason.class);

    private final List<DeskTally> tallies = new CopyOnWriteArrayList<>();
    private final Timer duration;
    private final Timer batchDuration;
    private final Counter stale;
    private final Counter unavailable;
    private final Counter engineFailures;
    private final Timer loads;
    private final Counter failedLoads;
    private final Counter failedPolls;
    private final Timer effects;
    private final Counter failedPresences;
    private final Timer updates;
    private final Counter failedUpdates;
    private final Counter oversized;
    private final Timer pastLoads;
    private final Counter refusedPastLoads;
    private final Timer histories;
    private final Counter failedHistories;
    private final Timer approvals;
    private final Counter failedApprovals;
    private final Map<SearchKind, Timer> searches = new EnumMap<>(SearchKind.class);
    private final Counter searched;

    @Inject
    DecisionMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.clock = registry.config().clock();
        for (Reason reason : Reason.values()) {
            checks.put(reason, new LongAdder());
            FunctionCounter.builder("assize.decision.checks", this, it -> it.checks(reason))
                    .description("Decisions, by outcome and reason")
                    .tag("decision", reason.isAllow() ? "allow" : "deny")
                    .tag("reason", reason.name())
                    .register(registry);
        }
        duration = timer(
                "assize.decision.duration",
                "How long a decision took, loading included; of those made on event loops one in "
                        + HeldDesk.TIMED_ONE_IN
                        + " and the first after a millisecond");
        batchDuration = timer("assize.decision.batch.duration", "How long the decisions of a batch took");
        stale = failures("stale");
        unavailable = failures("unavailable");
        engineFailures = failures("engine");
        loads = timer("assize.decision.load.duration", "How long reading and compiling a policy took");
        failedLoads = counter("assize.decision.load.failures", "Policies that could not be read or compiled");
        failedPolls = counter("assize.decision.poll.failures", "Polls of revisions that failed");
        effects = Timer.builder("assize.decision.effect.delay")
                .description(
                        "From just before a change was committed, on whatever node, until this one answers from it")
                .publishPercentiles(0.5, 0.99)
                .register(registry);
        failedPresences = counter("assize.node.presence.failures", "Failures to say that this node is there");
        updates = timer("assize.decision.update.duration", "How long bringing a compiled policy up to date took");
        failedUpdates = counter("assize.decision.update.failures", "Updates in whose place a policy was compiled anew");
        oversized =
                counter("assize.decision.cache.oversized", "Compiled policies above a quarter of the cache's bound");
        pastLoads = timer("assize.decision.past.load.duration", "How long reading and compiling a past policy took");
        refusedPastLoads = counter("assize.decision.past.refused", "Questions about the past refused for their number");
        histories = timer("assize.decision.history.duration", "How long asking the ledger what was done took");
        failedHistories = failures("history");
        approvals = timer("assize.decision.approval.duration", "How long asking for approvals took");
        failedApprovals = failures("approval");
        for (SearchKind kind : SearchKind.values()) {
            searches.put(
                    kind,
                    Timer.builder("assize.decision.search.duration")
                            .description("How long a page of a search took")
                            .tag("kind", kind.name().toLowerCase(Locale.ROOT))
                            .register(registry));
        }
        searched = counter("assize.decision.search.candidates", "Names that searches looked at");
    }

    private double checks(Reason reason) {
        return counter(reason).sum()
                + tallies.stream().mapToLong(desk -> desk.decided(reason)).sum();
    }

    /** By a desk that does not count by itself. */
    void decidedElsewhere(Reason reason, int times) {
        counter(reason).add(times);
    }

    /** How many desks count by themselves. */
    int tallies() {
        return tallies.size();
    }

    /** Where a desk counts; kept for as long as these meters are, as the desks of event loops are. */
    DeskTally tally() {
        DeskTally tally = new DeskTally();
        tallies.add(tally);
        return tally;
    }

    /** What a duration is measured from. */
    long start() {
        return clock.monotonicTime();
    }

    void decided(Answer answer, long start) {
        counter(answer.reason()).increment();
        duration.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    void decided(long nanos) {
        duration.record(nanos, TimeUnit.NANOSECONDS);
    }

    void decidedBatch(long nanos) {
        batchDuration.record(nanos, TimeUnit.NANOSECONDS);
    }

    void decided(List<Answer> answers, long start) {
        answers.forEach(answer -> counter(answer.reason()).increment());
        batchDuration.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    /** A question was refused because the policy held was not confirmed in time. */
    void stale() {
        stale.increment();
    }

    /** A question was refused because no policy could be read. */
    void unavailable() {
        unavailable.increment();
    }

    /** A question was refused because the engine has a bug: to be alerted on. */
    void engineFailed() {
        engineFailures.increment();
    }

    void loaded(long start) {
        loads.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    void loadFailed() {
        failedLoads.increment();
    }

    void pollFailed() {
        failedPolls.increment();
    }

    /** A change that was signalled is answered from. */
    void effective(Duration delay) {
        effects.record(delay.isNegative() ? Duration.ZERO : delay);
    }

    void presenceFailed() {
        failedPresences.increment();
    }

    void updated(long start) {
        updates.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    /** A compiled policy could not be brought up to date, and was compiled anew: to be alerted on. */
    void updateFailed() {
        failedUpdates.increment();
    }

    void oversized() {
        oversized.increment();
    }

    void pastLoaded(long start) {
        pastLoads.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    void pastRefused() {
        refusedPastLoads.increment();
    }

    void historyAsked(long start) {
        histories.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    /** A question was refused because the ledger could not be asked. */
    void historyFailed() {
        failedHistories.increment();
    }

    void approvalsAsked(long start) {
        approvals.record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    /** A question was refused because approvals could not be asked for. */
    void approvalsFailed() {
        failedApprovals.increment();
    }

    /** What a search is for. */
    enum SearchKind {
        SUBJECTS,
        RESOURCES,
        ACTIONS
    }

    void searched(SearchKind kind, int candidates, long start) {
        Objects.requireNonNull(searches.get(kind)).record(clock.monotonicTime() - start, TimeUnit.NANOSECONDS);
        searched.increment(candidates);
    }

    void observePast(Cache<?, ?> graphs) {
        Gauge.builder("assize.decision.past.size", graphs, Cache::estimatedSize)
                .description("Compiled policies of the past held")
                .register(registry);
    }

    void observe(Cache<?, ?> graphs, LongAdder hits, LongAdder misses) {
        Eviction<?, ?> eviction = graphs.policy().eviction().orElseThrow();
        Gauge.builder("assize.decision.cache.size", graphs, Cache::estimatedSize)
                .description("Compiled policies held")
                .register(registry);
        Gauge.builder(
                        "assize.decision.cache.bytes",
                        eviction,
                        bound -> bound.weightedSize().orElse(0))
                .description("Their heap, estimated")
                .baseUnit("bytes")
                .register(registry);
        cacheCounter(
                hits,
                "hits",
                "Questions whose policy was held",
                it -> it.sum() + tallies.stream().mapToLong(DeskTally::hits).sum());
        cacheCounter(misses, "misses", "Questions whose policy was not held", LongAdder::sum);
        cacheCounter(
                graphs,
                "evictions",
                "Policies dropped for want of room",
                cache -> cache.stats().evictionCount());
    }

    /** For as long as the watch lives, which the gauge does not hold. */
    void observe(PolicyWatch watch) {
        Gauge.builder("assize.decision.freshness.age", watch, it -> it.age().toMillis() / 1_000.0)
                .description("Since the last poll that succeeded")
                .baseUnit("seconds")
                .register(registry);
        Gauge.builder("assize.node.clock.offset", watch, it -> it.clockOffset().toMillis() / 1_000.0)
                .description("By how much this node's clock is ahead of the database's at least")
                .baseUnit("seconds")
                .register(registry);
        Gauge.builder("assize.decision.signals.connected", watch, it -> it.isSignalled() ? 1 : 0)
                .description("Whether changes are signalled, and not only found by polling")
                .register(registry);
    }

    private LongAdder counter(Reason reason) {
        return Objects.requireNonNull(checks.get(reason));
    }

    private <C> void cacheCounter(C cache, String what, String description, ToDoubleFunction<C> count) {
        FunctionCounter.builder("assize.decision.cache." + what, cache, count)
                .description(description)
                .register(registry);
    }

    private Counter failures(String cause) {
        return Counter.builder("assize.decision.failures")
                .description("Questions that got no decision, so that whoever asked denies")
                .tag("cause", cause)
                .register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name).description(description).register(registry);
    }
}

package dev.assize.benchmarks;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import dev.assize.benchmarks.NestedMaps.Question;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The whole service, with cache, freshness, clock and Prometheus meters, under requests that are uniform over its
 * tenants: with one tenant everything is warm, with many nearly every request misses the processor's caches.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 2, jvmArgsAppend = "-Xmx3g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class ServiceBenchmark {

    private static final int QUERIES = 1 << 12;
    private static final int BATCH = 100;

    @Param({"1", "200"})
    public int tenants;

    private DecisionService service;
    private Map<TenantId, NestedMaps> maps;
    private CheckQuery[] queries;
    private Question[] questions;
    private List<List<CheckQuery>> batches;

    /** Each thread's place among the queries. */
    @State(Scope.Thread)
    public static class Cursor {
        private int next = Math.toIntExact(Thread.currentThread().threadId()) * 7_919;

        private int next() {
            return next++ & QUERIES - 1;
        }
    }

    @Setup
    public void load() {
        Map<TenantId, PolicySet> policies = new HashMap<>();
        maps = new HashMap<>();
        for (int tenant = 0; tenant < tenants; tenant++) {
            PolicySet policy = DecisionWorld.tenant(tenant);
            policies.put(DecisionWorld.tenantId(tenant), policy);
            maps.put(DecisionWorld.tenantId(tenant), new NestedMaps(policy));
        }
        service = service(policies);
        SplittableRandom random = new SplittableRandom(11);
        queries = Stream.generate(() -> DecisionWorld.random(random, random.nextInt(tenants)))
                .limit(QUERIES)
                .toArray(CheckQuery[]::new);
        batches = IntStream.range(0, tenants)
                .mapToObj(tenant -> Stream.generate(() -> DecisionWorld.random(random, tenant))
                        .limit(BATCH)
                        .toList())
                .toList();
        questions = Stream.of(queries).map(Question::of).toArray(Question[]::new);
        for (int i = 0; i < queries.length; i++) {
            if (service.evaluate(queries[i]).reason() != nestedMaps(i)) {
                throw new AssertionError(queries[i]);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void service(Cursor cursor, Blackhole results) {
        for (int i = 0; i < BATCH; i++) {
            results.consume(service.evaluate(queries[cursor.next()]));
        }
    }

    @Benchmark
    @Threads(2)
    @OperationsPerInvocation(BATCH)
    public void serviceTwoThreads(Cursor cursor, Blackhole results) {
        service(cursor, results);
    }

    /** As CheckBatch asks: one tenant, one look-up, one clock reading, one graph. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public List<Answer> serviceBatch(Cursor cursor) {
        int tenant = (cursor.next() & Integer.MAX_VALUE) % tenants;
        return service.evaluateAll(DecisionWorld.tenantId(tenant), batches.get(tenant));
    }

    /** Without cache bound, freshness and meters. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void nestedMaps(Cursor cursor, Blackhole results) {
        for (int i = 0; i < BATCH; i++) {
            results.consume(nestedMaps(cursor.next()));
        }
    }

    private Reason nestedMaps(int index) {
        return Objects.requireNonNull(maps.get(queries[index].tenant()))
                .check(questions[index], InstantSource.system().instant());
    }

    /** Wired as the server is, over policies that are there already. */
    public static DecisionService service(Map<TenantId, PolicySet> policies) {
        return service(policies, InstantSource.system());
    }

    static DecisionService service(Map<TenantId, PolicySet> policies, InstantSource clock) {
        DecisionConfig defaults = DecisionConfig.defaults();
        DecisionConfig neverStale = new DecisionConfig(
                2L << 30,
                Duration.ofDays(1),
                defaults.pollInterval(),
                Duration.ofMinutes(1),
                8,
                10,
                Duration.ZERO,
                defaults.pastBytes(),
                defaults.pastGraphs(),
                defaults.concurrentPastLoads());
        return Guice.createInjector(new DecisionModule(), new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(PolicySource.class).toInstance(new HeldInMemory(policies));
                        bind(DecisionConfig.class).toInstance(neverStale);
                        bind(InstantSource.class).toInstance(clock);
                        bind(Ticker.class).toInstance(Ticker.systemTicker());
                        bind(MeterRegistry.class).toInstance(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
                    }
                })
                .getInstance(DecisionService.class);
    }

    private record HeldInMemory(Map<TenantId, PolicySet> policies) implements PolicySource {

        @Override
        public Optional<PolicySnapshot> load(TenantId tenant) {
            return Optional.ofNullable(policies.get(tenant))
                    .map(policy -> new PolicySnapshot(policy, DecisionWorld.platform()));
        }

        @Override
        public Optional<PolicyUpdate> update(PolicySnapshot known) {
            throw new UnsupportedOperationException("nothing changes here");
        }

        @Override
        public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
            throw new UnsupportedOperationException("nothing is past here");
        }

        @Override
        public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
            throw new UnsupportedOperationException("nothing polls here");
        }
    }
}

package dev.assize.benchmarks;

import static dev.assize.benchmarks.DecisionWorld.action;
import static dev.assize.benchmarks.DecisionWorld.query;
import static dev.assize.benchmarks.DecisionWorld.service;
import static java.util.stream.Collectors.groupingBy;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.assize.benchmarks.NestedMaps.Question;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.Desk;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * From the bytes of a request to its answer at the desk of the whole service: the message is read, its tenant found in the
 * cache, its policy's freshness told by the clocks, its names compared, its grants judged, and the answer counted. Beside
 * it nested maps, of which the generated code of the message makes strings first, or which are given them. With one tenant and few requests everything is warm; with 1,000 tenants of
 * 1,000 bindings and 65,536 requests nearly everything is not.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 2, jvmArgsAppend = "-Xmx4g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class DeskBenchmark {

    /** What is asked. */
    public enum World {
        ALLOW,
        DENY,
        NO_GRANT,
        GROUP,
        SCOPED,
        TIMED,
        /** 2,048 random requests of one tenant. */
        HOT,
        /** 2,048 random requests of 1,000 tenants. */
        HOT_OF_MANY,
        /** 65,536 random requests of 1,000 tenants. */
        COLD;

        private int tenants() {
            return this == HOT_OF_MANY || this == COLD ? 1_000 : 1;
        }

        private CheckQuery[] queries() {
            SplittableRandom random = new SplittableRandom(7);
            return switch (this) {
                case ALLOW -> same("direct", "type0:a");
                case DENY -> same("denied", "type0:a");
                case NO_GRANT ->
                    Stream.of(query(0, service("direct"), "type1:a", action(1), "production"))
                            .toArray(CheckQuery[]::new);
                case GROUP -> same("of-group", "type0:a");
                case SCOPED -> same("scoped", "type1:b/type0:a");
                case TIMED -> same("timed", "type0:a");
                case HOT, HOT_OF_MANY, COLD ->
                    Stream.generate(() -> DecisionWorld.random(random, random.nextInt(tenants())))
                            .limit(this == COLD ? 1 << 16 : 1 << 11)
                            .toArray(CheckQuery[]::new);
            };
        }

        private static CheckQuery[] same(String service, String resource) {
            return new CheckQuery[] {query(0, service(service), resource, action(0), "production")};
        }
    }

    private static final int RUN = 256;
    private static final int BATCH = 100;

    @Param
    public World world;

    private Map<String, NestedMaps> maps;
    private CheckQuery[] queries;
    private Question[] questions;
    private byte[][] messages;
    private byte[][][] batches;
    private Desk desk;
    private final CheckBytes names = new CheckBytes();
    private Instant now;
    private int next;

    @Setup
    public void load() {
        Map<TenantId, PolicySet> policies = new HashMap<>();
        maps = new HashMap<>();
        for (int tenant = 0; tenant < world.tenants(); tenant++) {
            PolicySet policy = DecisionWorld.tenant(tenant);
            policies.put(DecisionWorld.tenantId(tenant), policy);
            maps.put(DecisionWorld.tenantId(tenant).value(), new NestedMaps(policy));
        }
        now = DecisionWorld.NOW;
        DecisionService service = ServiceBenchmark.service(policies, () -> now);
        desk = service.desk();
        queries = world.queries();
        questions = Stream.of(queries).map(Question::of).toArray(Question[]::new);
        messages = Stream.of(queries).map(RequestMessage::of).toArray(byte[][]::new);
        batches = Stream.of(queries).collect(groupingBy(CheckQuery::tenant)).values().stream()
                .map(DeskBenchmark::batch)
                .toArray(byte[][][]::new);
        for (int i = 0; i < queries.length; i++) {
            Reason expected = service.evaluate(queries[i]).reason();
            if (nestedMaps(i) != expected || nestedMapsGivenStrings(i) != expected || desk(i) != expected) {
                throw new AssertionError(queries[i] + ": " + expected);
            }
        }
        // The desk of a server has outlived collections, and what an old object refers to the collector charges more
        // for.
        System.gc();
    }

    private static byte[][] batch(List<CheckQuery> ofTenant) {
        return IntStream.range(0, BATCH)
                .mapToObj(i -> RequestMessage.of(ofTenant.get(i % ofTenant.size())))
                .toArray(byte[][]::new);
    }

    @Benchmark
    @OperationsPerInvocation(RUN)
    public int desk() {
        int allowed = 0;
        for (int i = 0; i < RUN; i++) {
            allowed += desk(next()).isAllow() ? 1 : 0;
        }
        return allowed;
    }

    /** As a batch asks: the tenant is found once, and the clocks are read once. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int batch() {
        int allowed = 0;
        byte[][] batch = batches[next() % batches.length];
        RequestMessage.read(batch[0], names);
        require(desk.open(names));
        for (byte[] message : batch) {
            RequestMessage.read(message, names);
            require(desk.decide(names));
            allowed += desk.reason().isAllow() ? 1 : 0;
        }
        desk.close();
        return allowed;
    }

    /** From the same bytes as the desk. */
    @Benchmark
    @OperationsPerInvocation(RUN)
    public int nestedMaps() {
        int allowed = 0;
        for (int i = 0; i < RUN; i++) {
            allowed += nestedMaps(next()).isAllow() ? 1 : 0;
        }
        return allowed;
    }

    @Benchmark
    @OperationsPerInvocation(RUN)
    public int nestedMapsGivenStrings() {
        int allowed = 0;
        for (int i = 0; i < RUN; i++) {
            allowed += nestedMapsGivenStrings(next()).isAllow() ? 1 : 0;
        }
        return allowed;
    }

    private int next() {
        next = next + 1 < queries.length ? next + 1 : 0;
        return next;
    }

    private Reason desk(int index) {
        RequestMessage.read(messages[index], names);
        require(desk.open(names) && desk.decide(names));
        Reason reason = desk.reason();
        desk.close();
        return reason;
    }

    private Reason nestedMaps(int index) {
        try {
            CheckRequest request = CheckRequest.parseFrom(messages[index]);
            return Objects.requireNonNull(maps.get(request.getTenant())).check(Question.of(request), now);
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    private Reason nestedMapsGivenStrings(int index) {
        return Objects.requireNonNull(maps.get(queries[index].tenant().value())).check(questions[index], now);
    }

    private static void require(boolean decided) {
        if (!decided) {
            throw new AssertionError("not ready");
        }
    }
}

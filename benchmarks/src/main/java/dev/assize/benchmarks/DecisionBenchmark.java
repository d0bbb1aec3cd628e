package dev.assize.benchmarks;

import static dev.assize.benchmarks.DecisionWorld.action;
import static dev.assize.benchmarks.DecisionWorld.query;
import static dev.assize.benchmarks.DecisionWorld.service;

import dev.assize.benchmarks.NestedMaps.Question;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.PolicySet;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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
import org.openjdk.jmh.infra.Blackhole;

/**
 * One tenant's graph, one kind of request at a time, beside nested maps that answer the same. Each sample is a run over
 * all requests, long enough for the timer and short enough to lie between two interruptions: the median stands on a
 * busy machine, the mean does not.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class DecisionBenchmark {

    /** What is asked; the mixed requests are random ones of users with five bindings. */
    public enum Request {
        ALLOW(Reason.ALLOWED),
        DENY(Reason.EXPLICIT_DENY),
        NO_GRANT(Reason.NO_GRANT),
        SUBJECT_UNKNOWN(Reason.NO_GRANT),
        ACTION_UNKNOWN(Reason.ACTION_UNKNOWN),
        GROUP(Reason.ALLOWED),
        SCOPED(Reason.ALLOWED),
        OUT_OF_SCOPE(Reason.OUT_OF_SCOPE),
        TIMED(Reason.ALLOWED),
        MIXED(null);

        /** Null where requests differ. */
        private final @Nullable Reason expected;

        Request(@Nullable Reason expected) {
            this.expected = expected;
        }

        private CheckQuery[] queries() {
            return switch (this) {
                case ALLOW -> same("direct", "type0:a");
                case DENY -> same("denied", "type0:a");
                case NO_GRANT -> repeated(query(0, service("direct"), "type1:a", action(1), "production"));
                case SUBJECT_UNKNOWN -> same("nobody", "type0:a");
                case ACTION_UNKNOWN -> repeated(query(0, service("direct"), "type0:a", action(99), "production"));
                case GROUP -> same("of-group", "type0:a");
                case SCOPED -> same("scoped", "type1:b/type0:a");
                case OUT_OF_SCOPE -> same("scoped", "type1:bb/type0:a");
                case TIMED -> same("timed", "type0:a");
                case MIXED -> {
                    SplittableRandom random = new SplittableRandom(7);
                    yield Stream.generate(() -> DecisionWorld.random(random, 0))
                            .limit(QUERIES)
                            .toArray(CheckQuery[]::new);
                }
            };
        }

        private static CheckQuery[] same(String service, String resource) {
            return repeated(query(0, service(service), resource, action(0), "production"));
        }

        private static CheckQuery[] repeated(CheckQuery query) {
            return Stream.generate(() -> query).limit(QUERIES).toArray(CheckQuery[]::new);
        }
    }

    private static final int QUERIES = 256;

    @Param
    public Request request;

    private DecisionGraph graph;
    private NestedMaps maps;
    private CheckQuery[] queries;
    private Question[] questions;

    @Setup
    public void compile() {
        PolicySet tenant = DecisionWorld.tenant(0);
        graph = GraphCompiler.compile(tenant, DecisionWorld.platform());
        maps = new NestedMaps(tenant);
        queries = request.queries();
        questions = Stream.of(queries).map(Question::of).toArray(Question[]::new);
        for (int i = 0; i < queries.length; i++) {
            CheckQuery query = queries[i];
            Reason answered =
                    Evaluator.evaluate(graph, query, DecisionWorld.NOW).answer().reason();
            Reason expected = request.expected == null ? answered : request.expected;
            Reason ofMaps = maps.check(questions[i], DecisionWorld.NOW);
            if (answered != expected || ofMaps != expected) {
                throw new AssertionError(query + ": " + answered + ", " + ofMaps);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(QUERIES)
    public void graph(Blackhole results) {
        for (CheckQuery query : queries) {
            results.consume(Evaluator.evaluate(graph, query, DecisionWorld.NOW));
        }
    }

    @Benchmark
    @OperationsPerInvocation(QUERIES)
    public void nestedMaps(Blackhole results) {
        for (Question question : questions) {
            results.consume(maps.check(question, DecisionWorld.NOW));
        }
    }
}

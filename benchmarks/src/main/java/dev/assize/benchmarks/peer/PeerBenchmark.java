package dev.assize.benchmarks.peer;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One decision of each engine about the same model, from a question in the engine's own form (ours, and that of the
 * maps and of cached jCasbin: the bytes of the request's message) to allow or deny. Before it
 * is timed, every engine answers 10,000 questions as the model does. An index is compared with general engines here, and
 * with a map written for this one purpose.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "-Xmx4g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 10, time = 200, timeUnit = TimeUnit.MILLISECONDS)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class PeerBenchmark {

    /** Of uniform access, so many that they do not fit the processor's caches with what they touch. */
    private static final int UNIFORM_QUESTIONS = 1 << 16;

    /** Fewer where who starts the run asserted all of them before. */
    private static final int ASSERTED = Integer.getInteger("assize.peers.asserted", Peers.ASSERTED_QUESTIONS);

    /** Which questions are asked. */
    public enum Access {
        HOT,
        UNIFORM
    }

    @Param({
        "assize",
        "assize-objects",
        "assize-graph",
        "nested-maps",
        "nested-maps-given-strings",
        "jcasbin",
        "jcasbin-cached",
        "jcasbin-cached-from-bytes",
        "cedar-java",
        "authzforce"
    })
    public String engine;

    /** As {@link RoleModel#named} takes it. */
    @Param("one-tenant")
    public String model;

    @Param("HOT")
    public Access access;

    private IntPredicate asked;
    private int mask;
    private int next;

    @Setup
    public void open() throws Exception {
        RoleModel roles = RoleModel.named(model);
        Peer peer = Peers.open(engine, roles);
        Peers.requireEqualAnswers(engine, peer, roles, roles.hot(ASSERTED));
        List<Question> questions =
                access == Access.HOT ? roles.hot(RoleModel.HOT_QUESTIONS) : roles.uniform(UNIFORM_QUESTIONS);
        asked = peer.asked(questions);
        mask = questions.size() - 1;
    }

    @Benchmark
    public boolean decide() {
        return asked.test(next++ & mask);
    }
}

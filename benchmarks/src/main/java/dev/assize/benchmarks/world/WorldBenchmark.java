package dev.assize.benchmarks.world;

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

/** One decision about a world that people know; every question that is timed was answered as plain code does. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "-Xmx2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 10, time = 200, timeUnit = TimeUnit.MILLISECONDS)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class WorldBenchmark {

    private static final int QUESTIONS = 512;

    @Param({"assize", "cedar-java"})
    public String engine;

    /** As {@link World#named} takes it. */
    @Param({"gdrive-5", "gdrive-50", "github-5", "github-50", "tinytodo-5", "tinytodo-50"})
    public String model;

    private IntPredicate asked;
    private int next;

    @Setup
    public void open() throws Exception {
        World world = World.named(model, QUESTIONS);
        WorldEngines.requireEqualAnswers(engine, world);
        asked = WorldEngines.open(engine, world);
    }

    @Benchmark
    public boolean decide() {
        return asked.test(next++ & QUESTIONS - 1);
    }
}

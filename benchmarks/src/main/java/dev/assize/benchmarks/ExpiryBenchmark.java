package dev.assize.benchmarks;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
 * What it takes to find what is kept, by how it ends: never, a time after it was written (as keys that were verified), a
 * time after it was read, or at a time of its own. All are bounded in number.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class ExpiryBenchmark {

    private static final int KEPT = 1 << 10;
    private static final Duration LONG = Duration.ofHours(1);

    @Param({"NEVER", "AFTER_WRITE", "AFTER_ACCESS", "OF_ITS_OWN"})
    public Ends ends;

    private Cache<String, Integer> cache;
    private String[] keys;
    private int next;

    @Setup
    public void fill() {
        Caffeine<Object, Object> bounded =
                Caffeine.newBuilder().maximumSize(2L * KEPT).executor(Runnable::run);
        cache = switch (ends) {
            case NEVER -> bounded.build();
            case AFTER_WRITE -> bounded.expireAfterWrite(LONG).build();
            case AFTER_ACCESS -> bounded.expireAfterAccess(LONG).build();
            case OF_ITS_OWN ->
                bounded.expireAfter(Expiry.writing((_, _) -> LONG)).build();
        };
        keys = new String[KEPT];
        for (int i = 0; i < KEPT; i++) {
            keys[i] = String.format(Locale.ROOT, "tenant-%d", i);
            cache.put(keys[i], i);
        }
    }

    @Benchmark
    public @Nullable Integer found() {
        next = next + 1 & KEPT - 1;
        return cache.getIfPresent(keys[next]);
    }

    /** How an entry ends. */
    public enum Ends {
        NEVER,
        AFTER_WRITE,
        AFTER_ACCESS,
        OF_ITS_OWN
    }
}

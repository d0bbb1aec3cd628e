package dev.assize.benchmarks;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.recording.PackingRecorder;
import dev.assize.server.recording.RecordingConfig;
import dev.assize.server.recording.RecordingModule;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs a check that its decision goes on record, in process, on one tenant and PostgreSQL on the same machine.
 *
 * <p>{@code handedOver20000} is a burst that fits the queue and measures what the caller pays: encoding and queueing.
 * {@code after} never lets up: the queue is full, so it measures how fast records are written. {@code before} waits for
 * each.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 3)
@Fork(1)
public class DecisionLogBenchmark {

    /** A service with one tenant, and a recorder over a database. */
    @State(Scope.Benchmark)
    public static class Server {

        private static final TenantId TENANT = DecisionWorld.tenantId(0);
        private static final int QUERIES = 1 << 12;

        private final AtomicLong ids = new AtomicLong();
        private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
        private Path home;
        private Database database;
        private PackingRecorder recorder;
        private DecisionService service;
        private CheckQuery[] queries;

        @Setup
        public void start() throws IOException {
            home = Files.createTempDirectory("assize-bench");
            Injector injector = Guice.createInjector(new StorageModule(), new RecordingModule(), new AbstractModule() {
                @Override
                protected void configure() {
                    bind(StorageConfig.class).toInstance(StorageConfig.defaults(home));
                    bind(RecordingConfig.class).toInstance(RecordingConfig.defaults());
                    bind(HeadGuard.class).toInstance((tenant, head) -> {});
                    bind(MeterRegistry.class).toInstance(meters);
                    bind(InstantSource.class).toInstance(InstantSource.system());
                    bind(AuditCodec.class).toInstance(new AuditCodec());
                }
            });
            database = injector.getInstance(Database.class);
            database.start();
            recorder = injector.getInstance(PackingRecorder.class);
            service = ServiceBenchmark.service(Map.of(TENANT, DecisionWorld.tenant(0)));
            SplittableRandom random = new SplittableRandom(11);
            queries = Stream.generate(() -> DecisionWorld.random(random, 0))
                    .limit(QUERIES)
                    .toArray(CheckQuery[]::new);
        }

        /** Nothing that is measured waits for what came before. */
        @Setup(Level.Iteration)
        public void drain() {
            while (meters.get("assize.decisionlog.pending").gauge().value() > 0) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        }

        @TearDown
        public void stop() throws IOException {
            recorder.close();
            database.close();
            try (Stream<Path> files = Files.walk(home)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }

        Answer check() {
            return service.evaluate(query());
        }

        Answer recorded(Acknowledge acknowledge) {
            CheckQuery query = query();
            Answer answer = service.evaluate(query);
            Instant now = Instant.now();
            List<DecisionMade> made = List.of(new DecisionMade(id(now), now, Recorder.ASSIZE, query, answer, null));
            while (true) {
                try {
                    recorder.record(TENANT, acknowledge, made).join();
                    return answer;
                } catch (RecorderBusyException full) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
            }
        }

        /** Begins with its time, as those of a server do, by which it is found. */
        private String id(Instant now) {
            HexFormat hex = HexFormat.of();
            return hex.toHexDigits(now.toEpochMilli(), 12) + hex.toHexDigits(ids.get()) + "0000";
        }

        private CheckQuery query() {
            return queries[(int) ids.getAndIncrement() & QUERIES - 1];
        }
    }

    @Benchmark
    @Threads(64)
    public Answer none(Server server) {
        return server.check();
    }

    @Benchmark
    @Threads(64)
    public Answer after(Server server) {
        return server.recorded(Acknowledge.AFTER);
    }

    @Benchmark
    @Threads(64)
    public Answer before(Server server) {
        return server.recorded(Acknowledge.BEFORE);
    }

    @Benchmark
    @Threads(1)
    public Answer beforeOneCaller(Server server) {
        return server.recorded(Acknowledge.BEFORE);
    }

    /** As many checks as fit the queue, and then the queue empty again: only the checks are measured. */
    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @OutputTimeUnit(TimeUnit.MILLISECONDS)
    @Warmup(iterations = 10)
    @Measurement(iterations = 10)
    @Threads(1)
    public void handedOver20000(Server server) {
        for (int i = 0; i < 20_000; i++) {
            server.recorded(Acknowledge.AFTER);
        }
    }

    /** The same number of checks without a record. */
    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @OutputTimeUnit(TimeUnit.MILLISECONDS)
    @Warmup(iterations = 10)
    @Measurement(iterations = 10)
    @Threads(1)
    public void none20000(Server server) {
        for (int i = 0; i < 20_000; i++) {
            server.check();
        }
    }
}

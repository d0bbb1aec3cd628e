package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many writers, two nodes, and a PostgreSQL that is killed: nothing acknowledged is lost or doubled. */
@Timeout(240)
class LedgerUnderFireTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final int THREADS = 8;

    @TempDir(factory = InMemory.class)
    Path directory;

    @Test
    void twoNodesAppendWithoutForkOrGap() throws Exception {
        int appendsPerThread = 25;
        try (TestDatabase database = TestDatabase.fresh()) {
            List<Database> nodes = new ArrayList<>();
            try {
                // The first start migrates; both at once, they take turns.
                inParallel(2, i -> {
                    Database node = database.open(InstantSource.system());
                    synchronized (nodes) {
                        nodes.add(node);
                    }
                });
                Map<String, Long> acknowledged = new ConcurrentHashMap<>();
                inParallel(2 * THREADS, thread -> {
                    LedgerStore store = store(nodes.get(thread % 2));
                    for (int i = 0; i < appendsPerThread; i++) {
                        String key = thread + "." + i;
                        acknowledged.put(key, untilAcknowledged(store, key));
                    }
                });
                assertThat(acknowledged.values())
                        .containsExactlyInAnyOrderElementsOf(LongStream.range(0, 2L * THREADS * appendsPerThread)
                                .boxed()
                                .toList());
                assertThat(positions(store(nodes.getFirst()))).isEqualTo(acknowledged);
                assertSound(store(nodes.getLast()));
            } finally {
                nodes.forEach(Database::close);
            }
        }
    }

    @Test
    void aHundredRetriesOfOneKeyMakeOneEntry() throws Exception {
        try (TestDatabase database = TestDatabase.migrated();
                Database first = database.open(InstantSource.system());
                Database second = database.open(InstantSource.system())) {
            Map<Receipt, Boolean> receipts = new ConcurrentHashMap<>();
            inParallel(100, i -> receipts.put(untilReceived(store(i % 2 == 0 ? first : second), "once"), true));
            assertThat(receipts).hasSize(1);
            assertThat(positions(store(first))).isEqualTo(Map.of("once", 0L));
        }
    }

    @Test
    void losesAndDoublesNothingWhenPostgresIsKilled() throws Exception {
        int kills = 3;
        Map<String, Long> acknowledged = new ConcurrentHashMap<>();
        StorageConfig config = StorageConfig.of(new Location.Embedded(directory));
        try (Database database = new Database(config, InstantSource.system())) {
            database.start();
            LedgerStore store = store(database);
            AtomicBoolean killing = new AtomicBoolean(true);
            try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> writers = new ArrayList<>();
                for (int thread = 0; thread < THREADS; thread++) {
                    int writer = thread;
                    writers.add(executor.submit(() -> {
                        for (int i = 0; killing.get(); i++) {
                            String key = writer + "." + i;
                            acknowledged.put(key, untilAcknowledged(store, key));
                        }
                    }));
                }
                try {
                    for (int kill = 0; kill < kills; kill++) {
                        awaitMore(acknowledged, writers);
                        killServer(kill % 2 == 0);
                    }
                    awaitMore(acknowledged, writers);
                } finally {
                    killing.set(false);
                }
                for (Future<?> writer : writers) {
                    writer.get();
                }
            }
            assertThat(positions(store)).isEqualTo(acknowledged);
            assertSound(store);
        }
        try (Database database = new Database(config, InstantSource.system())) {
            database.start();
            assertThat(positions(store(database))).isEqualTo(acknowledged);
            assertSound(store(database));
        }
    }

    /** Waits for more acknowledged entries; a writer that has ended before its time has failed. */
    private static void awaitMore(Map<String, Long> acknowledged, List<Future<?>> writers) throws Exception {
        int goal = acknowledged.size() + 20;
        await(() -> acknowledged.size() >= goal || writers.stream().anyMatch(Future::isDone));
        for (Future<?> writer : writers) {
            if (writer.isDone()) {
                writer.get();
            }
        }
    }

    /** The postmaster itself, or one of those that serve, which takes the others down with it. */
    private void killServer(boolean postmaster) throws Exception {
        await(() -> runningServer().isPresent());
        ProcessHandle server = runningServer().orElseThrow();
        ProcessHandle victim = postmaster
                ? server
                : server.children()
                        .max(Comparator.comparingLong(ProcessHandle::pid))
                        .orElseThrow();
        victim.destroyForcibly();
        await(() -> !victim.isAlive());
    }

    /** With its children; a while after a kill there is none. */
    private Optional<ProcessHandle> runningServer() {
        try {
            String pid = Files.readAllLines(directory.resolve("postgres/data/postmaster.pid"))
                    .getFirst();
            return ProcessHandle.of(Long.parseLong(pid.strip()))
                    .filter(server -> server.children().count() > 0);
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private static long untilAcknowledged(LedgerStore store, String key) {
        return untilReceived(store, key).seq();
    }

    /** The head is waited for no longer than a statement may take, which writers enough on a slow machine meet. */
    private static Receipt untilReceived(LedgerStore store, String key) {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        while (true) {
            try {
                return appendOne(store, key);
            } catch (StoreUnavailableException e) {
                assertThat(System.nanoTime()).as(e.getMessage()).isLessThan(deadline);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
        }
    }

    private static Receipt appendOne(LedgerStore store, String key) {
        byte[] body = new FrameBody()
                .text(17, "user:alice")
                .text(21, "append")
                .text(22, "ledger")
                .text(23, "default")
                .u8(24, 1)
                .text(28, key)
                .toBytes();
        AppendCommand command = new AppendCommand(
                Recorder.ASSIZE,
                List.of(new EntryDraft(Recorder.ASSIZE, "test.fire", body)),
                new Idempotency(key, Digest.sha256(key.getBytes(UTF_8))));
        return switch (store.append(TENANT, List.of(command)).getFirst()) {
            case AppendResult.Appended(List<Receipt> receipts) -> receipts.getFirst();
            case AppendResult.Replayed(List<Receipt> receipts) -> receipts.getFirst();
            case AppendResult.KeyReused(String reused) -> throw new AssertionError("reused " + reused);
            case AppendResult.Refused() -> throw new AssertionError("refused");
        };
    }

    /** Where each key's entry stands; a key that stands twice fails. */
    private static Map<String, Long> positions(LedgerStore store) {
        Map<String, Long> positions = new HashMap<>();
        store.scan(TENANT, 0, Long.MAX_VALUE, entry -> {
            String key = FrameFields.read(entry.frame()).requiredText(28);
            assertThat(positions.put(key, entry.seq())).as(key).isNull();
            return true;
        });
        return positions;
    }

    private static void assertSound(LedgerStore store) {
        Verification verification = new ChainVerifier(
                        store, new AuditCodec(), new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(TENANT, 0, null, (verified, total) -> {});
        assertThat(verification).isInstanceOf(Verification.Sound.class);
    }

    private static LedgerStore store(Database database) {
        InstantSource clock = InstantSource.system();
        return new PostgresLedgerStore(database, new LedgerWriter(database, new AuditCodec(), (_, _) -> {}, clock));
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    private static void inParallel(int count, IntConsumer work) throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> futures = new ArrayList<>();
            IntStream.range(0, count).forEach(i -> futures.add(executor.submit(() -> work.accept(i))));
            for (Future<?> future : futures) {
                future.get();
            }
        }
    }
}

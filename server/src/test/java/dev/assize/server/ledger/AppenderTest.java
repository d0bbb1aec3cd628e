package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AppenderTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final LedgerMetrics metrics = new LedgerMetrics(meters);
    private final GatedStore store = new GatedStore();
    private Appender appender = appender(LedgerConfig.defaults());

    @AfterEach
    void stop() {
        store.gate.countDown();
        appender.close();
    }

    @Test
    void refusesWhenATenantsQueueIsFull() {
        appender = appender(config(500, 1_000));
        store.shut();
        CompletableFuture<AppendResult> writing = appender.append(ACME, command(250));
        CompletableFuture<AppendResult> queued = appender.append(ACME, command(250));
        assertThatThrownBy(() -> appender.append(ACME, command(1)).get())
                .cause()
                .isInstanceOfSatisfying(
                        LedgerBusyException.class,
                        e -> assertThat(e.retryAfter()).isEqualTo(Duration.ofMillis(250)));
        CompletableFuture<AppendResult> other = appender.append(OTHER, command(1));
        store.gate.countDown();
        assertThat(receipts(writing)).hasSize(250);
        assertThat(receipts(queued)).hasSize(250);
        assertThat(receipts(other)).hasSize(1);
        assertThat(store.size(ACME)).isEqualTo(500);
        assertThat(counted("refused")).isEqualTo(1);
    }

    @Test
    void refusesWhenAllQueuesTogetherAreFull() {
        appender = appender(config(500, 600));
        store.shut();
        CompletableFuture<AppendResult> pending = appender.append(ACME, command(500));
        assertThat(failure(appender.append(OTHER, command(101)))).isInstanceOf(LedgerBusyException.class);
        assertThat(appender.append(OTHER, command(100))).isNotCompletedExceptionally();
        assertThat(pending).isNotDone();
    }

    @Test
    void refusesWhenPendingBytesAreTooMany() {
        appender = appender(LedgerConfig.defaults());
        store.shut();
        byte[] body = body("x".repeat(60_000));
        EntryDraft draft = new EntryDraft(Recorder.ASSIZE, "t", body);
        AppendCommand large = new AppendCommand(Recorder.ASSIZE, Collections.nCopies(500, draft), null);
        List<CompletableFuture<AppendResult>> pending =
                List.of(appender.append(ACME, large), appender.append(ACME, large));
        assertThat(failure(appender.append(OTHER, large))).isInstanceOf(LedgerBusyException.class);
        assertThat(pending).noneMatch(CompletableFuture::isDone);
    }

    @Test
    void takesNewCommandsOnceTheQueueHasDrained() {
        appender = appender(config(500, 500));
        for (int i = 0; i < 20; i++) {
            assertThat(receipts(appender.append(ACME, command(500)))).hasSize(500);
            awaitNothingPending();
        }
    }

    @Test
    void doesNotLetOneBadCommandTakeTheOthersDown() {
        store.shut();
        CompletableFuture<AppendResult> writing = appender.append(ACME, command(1));
        CompletableFuture<AppendResult> before = appender.append(ACME, command(2));
        CompletableFuture<AppendResult> bad = appender.append(
                ACME, new AppendCommand(Recorder.ASSIZE, List.of(draft("x".repeat(Frame.MAX_BYTES))), null));
        CompletableFuture<AppendResult> after = appender.append(ACME, command(3));
        store.gate.countDown();
        assertThat(receipts(writing)).hasSize(1);
        assertThat(receipts(before)).hasSize(2);
        assertThat(failure(bad)).isInstanceOf(FrameTooLargeException.class);
        assertThat(receipts(after)).extracting(Receipt::seq).containsExactly(3L, 4L, 5L);
        assertThat(counted("failed")).isEqualTo(1);
    }

    @Test
    void writesWhatHasAPreconditionAlone() {
        store.shut();
        List<CompletableFuture<AppendResult>> futures = List.of(
                appender.append(ACME, command(1)),
                appender.append(ACME, command(1)),
                appender.append(ACME, conditional(() -> true)),
                appender.append(ACME, conditional(() -> false)),
                appender.append(ACME, command(1)),
                appender.append(ACME, command(1)));
        store.gate.countDown();
        futures.forEach(CompletableFuture::join);
        assertThat(futures.get(3).join()).isEqualTo(new AppendResult.Refused());
        assertThat(store.batches).endsWith(1, 1, 2).hasSizeBetween(4, 5);
        assertThat(counted("declined")).isEqualTo(1);
    }

    @Test
    void failsWithWhatThePreconditionThrewAndGoesOn() {
        IllegalStateException cause = new IllegalStateException("no answer");
        assertThat(failure(appender.append(ACME, conditional(() -> {
                    throw cause;
                }))))
                .isSameAs(cause);
        assertThat(failure(appender.append(ACME, conditional(() -> {
                    throw new StackOverflowError();
                }))))
                .isInstanceOf(LedgerUnavailableException.class);
        assertThat(receipts(appender.append(ACME, command(1))))
                .extracting(Receipt::seq)
                .containsExactly(0L);
    }

    @Test
    void failsTheBatchWhenTheStoreFailsAndGoesOn() {
        store.failures.addAll(
                List.of(new IllegalStateException("no database"), new IllegalStateException("still not")));
        for (int i = 0; i < 2; i++) {
            assertThat(failure(appender.append(ACME, command(1))))
                    .isInstanceOf(LedgerUnavailableException.class)
                    .hasCauseInstanceOf(IllegalStateException.class);
        }
        assertThat(receipts(appender.append(ACME, command(1))))
                .extracting(Receipt::seq)
                .containsExactly(0L);
    }

    @Test
    void survivesErrorsOfTheStore() {
        store.failures.add(new StackOverflowError());
        assertThat(failure(appender.append(ACME, command(1)))).isInstanceOf(LedgerUnavailableException.class);
        assertThat(receipts(appender.append(ACME, command(1)))).hasSize(1);
    }

    /** A first writer that cannot be had refuses one command; a second one is done without. */
    @Test
    void goesOnWhereAThreadCouldNotBeHad() {
        AtomicInteger failures = new AtomicInteger(1);
        ThreadFactory threads = Thread.ofVirtual().factory();
        appender = new Appender(store, LedgerConfig.defaults(), metrics, work -> {
            if (failures.getAndDecrement() > 0) {
                throw new InternalError("unable to create native thread");
            }
            return threads.newThread(work);
        });
        assertThat(failure(appender.append(ACME, command(1))))
                .isInstanceOf(LedgerUnavailableException.class)
                .hasMessageContaining("nothing was appended");
        assertThat(appender.isIdle()).isTrue();

        failures.set(0);
        assertThat(receipts(appender.append(ACME, command(1)))).hasSize(1);
        awaitNothingPending();
        store.canBeFollowed = true;
        store.shut();
        CompletableFuture<AppendResult> writing = appender.append(ACME, command(1));
        store.awaitPrepared(2); // with the one before
        failures.set(1);
        CompletableFuture<AppendResult> queued = appender.append(ACME, command(200));
        store.gate.countDown();
        assertThat(receipts(writing)).hasSize(1);
        assertThat(receipts(queued)).hasSize(200);
        assertThat(store.size(ACME)).isEqualTo(202);
    }

    @Test
    void findsOutByTheKeyWhatAnAmbiguousCommitDid() {
        store.ambiguous = true;
        Idempotency key = new Idempotency("k", Digest.sha256(new byte[0]));
        AppendCommand command = new AppendCommand(Recorder.ASSIZE, List.of(draft("once")), key);
        assertThat(failure(appender.append(ACME, command))).isInstanceOf(LedgerUnavailableException.class);
        store.ambiguous = false;
        assertThat(appender.append(ACME, command).join()).isInstanceOf(AppendResult.Replayed.class);
        assertThat(store.size(ACME)).isEqualTo(1);
    }

    @Test
    void refusesAfterTheEnd() {
        appender.close();
        assertThat(failure(appender.append(ACME, command(1)))).isInstanceOf(LedgerUnavailableException.class);
        assertThat(store.size(ACME)).isZero();
    }

    @Test
    void writesWhatIsPendingBeforeItEnds() {
        store.shut();
        List<CompletableFuture<AppendResult>> futures = IntStream.range(0, 50)
                .mapToObj(i -> appender.append(i % 2 == 0 ? ACME : OTHER, command(20)))
                .toList();
        CompletableFuture<Void> closing = CompletableFuture.runAsync(appender::close);
        store.gate.countDown();
        closing.join();
        assertThat(futures).allMatch(CompletableFuture::isDone);
        assertThat(store.size(ACME) + store.size(OTHER)).isEqualTo(1_000);
    }

    @Test
    void givesUpWhatIsStillQueuedWhenTimeIsUp() {
        LedgerConfig defaults = LedgerConfig.defaults();
        appender = appender(new LedgerConfig(
                400, 1024 * 1024, 4_096, 16_384, defaults.pendingBytes(), Duration.ZERO, Duration.ZERO));
        store.shut();
        CompletableFuture<AppendResult> writing = appender.append(ACME, command(1));
        store.awaitWriting();
        CompletableFuture<AppendResult> queued = appender.append(ACME, command(1));
        appender.close();
        assertThat(failure(queued)).isInstanceOf(LedgerUnavailableException.class);
        assertThat(writing).isNotDone();
        store.gate.countDown();
        assertThat(receipts(writing)).hasSize(1);
    }

    @Test
    void gathersABatchWhileAnotherIsBeingWritten() {
        store.shut();
        List<CompletableFuture<AppendResult>> futures = new ArrayList<>();
        futures.add(appender.append(ACME, command(1)));
        store.awaitWriting();
        for (int i = 0; i < 100; i++) {
            futures.add(appender.append(ACME, command(1)));
        }
        store.gate.countDown();
        futures.forEach(CompletableFuture::join);
        assertThat(store.batches).containsExactly(1, 100);
        assertThat(futures)
                .extracting(future -> receipts(future).getFirst().seq())
                .containsExactlyElementsOf(LongStream.range(0, 101).boxed().toList());
    }

    /** A second writer for 100 that are queued, a third for a whole batch, and no fourth. */
    @Test
    void furtherWritersStartWhereThereIsEnoughForThem() {
        store.canBeFollowed = true;
        store.shut();
        List<CompletableFuture<AppendResult>> futures = new ArrayList<>();
        int[][] appendedAndTaken = {{1, 1}, {99, 1}, {1, 2}, {399, 2}, {1, 3}, {400, 3}, {400, 3}};
        for (int[] step : appendedAndTaken) {
            for (int i = 0; i < step[0]; i++) {
                futures.add(appender.append(ACME, command(1)));
            }
            store.awaitPrepared(step[1]);
        }
        store.gate.countDown();
        futures.forEach(CompletableFuture::join);
        assertThat(store.batches).startsWith(1, 100, 400);
        assertThat(store.batches.stream().mapToInt(size -> size).sum()).isEqualTo(futures.size());
        assertThat(store.mostAtOnce).isEqualTo(3);
    }

    @Test
    void closesBatchesAtTheirBounds() {
        store.shut();
        List<CompletableFuture<AppendResult>> futures = new ArrayList<>();
        futures.add(appender.append(ACME, command(1)));
        store.awaitWriting();
        for (int entries : new int[] {399, 1, 1, 500, 1}) {
            futures.add(appender.append(ACME, command(entries)));
        }
        EntryDraft large = draft("x".repeat(60_000));
        for (int i = 0; i < 18; i++) {
            futures.add(appender.append(ACME, new AppendCommand(Recorder.ASSIZE, List.of(large), null)));
        }
        store.gate.countDown();
        futures.forEach(CompletableFuture::join);
        assertThat(store.batches).containsExactly(1, 2, 1, 1, 18, 1);
    }

    @Test
    void appendsForManyCallersAtOnce() throws Exception {
        int callers = 50;
        int rounds = 40;
        List<Thread> threads = IntStream.range(0, callers)
                .mapToObj(caller -> Thread.ofVirtual().start(() -> {
                    for (int round = 0; round < rounds; round++) {
                        appender.append(caller % 5 == 0 ? OTHER : ACME, command(1))
                                .join();
                    }
                }))
                .toList();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(store.size(ACME)).isEqualTo(callers * rounds * 4 / 5);
        assertThat(store.size(OTHER)).isEqualTo(callers * rounds / 5);
        assertThat(counted("appended")).isEqualTo(callers * rounds);
        assertThat(meters.get("assize.ledger.entries").counter().count()).isEqualTo(callers * rounds);
        awaitNothingPending();
    }

    private Appender appender(LedgerConfig config) {
        return new Appender(store, config, metrics);
    }

    private static LedgerConfig config(int tenantPending, int pending) {
        LedgerConfig defaults = LedgerConfig.defaults();
        return new LedgerConfig(
                defaults.batchEntries(),
                defaults.batchBytes(),
                tenantPending,
                pending,
                defaults.pendingBytes(),
                defaults.retryAfter(),
                defaults.drainTimeout());
    }

    private static AppendCommand command(int entries) {
        EntryDraft[] drafts = new EntryDraft[entries];
        Arrays.fill(drafts, draft("x"));
        return new AppendCommand(Recorder.ASSIZE, List.of(drafts), null);
    }

    private static AppendCommand conditional(Precondition precondition) {
        return new AppendCommand(Recorder.ASSIZE, List.of(draft("x")), null, precondition);
    }

    private static EntryDraft draft(String reason) {
        return new EntryDraft(Recorder.ASSIZE, "t", body(reason));
    }

    private static byte[] body(String reason) {
        return new FrameBody()
                .text(17, "user:alice")
                .text(21, "append")
                .text(22, "ledger")
                .text(23, "default")
                .u8(24, 1)
                .text(28, reason)
                .toBytes();
    }

    private static List<Receipt> receipts(CompletableFuture<AppendResult> future) {
        return ((Appended) future.join()).receipts();
    }

    private static Throwable failure(CompletableFuture<AppendResult> future) {
        assertThat(future).failsWithin(Duration.ofSeconds(20));
        return future.exceptionNow();
    }

    private double counted(String result) {
        return meters.get("assize.ledger.appends")
                .tag("result", result)
                .counter()
                .count();
    }

    /** A future completes a moment before its place in the queue is free. */
    private void awaitNothingPending() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!appender.isIdle()) {
            assertThat(System.nanoTime()).as("still pending").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    /** A store that can be held, and made to fail. */
    private static final class GatedStore implements LedgerStore {

        private final InMemoryLedgerStore store = new InMemoryLedgerStore(InstantSource.system(), new AuditCodec());
        private final List<Integer> batches = Collections.synchronizedList(new ArrayList<>());
        private final Queue<Throwable> failures = new ArrayDeque<>();
        private final CountDownLatch writing = new CountDownLatch(1);
        private volatile CountDownLatch gate = new CountDownLatch(0);
        private volatile boolean ambiguous;
        private volatile boolean canBeFollowed;

        /** Of batches that can be followed. Guarded by this. */
        private int atOnce;

        private int mostAtOnce;

        /** Those that can be followed are given their places when they are prepared, and written when the gate opens. */
        @Override
        public Prepared prepare(TenantId tenant, List<AppendCommand> commands) {
            if (!canBeFollowed) {
                return LedgerStore.super.prepare(tenant, commands);
            }
            List<AppendResult> results = store.append(tenant, commands);
            batches.add(commands.size());
            synchronized (this) {
                mostAtOnce = Math.max(mostAtOnce, ++atOnce);
            }
            return new Prepared() {
                @Override
                public boolean mayBeFollowed() {
                    return true;
                }

                @Override
                public List<AppendResult> write() {
                    await(gate);
                    synchronized (GatedStore.this) {
                        atOnce--;
                    }
                    return results;
                }
            };
        }

        void awaitPrepared(int count) {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (batches.size() < count) {
                assertThat(System.nanoTime()).as("not prepared: " + batches).isLessThan(deadline);
                Thread.onSpinWait();
            }
            assertThat(batches).hasSize(count);
        }

        void shut() {
            gate = new CountDownLatch(1);
        }

        void awaitWriting() {
            await(writing);
        }

        long size(TenantId tenant) {
            return head(tenant).map(LedgerHead::size).orElse(0L);
        }

        @Override
        public List<AppendResult> append(TenantId tenant, List<AppendCommand> commands) {
            batches.add(commands.size());
            writing.countDown();
            await(gate);
            switch (failures.poll()) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new AssertionError(e);
                case null -> {}
            }
            List<AppendResult> results = store.append(tenant, commands);
            if (ambiguous) {
                throw new IllegalStateException("the connection was lost after the commit was sent");
            }
            return results;
        }

        @Override
        public List<StoredEntry> notices(TenantId tenant, List<Long> seqs, long fromSeq) {
            return store.notices(tenant, seqs, fromSeq);
        }

        @Override
        public Optional<LedgerHead> head(TenantId tenant) {
            return store.head(tenant);
        }

        @Override
        public Optional<LedgerHead> scan(
                TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader, BooleanSupplier pause) {
            return store.scan(tenant, fromSeq, toSeq, reader, pause);
        }

        private static void await(CountDownLatch latch) {
            try {
                assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }
}

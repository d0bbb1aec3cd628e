package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.NotOnRecordException;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerVerifiers;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Reason;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PackingRecorderTest {

    private static final Duration AT_ONCE = Duration.ZERO;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final AuditCodec audit = new AuditCodec();
    private final InMemoryLedgerStore ledger = new InMemoryLedgerStore(InstantSource.system(), audit);
    private final InMemoryDecisionStore store = new InMemoryDecisionStore(ledger);
    private final SplittableRandom dice = new SplittableRandom(3);
    private final AtomicInteger ids = new AtomicInteger();
    private final CountDownLatch gate = new CountDownLatch(1);
    private PackingRecorder recorder = recorder(AT_ONCE, Duration.ofSeconds(10));

    @AfterEach
    void close() {
        gate.countDown();
        recorder.close();
    }

    @Test
    void refusesWhenItsQueueIsFullAndDropsNothing() {
        store.before(this::awaitGate);
        int taken = 0;
        List<DecisionMade> thousand = decisions(1_000);
        try {
            for (; taken <= 10; taken++) {
                var _ = recorder.record(Decisions.ACME, Acknowledge.AFTER, thousand);
            }
        } catch (RecorderBusyException full) {
            assertThat(full.retryAfter()).isEqualTo(Duration.ofMillis(250));
            assertThat(full).hasMessageContaining("its queue is full");
        }
        assertThat(taken).isEqualTo(2);
        assertThat(meters.get("assize.decisionlog.refused").counter().count()).isEqualTo(1_000);
        // All or none: there was room for some of them.
        assertThat(pending()).isEqualTo(2_000);
        recorder.requireRoom(Decisions.ACME);
        var _ = recorder.record(Decisions.ACME, Acknowledge.AFTER, decisions(500));
        assertThatThrownBy(() -> recorder.requireRoom(Decisions.ACME)).isInstanceOf(RecorderBusyException.class);
        gate.countDown();
        recorder.close();
        assertThat(onRecord()).isEqualTo(2_500);
    }

    @Test
    void refusesWhenItIsClosed() {
        recorder.close();
        assertThatThrownBy(() -> recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1)))
                .isInstanceOf(RecorderBusyException.class)
                .hasMessageContaining("stopping");
        assertThat(pending()).isZero();
    }

    @Test
    void tellsWhoeverWaitsThatItFailed() {
        store.before(() -> {
            throw new IllegalStateException("no disk");
        });
        CompletableFuture<Void> answer = recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1));
        assertThatThrownBy(answer::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(NotOnRecordException.class);
        store.before(() -> {
            throw new LedgerHaltedException("the ledger of tenant `acme` is halted: somebody edited it");
        });
        CompletableFuture<Void> halted = recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1));
        assertThatThrownBy(halted::get).hasCauseInstanceOf(LedgerHaltedException.class);
        assertThat(onRecord()).isZero();
        store.before(() -> {});
        recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1)).join();
        assertThat(onRecord()).isOne();
    }

    @Test
    void goesOnWhereAThreadCouldNotBeHad() {
        AtomicInteger failures = new AtomicInteger(1);
        ThreadFactory threads = Thread.ofVirtual().factory();
        recorder = new PackingRecorder(
                store,
                audit,
                new DecisionCodec(),
                config(AT_ONCE, Duration.ofSeconds(10)),
                new RecordingMetrics(new SimpleMeterRegistry()),
                work -> {
                    if (failures.getAndDecrement() > 0) {
                        throw new InternalError("unable to create native thread");
                    }
                    return threads.newThread(work);
                });
        assertThatThrownBy(() -> recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1)))
                .isInstanceOf(InternalError.class);
        assertThat(recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1)))
                .succeedsWithin(Duration.ofSeconds(20));
        // Also what nobody was answered for: it waited in the queue.
        assertThat(onRecord()).isEqualTo(2);
    }

    @Test
    void letsNothingGoThatWasAnsweredAlready() throws Exception {
        AtomicInteger attempts = new AtomicInteger();
        CountDownLatch retried = new CountDownLatch(3);
        store.before(() -> {
            retried.countDown();
            if (attempts.incrementAndGet() < 3) {
                throw new IllegalStateException("no disk");
            }
        });
        assertThat(recorder.record(Decisions.ACME, Acknowledge.AFTER, decisions(3)))
                .isCompleted();
        retried.await();
        recorder.close();
        assertThat(onRecord()).isEqualTo(3);
        assertThat(meters.get("assize.decisionlog.failures").counter().count()).isEqualTo(2);
        assertThat(meters.get("assize.decisionlog.lost").counter().count()).isZero();
    }

    /** A commit whose answer is lost: tried again, it is found to be there. */
    @Test
    void recordsNothingTwice() {
        AtomicInteger attempts = new AtomicInteger();
        DecisionStore forgetful = new ForwardingDecisionStore(store) {
            @Override
            public AppendResult append(TenantId tenant, AppendCommand command, DecisionPack pack) {
                var result = super.append(tenant, command, pack);
                if (attempts.incrementAndGet() == 1) {
                    throw new IllegalStateException("the connection broke");
                }
                return result;
            }
        };
        recorder = recorder(forgetful, AT_ONCE, Duration.ofSeconds(10));
        var _ = recorder.record(Decisions.ACME, Acknowledge.AFTER, decisions(3));
        recorder.close();
        assertThat(attempts).hasValue(2);
        assertThat(onRecord()).isEqualTo(3);
    }

    @Test
    void countsWhatItHadToGiveUpWhenItStopped() {
        store.before(() -> {
            throw new IllegalStateException("no disk");
        });
        recorder = recorder(AT_ONCE, Duration.ofMillis(1));
        var _ = recorder.record(Decisions.ACME, Acknowledge.AFTER, decisions(3));
        recorder.close();
        // The lane ends by itself; nothing else says when.
        while (pending() > 0) {
            Thread.onSpinWait();
        }
        assertThat(meters.get("assize.decisionlog.lost").counter().count()).isEqualTo(3);
    }

    @Test
    void leavesOutWhomNobodyWaitsForAnyMore() throws Exception {
        CountDownLatch writing = new CountDownLatch(1);
        store.before(() -> {
            writing.countDown();
            awaitGate();
        });
        CompletableFuture<Void> first = recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1));
        writing.await();
        CompletableFuture<Void> second = recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1));
        second.cancel(false);
        CompletableFuture<Void> third = recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(1));
        gate.countDown();
        first.get();
        third.get();
        assertThat(onRecord()).isEqualTo(2);
    }

    @Test
    void packsWhatComesTogether() {
        recorder = recorder(Duration.ofSeconds(10), Duration.ofSeconds(10));
        for (int i = 0; i < 100; i++) {
            var _ = recorder.record(Decisions.ACME, Acknowledge.AFTER, decisions(10));
        }
        // Nothing waits for the end of the delay when the pack is full, or when the server stops.
        recorder.close();
        assertThat(onRecord()).isEqualTo(1_000);
        assertThat(store.packs(Decisions.ACME)).hasSizeLessThanOrEqualTo(2);
        assertThat(verify()).isInstanceOf(Verification.Sound.class);
    }

    @Test
    void everyAnswerThatWasGivenIsOnRecord() throws Exception {
        List<Thread> callers = new ArrayList<>();
        AtomicInteger answered = new AtomicInteger();
        AtomicInteger failures = new AtomicInteger();
        store.before(() -> {
            if (failures.incrementAndGet() % 5 == 0) {
                throw new IllegalStateException("no disk");
            }
        });
        for (int i = 0; i < 8; i++) {
            callers.add(Thread.startVirtualThread(() -> {
                for (int j = 0; j < 50; j++) {
                    try {
                        recorder.record(Decisions.ACME, Acknowledge.BEFORE, decisions(2))
                                .get();
                        answered.addAndGet(2);
                    } catch (ExecutionException | InterruptedException refused) {
                        // Not answered.
                    }
                }
            }));
        }
        for (Thread caller : callers) {
            caller.join();
        }
        assertThat(answered.get()).isPositive();
        assertThat(onRecord()).isEqualTo(answered.get());
        assertThat(verify()).isInstanceOf(Verification.Sound.class);
        assertThat(pending()).isZero();
    }

    private Verification verify() {
        return LedgerVerifiers.of(ledger, audit, new PackCheck(store, audit))
                .verify(Decisions.ACME, 0, null, (verified, total) -> {});
    }

    private int onRecord() {
        return store.packs(Decisions.ACME).values().stream()
                .mapToInt(List::size)
                .sum();
    }

    private int pending() {
        return (int) meters.get("assize.decisionlog.pending").gauge().value();
    }

    private void awaitGate() {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private PackingRecorder recorder(Duration delay, Duration drain) {
        return recorder(store, delay, drain);
    }

    private PackingRecorder recorder(DecisionStore over, Duration delay, Duration drain) {
        meters.clear();
        return new PackingRecorder(
                over, audit, new DecisionCodec(), config(delay, drain), new RecordingMetrics(meters));
    }

    private static RecordingConfig config(Duration delay, Duration drain) {
        return new RecordingConfig(1_024, delay, 2_500, 5_000, 128L << 20, Duration.ofMillis(250), drain);
    }

    private List<DecisionMade> decisions(int count) {
        synchronized (dice) {
            return IntStream.range(0, count)
                    .mapToObj(i -> i % 2 == 0
                            ? Decisions.random(dice, "d-" + ids.incrementAndGet())
                            : Decisions.made("d-" + ids.incrementAndGet(), Reason.ALLOWED))
                    .toList();
        }
    }
}

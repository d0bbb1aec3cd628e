package dev.assize.server.recording;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.DecisionRecorder;
import dev.assize.server.decision.NotOnRecordException;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Precondition;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Packs decisions and writes each pack with one entry. A check adds its record to its tenant's lane, a queue without
 * locks; one virtual thread a lane takes what is queued, writes it in one transaction, and repeats. Where somebody waits
 * for the record there is no timer: while a pack is written the next one gathers. Where nobody does, a pack waits a moment
 * for more to go into it. A lane that has run empty ends.
 *
 * <p>What was taken to be acknowledged after its answer is never let go: a pack that cannot be written is tried again
 * until it can, the lane fills behind it, and then nothing more is taken. A pack that somebody waits for is tried once,
 * and whoever waits is told.
 */
public final class PackingRecorder implements DecisionRecorder, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PackingRecorder.class);
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private final DecisionStore store;
    private final AuditCodec audit;
    private final DecisionCodec codec;
    private final RecordingConfig config;
    private final RecordingMetrics metrics;
    private final ThreadFactory threads;
    private final Map<TenantId, Lane> lanes = new ConcurrentHashMap<>();
    private final AtomicInteger pending = new AtomicInteger();
    private final AtomicLong pendingBytes = new AtomicLong();

    /** Of records for which nobody waits: it stays as it is, whatever becomes of their pack. */
    private final CompletableFuture<Void> nobodyWaits = CompletableFuture.completedFuture(null);

    /** For whoever waits in {@link #close}; guards nothing. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition settled = lock.newCondition();
    private volatile boolean closed;
    private volatile boolean abandoned;

    @Inject
    public PackingRecorder(
            DecisionStore store,
            AuditCodec audit,
            DecisionCodec codec,
            RecordingConfig config,
            RecordingMetrics metrics) {
        this(
                store,
                audit,
                codec,
                config,
                metrics,
                Thread.ofVirtual().name("decision-log-", 0).factory());
    }

    /** The same by threads of somebody's. */
    PackingRecorder(
            DecisionStore store,
            AuditCodec audit,
            DecisionCodec codec,
            RecordingConfig config,
            RecordingMetrics metrics,
            ThreadFactory threads) {
        this.store = store;
        this.audit = audit;
        this.codec = codec;
        this.config = config;
        this.metrics = metrics;
        this.threads = threads;
        metrics.watch(pending);
    }

    @Override
    public CompletableFuture<Void> record(TenantId tenant, Acknowledge acknowledge, List<DecisionMade> decisions) {
        if (decisions.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        Pending added = new Pending(
                acknowledge,
                records(decisions),
                acknowledge == Acknowledge.BEFORE ? new CompletableFuture<>() : nobodyWaits);
        take(tenant, added);
        return added.durable;
    }

    private void take(TenantId tenant, Pending added) {
        Lane known = lanes.get(tenant);
        Lane lane = known == null ? lanes.computeIfAbsent(tenant, Lane::new) : known;
        reserve(lane, added);
        lane.add(added);
    }

    @Override
    public Pen pen() {
        DeskCodec desk = new DeskCodec();
        return made -> take(made.tenant(), new Pending(Acknowledge.AFTER, List.of(desk.encode(made)), nobodyWaits));
    }

    /** Nearly always one, which is not worth a stream. */
    private List<byte[]> records(List<DecisionMade> decisions) {
        return decisions.size() == 1
                ? List.of(codec.encode(decisions.getFirst()))
                : decisions.stream().map(codec::encode).toList();
    }

    @Override
    public void requireRoom(TenantId tenant) {
        Lane lane = lanes.get(tenant);
        if (closed
                || pending.get() >= config.pending()
                || pendingBytes.get() >= config.pendingBytes()
                || (lane != null && lane.pending.get() >= config.tenantPending())) {
            throw busy(lane, 1);
        }
    }

    /** Counted first and looked at afterwards, so that of many at once none slips past a bound or past the end. */
    private void reserve(Lane lane, Pending added) {
        int size = added.records.size();
        boolean fits = lane.pending.addAndGet(size) <= config.tenantPending();
        fits &= pending.addAndGet(size) <= config.pending();
        fits &= pendingBytes.addAndGet(added.bytes) <= config.pendingBytes();
        if (!fits || closed) {
            settle(lane, size, added.bytes);
            throw busy(lane, size);
        }
    }

    private RecorderBusyException busy(@Nullable Lane lane, int size) {
        metrics.refused(size);
        String failure = lane == null ? null : lane.failure;
        String why = closed
                ? "the server is stopping"
                : failure == null
                        ? "its queue is full"
                        : "its queue is full, and what is in it cannot be written: " + failure;
        return new RecorderBusyException(
                "the decision was not made, because it could not go on record: " + why, config.retryAfter());
    }

    private void settle(Lane lane, int records, long bytes) {
        lane.pending.addAndGet(-records);
        pendingBytes.addAndGet(-bytes);
        if (pending.addAndGet(-records) == 0 && closed) {
            signal();
        }
    }

    private void signal() {
        lock.lock();
        try {
            settled.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Takes no more, and waits until what is pending is durable; what is not after a while is lost, and counted. */
    @Override
    public void close() {
        closed = true;
        lanes.values().forEach(Lane::hurry);
        lock.lock();
        try {
            long nanos = config.drainTimeout().toNanos();
            while (pending.get() > 0 && nanos > 0) {
                nanos = settled.awaitNanos(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        abandoned = true;
        lanes.values().forEach(Lane::hurry);
    }

    private AppendCommand command(TenantId tenant, DecisionPack pack, @Nullable Precondition precondition) {
        AuditEvent event = new AuditEvent(
                DecisionPack.ENTRY_TYPE,
                "decision",
                Recorder.ASSIZE.caller(),
                null,
                new Action("record-decisions"),
                ResourcePath.parse("tenant:" + tenant + "/decisions"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                null,
                false,
                pack.payload(),
                List.of(),
                List.of(),
                null,
                null);
        return new AppendCommand(
                Recorder.ASSIZE, List.of(audit.encode(event, Recorder.ASSIZE, tenant)), null, precondition);
    }

    /** The decisions of one tenant on their way. Two lanes of one tenant may meet for a moment, and do no harm. */
    private final class Lane {

        private final TenantId tenant;
        private final Queue<Pending> queue = new ConcurrentLinkedQueue<>();
        private final AtomicInteger pending = new AtomicInteger();

        /** Decisions queued, and callers queued who wait. */
        private final AtomicInteger queued = new AtomicInteger();

        private final AtomicInteger waiting = new AtomicInteger();
        private final AtomicBoolean running = new AtomicBoolean();
        private volatile boolean parked;
        private volatile @Nullable Thread thread;
        private volatile @Nullable String failure;

        Lane(TenantId tenant) {
            this.tenant = tenant;
        }

        void add(Pending added) {
            queue.add(added);
            queued.addAndGet(added.records.size());
            if (added.isAwaited()) {
                waiting.incrementAndGet();
            }
            if (!running.get() && running.compareAndSet(false, true)) {
                start();
            } else if (parked && isUrgent()) {
                hurry();
            }
        }

        private void start() {
            try {
                threads.newThread(this::run).start();
            } catch (RuntimeException | Error e) {
                // Without memory for a thread, say: whoever adds next has one started, for what is queued now, too.
                running.set(false);
                throw e;
            }
        }

        void hurry() {
            LockSupport.unpark(thread);
        }

        private boolean isUrgent() {
            return closed || waiting.get() > 0 || queued.get() >= config.packDecisions();
        }

        private void run() {
            thread = Thread.currentThread();
            do {
                while (!queue.isEmpty()) {
                    gather();
                    write(take());
                }
                running.set(false);
            } while (!queue.isEmpty() && running.compareAndSet(false, true));
            lanes.remove(tenant, this);
        }

        private void gather() {
            Pending first = queue.peek();
            long until =
                    first == null ? 0 : first.sinceNanos + config.packDelay().toNanos();
            parked = true;
            for (long left = until - System.nanoTime(); left > 0 && !isUrgent(); left = until - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            parked = false;
        }

        /** What goes into the next pack: all of one kind, and at least one. */
        private List<Pending> take() {
            List<Pending> taken = new ArrayList<>();
            int size = 0;
            int left = 0;
            for (Pending next = queue.peek(); next != null; next = queue.peek()) {
                int count = next.records.size();
                if (!taken.isEmpty()
                        && (size + count > config.packDecisions()
                                || next.isAwaited() != taken.getFirst().isAwaited())) {
                    break;
                }
                queue.remove();
                left += count;
                if (next.isAwaited()) {
                    waiting.decrementAndGet();
                }
                if (next.durable.isCancelled()) {
                    // Whoever waited has gone without an answer.
                    settle(this, count, next.bytes);
                } else {
                    taken.add(next);
                    size += count;
                }
            }
            queued.addAndGet(-left);
            return taken;
        }

        private void write(List<Pending> taken) {
            if (taken.isEmpty()) {
                return;
            }
            List<byte[]> records = new ArrayList<>();
            long bytes = 0;
            for (Pending each : taken) {
                records.addAll(each.records);
                bytes += each.bytes;
            }
            DecisionPack pack = new DecisionPack(records);
            RuntimeException failed = attempt(pack, null);
            if (failed != null && !taken.getFirst().isAwaited()) {
                failed = insist(pack, failed);
            }
            settle(this, records.size(), bytes);
            for (Pending each : taken) {
                if (failed == null) {
                    each.durable.complete(null);
                } else {
                    each.durable.completeExceptionally(failed);
                }
            }
        }

        /** Writes a pack that nobody is told about until it is written; what failed where the server stopped before. */
        private @Nullable RuntimeException insist(DecisionPack pack, RuntimeException first) {
            byte[] record = pack.records().getFirst();
            String id = DecisionCodec.decode(record).decisionId();
            RuntimeException failed = first;
            for (Duration pause = SHORTEST_PAUSE; !abandoned; pause = longer(pause)) {
                LockSupport.parkNanos(pause.toNanos());
                // An attempt whose answer was lost may have been the one that did it.
                failed = attempt(pack, () -> !store.contains(tenant, id, record));
                if (failed == null) {
                    return null;
                }
            }
            metrics.lost(pack.records().size());
            LOG.error(
                    "{} decisions of tenant {} were answered and are not on record: {}",
                    pack.records().size(),
                    tenant,
                    failed.getMessage());
            return failed;
        }

        private @Nullable RuntimeException attempt(DecisionPack pack, @Nullable Precondition precondition) {
            long start = System.nanoTime();
            try {
                var _ = store.append(tenant, command(tenant, pack, precondition), pack);
                metrics.recorded(pack.records().size(), Duration.ofNanos(System.nanoTime() - start));
                failure = null;
                return null;
            } catch (RuntimeException | Error e) {
                metrics.failed();
                if (failure == null) {
                    LOG.warn("decisions of tenant {} cannot be recorded: {}", tenant, e.getMessage());
                }
                failure = String.valueOf(e.getMessage());
                return told(e);
            }
        }

        private static RuntimeException told(Throwable failure) {
            return switch (failure) {
                case LedgerHaltedException halted -> halted;
                case LedgerUnanchoredException unanchored -> unanchored;
                default ->
                    new NotOnRecordException(
                            "the decision is not known to be on record, so there is no answer", failure);
            };
        }

        private static Duration longer(Duration pause) {
            Duration twice = pause.multipliedBy(2);
            return twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
        }
    }

    /** Records that go along with each other, and who waits for them. */
    private static final class Pending {

        private final Acknowledge acknowledge;
        private final List<byte[]> records;
        private final long bytes;
        private final long sinceNanos = System.nanoTime();

        /** Done from the beginning where nobody waits. */
        private final CompletableFuture<Void> durable;

        Pending(Acknowledge acknowledge, List<byte[]> records, CompletableFuture<Void> durable) {
            this.acknowledge = acknowledge;
            this.records = records;
            this.durable = durable;
            long sum = 0;
            for (byte[] record : records) {
                sum += record.length;
            }
            this.bytes = sum;
        }

        boolean isAwaited() {
            return acknowledge == Acknowledge.BEFORE;
        }
    }
}

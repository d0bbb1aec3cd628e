package dev.assize.server.upstream.forward;

import com.google.inject.Inject;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.Spool;
import dev.assize.server.spool.SpoolConfig;
import dev.assize.server.upstream.forward.TenantForwarder.Pause;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The front desk of forwarding: opens the spool, and has a thread for each tenant that forwards what is in it. */
public final class Forwarding implements AutoCloseable {

    private final SpoolConfig config;
    private final Set<TenantId> tenants;
    private final LedgerLink link;
    private final InstantSource clock;
    private final ForwardMetrics metrics;
    private final Map<TenantId, Lane> lanes = new ConcurrentHashMap<>();
    private volatile @Nullable Spool spool;

    @Inject
    Forwarding(
            SpoolConfig config,
            ForwardedTenants tenants,
            LedgerLink link,
            InstantSource clock,
            ForwardMetrics metrics) {
        this.config = config;
        this.tenants = tenants.tenants();
        this.link = link;
        this.clock = clock;
        this.metrics = metrics;
    }

    /**
     * Opens the spool and begins to forward what is in it, also of tenants that are no longer served.
     *
     * @throws dev.assize.server.spool.SpoolFailedException where it cannot be used; the message says why in one line
     */
    public void start() {
        open().forEach(Lane::start);
    }

    /** Opens it, and forwards nothing yet. */
    Collection<Lane> open() {
        Spool opened = Spool.open(config, clock);
        spool = opened;
        Set<TenantId> all = new TreeSet<>((a, b) -> a.value().compareTo(b.value()));
        all.addAll(tenants);
        all.addAll(opened.onDisk());
        all.forEach(tenant -> lanes.put(tenant, new Lane(tenant, opened)));
        metrics.watch(this::depth, opened::bytes, this::oldestAgeSeconds, this::stopped);
        return lanes.values();
    }

    /** Where a tenant's records go. */
    Lane lane(TenantId tenant) {
        Lane lane = lanes.get(tenant);
        if (lane == null) {
            throw new LedgerUnavailableException("tenant `" + tenant + "` is not served here", null);
        }
        return lane;
    }

    /** Completes when the ledger has what was spooled of a tenant so far; exceptionally where it does not get it now. */
    public CompletableFuture<Void> whenForwarded(TenantId tenant) {
        Lane lane = lane(tenant);
        CompletableFuture<Void> forwarded = lane.forwarder().whenForwarded();
        if (!forwarded.isDone()) {
            lane.hurry();
        }
        return forwarded;
    }

    /** Why an operator must look at it, in one line; empty where nobody must. */
    public Optional<String> complaint() {
        List<String> complaints = new ArrayList<>();
        lanes.forEach((tenant, lane) -> lane.forwarder
                .complaint()
                .or(() -> lane.forwarder.cutOff().map(said -> waiting(lane, said)))
                .ifPresent(complaint -> complaints.add("tenant `" + tenant + "`: " + complaint)));
        return complaints.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", complaints));
    }

    private static String waiting(Lane lane, String said) {
        return lane.forwarder.queue().depth() + " records wait to be forwarded: " + said;
    }

    private long depth() {
        return lanes.values().stream()
                .mapToLong(lane -> lane.forwarder.queue().depth())
                .sum();
    }

    private double oldestAgeSeconds() {
        Instant now = clock.instant();
        return lanes.values().stream()
                .flatMap(lane -> lane.forwarder.queue().oldestPendingAt().stream())
                .mapToDouble(at -> Duration.between(at, now).toMillis() / 1_000.0)
                .max()
                .orElse(0);
    }

    private long stopped() {
        return lanes.values().stream()
                .filter(lane -> lane.forwarder.complaint().isPresent())
                .count();
    }

    /** Takes nothing more, forwards nothing more, and closes the spool; what is in it stays for the next start. */
    @Override
    public void close() {
        // What is under way ends as cancelled; whether it took effect is asked after the next start.
        link.stop();
        lanes.values().forEach(Lane::stop);
        Spool opened = spool;
        spool = null;
        if (opened != null) {
            opened.close();
        }
    }

    /** A tenant's forwarder and its thread. */
    final class Lane {

        private final TenantForwarder forwarder;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();

        /** Guarded by the lock: what has happened since the last step, and the thread. */
        private boolean appended;

        private boolean hurried;
        private boolean stopping;
        private @Nullable Thread thread;

        Lane(TenantId tenant, Spool spool) {
            this.forwarder = new TenantForwarder(
                    tenant,
                    spool.queue(tenant, this::appended),
                    link,
                    clock,
                    () -> ThreadLocalRandom.current().nextDouble(),
                    metrics);
        }

        TenantForwarder forwarder() {
            return forwarder;
        }

        void start() {
            lock.lock();
            try {
                thread = Thread.ofVirtual().name("spool-forwarder").start(this::run);
            } finally {
                lock.unlock();
            }
        }

        private void run() {
            while (!rest(forwarder.step())) {
                // So the next step follows.
            }
        }

        /** Waits for the pause to end; whether that was all. */
        private boolean rest(Pause pause) {
            lock.lock();
            try {
                long nanos = pause.duration().toNanos();
                while (!stopping && !hurried && !(pause.idle() && appended) && nanos > 0) {
                    nanos = changed.awaitNanos(nanos);
                }
                appended = false;
                hurried = false;
                return stopping;
            } catch (InterruptedException e) {
                return true;
            } finally {
                lock.unlock();
            }
        }

        private void appended() {
            lock.lock();
            try {
                appended = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /** Somebody waits: the ledger is asked at once. */
        void hurry() {
            lock.lock();
            try {
                hurried = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void stop() {
            Thread running;
            lock.lock();
            try {
                stopping = true;
                changed.signalAll();
                running = thread;
            } finally {
                lock.unlock();
            }
            if (running != null) {
                join(running);
            }
        }

        private static void join(Thread running) {
            try {
                running.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRound.Outcome;
import dev.assize.server.anchor.AnchorRound.Sweep;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signs what was appended, round after round, and keeps the heads outside. Every node does so; the database lets one
 * round run at a time, and the outside copy is advanced by compare-and-swap, so nodes need not know each other.
 *
 * <p>A ledger of which what is stored is not what was signed is halted: nothing is appended to it any more. After any
 * failure whose end is not known, everything is read anew.
 */
public final class Anchor implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Anchor.class);

    /** Rounds between two looks at the heads of all ledgers. */
    private static final int ROUNDS_PER_SWEEP = 30;

    private final AnchorRepository repository;
    private final Outside outside;
    private final CheckpointSigner signer;
    private final AnchorView view;
    private final AnchorConfig config;
    private final AnchorMetrics metrics;
    private final InstantSource clock;
    private final TreeCache cache;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("assize-anchor").factory());

    /** What was last complained of, so that it is said once. */
    private final AtomicReference<@Nullable String> said = new AtomicReference<>();

    /** Guarded by this, as a round is: a node runs one at a time. */
    private long rounds;

    /** Guarded by this. */
    private Map<TenantId, String> behind = Map.of();

    @Inject
    Anchor(
            AnchorRepository repository,
            Outside outside,
            CheckpointSigner signer,
            AnchorView view,
            AnchorConfig config,
            AnchorMetrics metrics,
            InstantSource clock) {
        this.repository = repository;
        this.outside = outside;
        this.signer = signer;
        this.view = view;
        this.config = config;
        this.metrics = metrics;
        this.clock = clock;
        this.cache = new TreeCache(config.cachedTrees());
        metrics.watch(view);
    }

    /** Reads the outside copy, or makes the first one, and goes on signing from then on. */
    public void start() {
        round();
        ScheduledFuture<?> _ = thread.scheduleWithFixedDelay(
                this::round, config.interval().toMillis(), config.interval().toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Signs what is left, and stops. */
    @Override
    public void close() {
        thread.close();
        round();
    }

    /** One round; whatever fails is told to the log and the meters, and held against appends as it must be. */
    public synchronized void round() {
        long start = System.nanoTime();
        try {
            OutsideCopy copy = readOrCreate();
            sweepAtTimes(copy);
            Optional<Outcome> outcome = repository
                    .inRound(round -> new AnchorRound(
                                    round, outside, signer, cache, config, repository.deployment(), clock.instant())
                            .sign(copy))
                    .flatMap(it -> it);
            outcome.ifPresent(this::conclude);
            said.set(null);
        } catch (OutsideCorruptException | LostLeavesException e) {
            view.refuse(String.valueOf(e.getMessage()));
            fail(e);
        } catch (RuntimeException e) {
            // Appends go on until the copy is too old.
            fail(e);
        }
        metrics.round(Duration.ofNanos(System.nanoTime() - start));
    }

    /** Why nothing can be signed; empty where everything is well. */
    public Optional<String> complaint() {
        return Optional.ofNullable(said.get());
    }

    private void conclude(Outcome outcome) {
        view.confirm(outcome.copy());
        metrics.signed(outcome.ledgers());
        outcome.faults().forEach(this::halt);
    }

    private void halt(TenantId tenant, String fault) {
        if (repository.halt(tenant, fault)) {
            LOG.error("The ledger of {} is halted: {}", tenant, fault);
            metrics.halted();
        }
    }

    private void fail(RuntimeException e) {
        cache.clear();
        metrics.failed();
        String reason = String.valueOf(e.getMessage());
        if (view.copy().isEmpty()) {
            view.refuse(reason);
        }
        if (!reason.equals(said.getAndSet(reason))) {
            LOG.error("Nothing is signed: {}", reason);
            LOG.debug("Nothing is signed", e);
        }
    }

    /** The copy, if it is that of this database. */
    private OutsideCopy readOrCreate() {
        String deployment = repository.deployment();
        Optional<String> bound = repository.boundTo();
        Optional<OutsideCopy> read = outside.read(deployment, view.copy().orElse(null));
        if (read.isEmpty() && bound.isEmpty()) {
            read = outside.create(deployment);
        }
        OutsideCopy copy = read.orElseThrow(() -> new OutsideCorruptException("the outside copy "
                + bound.orElse("") + " of the ledgers' heads is not at " + outside.describe()
                + ": expected it there; without it nothing shows whether the database is whole"));
        if (bound.isEmpty() && copy.size() == 0) {
            repository.bind(copy.anchorId(), clock.instant());
        } else if (!bound.equals(Optional.of(copy.anchorId()))) {
            throw new OutsideCorruptException("the outside copy at " + outside.describe() + " is " + copy.anchorId()
                    + ", the database was kept in " + bound.orElse("none")
                    + ": every node needs the same place outside, and an old dump knows an older one");
        }
        view.confirm(copy);
        return copy;
    }

    private void sweepAtTimes(OutsideCopy copy) {
        if (rounds++ % ROUNDS_PER_SWEEP != 0) {
            return;
        }
        Optional<Sweep> swept = repository.inRound(round -> AnchorRound.sweep(round, copy));
        if (swept.isEmpty()) {
            return;
        }
        swept.get().forged().forEach(this::halt);
        Map<TenantId, String> found = swept.get().behind();
        found.forEach((tenant, sentence) -> {
            if (!behind.containsKey(tenant)) {
                LOG.error("Nothing is appended: {}", sentence);
            }
        });
        behind = found;
        metrics.behind(found.size());
    }
}

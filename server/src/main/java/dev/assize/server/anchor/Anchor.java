package dev.assize.server.anchor;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRound.Outcome;
import dev.assize.server.anchor.AnchorRound.Sweep;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
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

    /** Of those that wait longest. */
    private static final int WAITING_LEDGERS = 1_000;

    /** Rounds between two looks at the heads of all ledgers. */
    private static final int ROUNDS_PER_SWEEP = 30;

    /** Rounds that follow each other without a pause while there is more to sign. */
    private static final int ROUNDS_AT_ONCE = 100;

    private final AnchorRepository repository;
    private final Outside outside;
    private final CheckpointSigner signer;
    private final AnchorView view;
    private final AnchorConfig config;
    private final AnchorMetrics metrics;
    private final Witnesses witnesses;
    private final AuditCodec codec;
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

    /** Guarded by this. */
    private boolean metaChanged;

    /** The key whose first use is recorded, empty before it was looked at. Guarded by this. */
    private String recordedKey = "";

    @Inject
    Anchor(
            AnchorRepository repository,
            Outside outside,
            CheckpointSigner signer,
            AnchorView view,
            AnchorConfig config,
            AnchorMetrics metrics,
            Witnesses witnesses,
            AuditCodec codec,
            InstantSource clock) {
        this.repository = repository;
        this.outside = outside;
        this.signer = signer;
        this.view = view;
        this.config = config;
        this.metrics = metrics;
        this.witnesses = witnesses;
        this.codec = codec;
        this.clock = clock;
        this.cache = new TreeCache(config.cachedTrees());
        metrics.watch(view);
    }

    /** Reads the outside copy, or makes the first one, and goes on signing from then on. */
    public void start() {
        round();
        ScheduledFuture<?> _ = thread.scheduleWithFixedDelay(
                this::rounds, config.interval().toMillis(), config.interval().toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Rounds until there is nothing left to sign at once. */
    private void rounds() {
        boolean more = true;
        for (int i = 0; more && i < ROUNDS_AT_ONCE; i++) {
            more = round();
        }
    }

    /** Signs what is left, and stops. */
    @Override
    public void close() {
        thread.close();
        round();
    }

    /**
     * One round; whatever fails is told to the log and the meters, and held against appends as it must be.
     *
     * @return whether there is more to sign at once
     */
    @CanIgnoreReturnValue
    public synchronized boolean round() {
        long start = System.nanoTime();
        boolean backlog = false;
        try {
            String key = signer.refresh(repository.deployment());
            Optional<Outcome> outcome = repository.inRound(this::sign).flatMap(it -> it);
            if (outcome.isPresent()) {
                conclude(outcome.get());
                backlog = outcome.get().backlog();
            } else {
                // Another node signs, or was faster; this one only looks.
                view.confirm(read());
            }
            recordKey(key);
            said.set(null);
        } catch (OutsideCorruptException e) {
            view.refuse(String.valueOf(e.getMessage()));
            fail(e);
        } catch (RuntimeException | Error e) {
            // Appends go on until what they append has waited too long.
            fail(e);
        }
        lookAtWaiting();
        metrics.round(Duration.ofNanos(System.nanoTime() - start));
        return backlog;
    }

    /** Whatever became of the round: what it has not signed waits since it was recorded, not since somebody looked. */
    private void lookAtWaiting() {
        try {
            view.waiting(repository.waiting(WAITING_LEDGERS), WAITING_LEDGERS, clock.instant());
        } catch (RuntimeException | Error e) {
            // The database is away, say, and so are appends; what was known goes on waiting, and the next round looks
            // again.
            LOG.debug("Cannot see what waits to be signed", e);
        }
    }

    /** With its turn taken: what is read outside now is what this round goes on from. */
    private Optional<Outcome> sign(AnchorRepository.Round round) {
        OutsideCopy copy = read();
        sweepAtTimes(round, copy);
        AnchorRound signing =
                new AnchorRound(round, outside, signer, cache, config, repository.deployment(), clock.instant());
        Optional<Outcome> outcome = signing.sign(copy, behind.keySet());
        if (signing.metaChanged() && !metaChanged) {
            LOG.error("The log of heads in the database is not the one that is kept outside: somebody has changed it,"
                    + " and proofs from it fail. What is kept outside is not affected");
        }
        metaChanged |= signing.metaChanged();
        return outcome;
    }

    /** Why nothing can be signed; empty where everything is well. */
    public Optional<String> complaint() {
        return Optional.ofNullable(said.get());
    }

    private void conclude(Outcome outcome) {
        view.confirm(outcome.copy());
        metrics.signed(outcome.ledgers());
        if (outcome.ledgers() > 0) {
            witnesses.published();
        }
        outcome.faults().forEach(this::halt);
    }

    /** What verifies must know every key: that another one signs is an entry of its own. */
    private void recordKey(String key) {
        if (recordedKey.equals(key)) {
            return;
        }
        Instant now = clock.instant();
        try {
            repository.recordSigningKey(
                    key,
                    now,
                    before -> codec.encode(KeyRecord.event(key, before, now), Recorder.ASSIZE, TenantId.ASSIZE));
        } catch (RuntimeException e) {
            // What was signed is signed; it is recorded once the ledger of tenant `assize` takes entries again.
            LOG.warn("Cannot record yet that {} signs: {}", key, e.getMessage());
            return;
        }
        LOG.info("Checkpoints are signed with {}", key);
        recordedKey = key;
    }

    private void halt(TenantId tenant, String fault) {
        if (repository.halt(tenant, fault)) {
            LOG.error("The ledger of {} is halted: {}", tenant, fault);
            metrics.halted();
        }
    }

    private void fail(Throwable e) {
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

    /** The copy, if it is that of this database; the first one, where it has none yet. */
    private OutsideCopy read() {
        String deployment = repository.deployment();
        Optional<String> bound = repository.boundTo();
        Optional<OutsideCopy> read = outside.read(deployment, view.copy().orElse(null));
        if (read.isEmpty() && bound.isEmpty() && view.copy().isEmpty()) {
            read = outside.create(deployment);
        }
        if (read.isEmpty()) {
            throw new OutsideCorruptException("the outside copy " + bound.orElse("") + " of the ledgers' heads is not"
                    + " at " + outside.describe()
                    + ": expected it there; without it nothing shows whether the database is whole");
        }
        OutsideCopy copy = read.get();
        if (bound.isEmpty() && copy.size() == 0) {
            repository.bind(copy.anchorId(), clock.instant());
            bound = repository.boundTo();
        }
        if (!bound.equals(Optional.of(copy.anchorId()))) {
            throw new OutsideCorruptException("the outside copy at " + outside.describe() + " is " + copy.anchorId()
                    + ", the database was kept in " + bound.orElse("none")
                    + ": every node needs the same place outside, and an old dump knows an older one");
        }
        return copy;
    }

    private void sweepAtTimes(AnchorRepository.Round round, OutsideCopy copy) {
        if (rounds++ % ROUNDS_PER_SWEEP != 0 && behind.isEmpty()) {
            return;
        }
        Sweep swept = AnchorRound.sweep(round, copy);
        swept.forged().forEach(this::halt);
        Map<TenantId, String> found = swept.behind();
        found.forEach((tenant, sentence) -> {
            if (!behind.containsKey(tenant)) {
                LOG.error("Nothing is appended: {}", sentence);
            }
        });
        behind = found;
        metrics.behind(found.size());
    }
}

package dev.assize.server.verification;

import com.google.inject.Inject;
import dev.assize.server.anchor.LedgerWalk;
import dev.assize.server.anchor.Seal;
import dev.assize.server.anchor.SignedHead;
import dev.assize.server.anchor.SignedLedgerVerifier;
import dev.assize.server.audit.AuditLog;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Walks every ledger from its first entry to its last signed one, at a bounded rate, and again each
 * {@link VerificationConfig#every}; between two such walks it follows what is signed. So an entry that is edited long after
 * anybody looked at it is found, whoever edited it.
 *
 * <p>Where it goes on is not taken from the database's word: nodes leave each other statements signed with the key that
 * signs checkpoints. Somebody who removes one, or puts back an older one, has a ledger walked sooner.
 */
public final class Patrol implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Patrol.class);

    /** After what time something that stands against a ledger is looked at again: it may have been mended. */
    private static final Duration LOOK_AGAIN = Duration.ofHours(1);

    /** Longer than a slice takes; a node that stops without a word holds a ledger for as long. */
    private static final Duration LEASE = Duration.ofMinutes(2);

    /** How long one ledger keeps the others waiting. */
    private static final Duration TURN = Duration.ofSeconds(30);

    /** Of one step, however fast it may be: none is long. */
    private static final int STEP_WORK = 100_000;

    /** Under this name, which no tenant can have, stands what is wrong with the log of heads. */
    private static final String HEADS = "~meta";

    private final SignedLedgerVerifier verifier;
    private final PatrolRepository repository;
    private final Seal seal;
    private final AuditLog log;
    private final VerificationConfig config;
    private final PatrolMetrics metrics;
    private final InstantSource clock;
    private final Instant started;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("assize-patrol").factory());

    /** What stands against which ledger, found here or elsewhere. */
    private final Map<String, Fault> broken = new ConcurrentSkipListMap<>();

    /** Notes whose signature was checked, so that it is checked once. Guarded by this, as a round is. */
    private final Map<TenantId, Opened> opened = new HashMap<>();

    /** When the log of heads was looked at last. Guarded by this. */
    private @Nullable Instant headsSeen;

    @Inject
    Patrol(
            SignedLedgerVerifier verifier,
            PatrolRepository repository,
            Seal seal,
            AuditLog log,
            VerificationConfig config,
            PatrolMetrics metrics,
            InstantSource clock) {
        this.verifier = verifier;
        this.repository = repository;
        this.seal = seal;
        this.log = log;
        this.config = config;
        this.metrics = metrics;
        this.clock = clock;
        this.started = clock.instant();
    }

    /** Begins, and goes on until it is closed. */
    public void start() {
        long millis = config.interval().toMillis();
        ScheduledFuture<?> _ = thread.scheduleWithFixedDelay(this::round, 0, millis, TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        closing.countDown();
        thread.close();
    }

    /** What stands against ledgers, as one line; empty where nothing does. */
    public Optional<String> complaint() {
        Map<String, Fault> all = new TreeMap<>(broken);
        if (all.isEmpty()) {
            return Optional.empty();
        }
        Map.Entry<String, Fault> first = all.entrySet().iterator().next();
        String others = all.size() == 1 ? "" : ", and " + (all.size() - 1) + " more ledgers";
        return Optional.of("the ledger of tenant `" + first.getKey() + "` is not as it was recorded: "
                + first.getValue().message() + others);
    }

    /** Looks at every ledger once, and walks those that are due; what fails is tried again in the next round. */
    public synchronized void round() {
        try {
            Map<TenantId, String> kept = repository.kept();
            Set<TenantId> ledgers = new HashSet<>(repository.ledgers());
            Map<TenantId, SignedHead> signed = verifier.signedOutside();
            ledgers.addAll(signed.keySet());
            lookAtHeads();
            Instant oldest = clock.instant();
            for (TenantId ledger : ledgers) {
                PatrolState state = open(ledger, kept.get(ledger));
                note(ledger, state);
                if (closing.getCount() > 0 && isDue(state, signed.get(ledger))) {
                    state = walkAlone(ledger, state);
                }
                Instant whole = state == null || state.whole() == null ? started : state.whole();
                oldest = whole.isBefore(oldest) ? whole : oldest;
            }
            opened.keySet().retainAll(ledgers);
            metrics.stand(
                    broken.size(), Duration.between(oldest, clock.instant()).toSeconds());
        } catch (RuntimeException | Error e) {
            fail("ledgers cannot be verified", e);
        }
    }

    /** The log of heads by itself, as often as ledgers are walked anew; each node does. */
    private void lookAtHeads() {
        Instant now = clock.instant();
        if (headsSeen != null
                && headsSeen
                        .plus(broken.containsKey(HEADS) ? LOOK_AGAIN : config.every())
                        .isAfter(now)) {
            return;
        }
        headsSeen = now;
        Optional<String> fault = verifier.headsFault();
        fault.ifPresentOrElse(
                what -> {
                    if (broken.put(HEADS, new Fault(0, Kind.CHECKPOINT, what)) == null) {
                        LOG.error("The log of heads is not as it was signed: {}", what);
                    }
                },
                () -> broken.remove(HEADS));
    }

    private boolean isDue(@Nullable PatrolState state, @Nullable SignedHead signed) {
        if (state == null || leavesAnew(state)) {
            return true;
        }
        if (state.fault() != null) {
            return false;
        }
        return !state.isWhole()
                || (signed != null
                        && (signed.incarnation() != state.position().incarnation()
                                || signed.size() > state.position().size()));
    }

    /** Also where the time at which it left is still to come. */
    private boolean leavesAnew(PatrolState state) {
        Instant now = clock.instant();
        Duration every =
                state.fault() != null && config.every().compareTo(LOOK_AGAIN) > 0 ? LOOK_AGAIN : config.every();
        return state.begun().isAfter(now) || !state.begun().plus(every).isAfter(now);
    }

    /** The same in a turn that other nodes respect. */
    private @Nullable PatrolState walkAlone(TenantId ledger, @Nullable PatrolState known) {
        Optional<String> note = repository.lease(ledger, LEASE);
        if (note.isEmpty()) {
            return known;
        }
        PatrolState state = open(ledger, note.get());
        try {
            return walk(ledger, state);
        } catch (RuntimeException | Error e) {
            fail("the ledger of " + ledger + " cannot be verified", e);
            return state;
        }
    }

    private PatrolState walk(TenantId ledger, @Nullable PatrolState known) {
        PatrolState going = known == null || leavesAnew(known) ? null : known;
        LedgerWalk walk = verifier.walk(ledger, going == null ? null : going.position());
        Instant begun = going == null || walk.isFromTheBeginning() ? clock.instant() : going.begun();
        PatrolState state = new PatrolState(
                walk.position(), begun, known == null ? null : known.whole(), known == null ? null : known.fault());
        Instant end = clock.instant().plus(TURN);
        while (!walk.isDone() && closing.getCount() > 0 && clock.instant().isBefore(end)) {
            Optional<Broken> fault = step(walk);
            if (fault.isPresent()) {
                return report(ledger, state, fault.get().fault());
            }
            state = state.at(walk.position());
            keep(ledger, state, LEASE);
        }
        if (walk.isDone()) {
            boolean first = !state.isWhole();
            state = state.sound(first ? clock.instant() : state.whole() == null ? clock.instant() : state.whole());
            if (first && walk.position().size() > 0) {
                record(PatrolRecord.of(walk.position(), clock.instant()));
            }
        }
        keep(ledger, state, Duration.ZERO);
        note(ledger, state);
        return state;
    }

    /** A second's work at most, and a rest for as long as it may take. */
    private Optional<Broken> step(LedgerWalk walk) {
        long start = System.nanoTime();
        long before = walk.position().size();
        long worked = walk.worked();
        Optional<Broken> fault = walk.step(Math.min(STEP_WORK, config.entriesPerSecond()));
        metrics.verified(walk.position().size() - before);
        long nanos = TimeUnit.SECONDS.toNanos(1) * (walk.worked() - worked) / config.entriesPerSecond();
        if (!walk.isDone()) {
            // A step of one entry may be many seconds' work at a low rate, and the turn is this node's for so long
            // only.
            rest(Math.min(LEASE.toNanos() / 2, nanos - (System.nanoTime() - start)));
        }
        return fault;
    }

    /** Ends early where the patrol does. */
    private void rest(long nanos) {
        try {
            boolean _ = closing.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private PatrolState report(TenantId ledger, PatrolState state, Fault fault) {
        if (!fault.equals(broken.put(ledger.value(), fault))) {
            LOG.error("The ledger of {} is not as it was recorded: {}", ledger, fault.message());
        }
        PatrolState reported = state.broken(fault);
        record(PatrolRecord.of(ledger, state.position().incarnation(), fault));
        keep(ledger, reported, Duration.ZERO);
        return reported;
    }

    /** What the meters and the log say of a fault does not wait for an entry, nor for the note of it. */
    private void record(PatrolRecord record) {
        CompletableFuture<AppendResult> _ = log.append(
                        TenantId.ASSIZE, Recorder.ASSIZE, List.of(record.event()), record.key())
                .whenComplete((_, e) -> {
                    if (e != null) {
                        fail("what was found cannot be recorded", e);
                    }
                });
    }

    private void keep(TenantId ledger, PatrolState state, Duration lease) {
        String note = seal.seal(state.text(seal.deployment()));
        repository.keep(ledger, note, lease);
        opened.put(ledger, new Opened(note, state));
    }

    /** A fault goes only when a walk from the first entry has found the ledger sound since. */
    private void note(TenantId ledger, @Nullable PatrolState state) {
        if (state == null) {
            return;
        }
        if (state.fault() != null) {
            broken.put(ledger.value(), state.fault());
        } else if (state.isWhole()) {
            broken.remove(ledger.value());
        }
    }

    private @Nullable PatrolState open(TenantId ledger, @Nullable String note) {
        if (note == null || note.isEmpty()) {
            return null;
        }
        Opened before = opened.get(ledger);
        if (before != null && before.note.equals(note)) {
            return before.state;
        }
        PatrolState state = seal.open(note)
                .flatMap(text -> PatrolState.parse(seal.deployment(), ledger, text))
                .orElse(null);
        if (state != null) {
            opened.put(ledger, new Opened(note, state));
        }
        return state;
    }

    private void fail(String what, Throwable e) {
        metrics.failed();
        LOG.warn("In the background, {}: {}", what, e.getMessage());
        LOG.debug("In the background, {}", what, e);
    }

    private record Opened(String note, PatrolState state) {}
}

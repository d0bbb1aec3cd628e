package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.evaluate.CarriedPermission;
import dev.assize.server.decision.evaluate.Walk;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.prompt.WouldWaitException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Decides from the graphs that are held. The clock is read in milliseconds, which makes nothing, and at most once in a
 * millisecond of the steady one: so what it says stands for two, and an answer that would change within them is left to
 * those who read the clock more closely.
 *
 * <p>Questions about one tenant that follow each other find its graph where the first of them found it, until the cache
 * is about to let go of it. Of those one in some, and of those further apart than a millisecond each, asks the cache all
 * the same, which drops what is used least.
 */
final class HeldDesk implements Desk {

    /**
     * Of the questions answered one by one that follow each other within a millisecond, how many are timed: to time each
     * takes as long as to answer it.
     */
    static final int TIMED_ONE_IN = 64;

    /** Of the questions about one tenant that follow each other, how many ask the cache, which is to know what is used. */
    static final int FOUND_ONE_IN = 16;

    private static final long NANOS_A_MILLISECOND = 1_000_000;

    private final GraphCache graphs;
    private final NodeClock clock;
    private final DecisionMetrics metrics;
    private final DeskCounts counts;
    private final long freshnessMillis;
    private final TenantKey probe = TenantKey.probe();
    private final Walk walk = new Walk();

    /** Where the graph of the last tenant is, as long as the cache holds it. */
    private HeldGraph.@Nullable Place last;

    /** How many questions more are answered from there before the cache is asked. */
    private int unfound;

    private Instant now = Instant.EPOCH;
    private Instant changesNoSooner = Instant.EPOCH.plusMillis(2);
    private long nowMillis;
    private long readNanos;
    private long openedNanos;
    private boolean hasRead;

    /** What was decided and is not counted yet; the last of it may be known by the walk alone. */
    private final Map<Reason, Uncounted> uncountedByReason = new EnumMap<>(Reason.class);

    private final Uncounted[] uncounted =
            Stream.of(Reason.values()).map(Uncounted::new).toArray(Uncounted[]::new);
    private int decided;
    private int kept;

    /** How many questions more are answered before one is timed. */
    private int untimed;

    HeldDesk(GraphCache graphs, NodeClock clock, DecisionConfig config, DecisionMetrics metrics) {
        this.graphs = graphs;
        this.clock = clock;
        this.metrics = metrics;
        // What is counted by itself is kept as long as the meters are: the desk of a virtual thread is soon gone.
        this.counts = Thread.currentThread().isVirtual() ? new Shared() : metrics.tally();
        this.freshnessMillis = config.freshnessBound().toMillis();
        for (Uncounted each : uncounted) {
            uncountedByReason.put(each.reason, each);
        }
    }

    @Override
    public boolean open(CheckBytes names) {
        walk.leave();
        HeldGraph held = find(names);
        if (held == null) {
            return false;
        }
        counts.hit();
        // Behind the graph, as wherever a question is judged.
        readClocks();
        if (!held.isFresh(nowMillis, openedNanos, freshnessMillis)) {
            return false;
        }
        walk.enter(held.graph());
        abandon();
        return true;
    }

    /** What the cache holds; where the last question was about the same tenant, mostly without asking the cache. */
    // Whether it is this very place, not one like it.
    @SuppressWarnings("ReferenceEquality")
    private @Nullable HeldGraph find(CheckBytes names) {
        HeldGraph.Place known = last;
        HeldGraph held = unfound > 0 && known != null && known.isOf(names) ? known.graph() : null;
        if (held != null) {
            unfound--;
            return held;
        }
        held = graphs.probe(probe.at(names));
        unfound = FOUND_ONE_IN - 1;
        if (held != null && held.place() != known) {
            last = held.place();
        }
        return held;
    }

    private void readClocks() {
        openedNanos = clock.nanos();
        long since = openedNanos - readNanos;
        if (since < 0 || since >= NANOS_A_MILLISECOND || !hasRead) {
            hasRead = true;
            // Who asks seldom asks the cache each time, and is timed.
            unfound = 0;
            untimed = 0;
            readNanos = openedNanos;
            setNow(clock.millis());
        }
    }

    private void setNow(long millis) {
        if (nowMillis != millis) {
            nowMillis = millis;
            now = Instant.ofEpochMilli(millis);
            changesNoSooner = now.plusMillis(2);
        }
    }

    @Override
    public boolean decide(CheckBytes names) {
        var _ = walk.graph();
        if (!names.hasPlainPath()) {
            return false;
        }
        keepReason();
        try {
            walk.over(names, now);
            if (!isPlain(names) || walk.hasMoreToAsk() || walk.validUntil().isBefore(changesNoSooner)) {
                return false;
            }
        } catch (MalformedException callers) {
            return false;
        } catch (WouldWaitException later) {
            // Whoever asked begins anew: what was decided on the way is counted there.
            abandon();
            throw later;
        } catch (RuntimeException bug) {
            metrics.engineFailed();
            throw new EvaluationFailedException(bug);
        }
        decided++;
        return true;
    }

    /** Names that the policy has are. */
    private boolean isPlain(CheckBytes names) {
        return !names.namesGroup()
                && (walk.knowsEnvironmentAndAction() || names.hasPlainEnvironmentAndAction())
                && (walk.knowsSubject() || names.hasPlainSubject());
    }

    /** Before the walk forgets it. */
    private void keepReason() {
        if (kept < decided) {
            Objects.requireNonNull(uncountedByReason.get(walk.reason())).times++;
            kept++;
        }
    }

    @Override
    public Reason reason() {
        return walk.reason();
    }

    @Override
    public @Nullable String binding() {
        return walk.binding();
    }

    @Override
    public @Nullable String role() {
        CarriedPermission permission = walk.permission();
        return permission == null ? null : permission.role();
    }

    @Override
    public int position() {
        CarriedPermission permission = walk.permission();
        return permission == null ? -1 : permission.position();
    }

    @Override
    public Revision revision() {
        return walk.graph().revision();
    }

    @Override
    public Revision platformRevision() {
        return walk.graph().platformRevision();
    }

    @Override
    public Instant validUntil() {
        return walk.validUntil();
    }

    @Override
    public List<Obligation> obligations() {
        return walk.obligations();
    }

    @Override
    public DecisionLog decisionLog() {
        return walk.graph().decisionLog();
    }

    @Override
    public Answer answer() {
        return walk.answer();
    }

    @Override
    public void abandon() {
        for (int i = 0; kept > 0 && i < uncounted.length; i++) {
            uncounted[i].times = 0;
        }
        decided = 0;
        kept = 0;
    }

    @Override
    public void close() {
        for (int i = 0; kept > 0 && i < uncounted.length; i++) {
            if (uncounted[i].times > 0) {
                counts.decide(uncounted[i].reason, uncounted[i].times);
            }
        }
        if (kept < decided) {
            counts.decide(walk.reason(), 1);
        }
        if (decided == 1) {
            time();
        } else if (decided > 1) {
            metrics.decidedBatch(clock.nanos() - openedNanos);
        }
        abandon();
        walk.forget();
    }

    private void time() {
        if (untimed == 0) {
            metrics.decided(clock.nanos() - openedNanos);
            untimed = TIMED_ONE_IN;
        }
        untimed--;
    }

    /** How often something was decided. */
    private static final class Uncounted {

        private final Reason reason;
        private int times;

        Uncounted(Reason reason) {
            this.reason = reason;
        }
    }

    /** Counts where everybody counts. */
    private final class Shared implements DeskCounts {

        @Override
        public void decide(Reason reason, int times) {
            metrics.decidedElsewhere(reason, times);
        }

        @Override
        public void hit() {
            graphs.hit();
        }
    }
}

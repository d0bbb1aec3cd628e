package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.evaluate.CarriedPermission;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Walk;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.prompt.WouldWaitException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Decides from the graphs that are held. The clock is read in milliseconds, which makes nothing, and at most once in a
 * millisecond of the steady one: so what it says stands for two, and an answer that would change within them is left to
 * those who read the clock more closely.
 */
final class HeldDesk implements Desk {

    /** Of the questions answered one by one, how many are timed: to time each takes as long as to answer it. */
    static final int TIMED_ONE_IN = 16;

    private static final long NANOS_A_MILLISECOND = 1_000_000;

    private final GraphCache graphs;
    private final NodeClock clock;
    private final DecisionMetrics metrics;
    private final DeskCounts counts;
    private final long freshnessMillis;
    private final TenantKey probe = TenantKey.probe();
    private final Walk walk = new Walk();

    private @Nullable DecisionGraph graph;
    private Instant now = Instant.EPOCH;
    private Instant changesNoSooner = Instant.EPOCH.plusMillis(2);
    private long nowMillis;
    private long readNanos;
    private long openedNanos;
    private boolean hasRead;

    /** What was decided and is not counted yet; the last of it may be known by the walk alone. */
    private Reason[] reasons = new Reason[64];

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
    }

    @Override
    public boolean open(CheckBytes names) {
        graph = null;
        HeldGraph held = graphs.probe(probe.at(names));
        if (held == null) {
            return false;
        }
        counts.hit();
        // Behind the graph, as wherever a question is judged.
        readClocks();
        if (!held.isFresh(nowMillis, openedNanos, freshnessMillis)) {
            return false;
        }
        graph = held.graph();
        abandon();
        return true;
    }

    private void readClocks() {
        openedNanos = clock.nanos();
        long since = openedNanos - readNanos;
        if (since < 0 || since >= NANOS_A_MILLISECOND || !hasRead) {
            hasRead = true;
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
        DecisionGraph open = open();
        if (!names.hasPlainPath()) {
            return false;
        }
        keepReason();
        try {
            walk.over(open, names, now);
            if (!names.hasPlainNames(walk.knowsNames())
                    || walk.hasMoreToAsk()
                    || walk.validUntil().isBefore(changesNoSooner)) {
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

    /** Before the walk forgets it. */
    private void keepReason() {
        if (kept == decided) {
            return;
        }
        if (decided > reasons.length) {
            reasons = Arrays.copyOf(reasons, 2 * reasons.length);
        }
        reasons[kept++] = walk.reason();
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
        return open().revision();
    }

    @Override
    public Revision platformRevision() {
        return open().platformRevision();
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
        return open().decisionLog();
    }

    @Override
    public Answer answer() {
        return walk.answer();
    }

    @Override
    public void abandon() {
        decided = 0;
        kept = 0;
    }

    @Override
    public void close() {
        for (int i = 0; i < kept; i++) {
            counts.decide(reasons[i]);
        }
        if (kept < decided) {
            counts.decide(walk.reason());
        }
        if (decided == 1) {
            time();
        } else if (decided > 1) {
            metrics.decidedBatch(clock.nanos() - openedNanos);
        }
        abandon();
        graph = null;
        walk.forget();
    }

    private void time() {
        if (untimed == 0) {
            metrics.decided(clock.nanos() - openedNanos);
            untimed = TIMED_ONE_IN;
        }
        untimed--;
    }

    private DecisionGraph open() {
        return Objects.requireNonNull(graph, "The desk is closed");
    }

    /** Counts where everybody counts. */
    private final class Shared implements DeskCounts {

        @Override
        public void decide(Reason reason) {
            metrics.decidedElsewhere(reason);
        }

        @Override
        public void hit() {
            graphs.hit();
        }
    }
}

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
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Decides from the graphs that are held. The clock is read in milliseconds, which makes nothing: a moment stands for all
 * of its millisecond, and an answer that would change within it is left to those who read the clock more closely.
 */
final class HeldDesk implements Desk {

    private final GraphCache graphs;
    private final NodeClock clock;
    private final DecisionMetrics metrics;
    private final long freshnessMillis;
    private final TenantKey probe = TenantKey.probe();
    private final Walk walk = new Walk();

    private @Nullable DecisionGraph graph;
    private Instant now = Instant.EPOCH;
    private Instant nextMillisecond = Instant.EPOCH.plusMillis(1);
    private long nowMillis;
    private long startNanos;
    private int decided;

    HeldDesk(GraphCache graphs, NodeClock clock, DecisionConfig config, DecisionMetrics metrics) {
        this.graphs = graphs;
        this.clock = clock;
        this.metrics = metrics;
        this.freshnessMillis = config.freshnessBound().toMillis();
    }

    @Override
    public boolean open(CheckBytes names) {
        startNanos = metrics.start();
        HeldGraph held = graphs.getIfPresent(probe.at(names));
        if (held == null) {
            return false;
        }
        // Behind the graph, as wherever a question is judged.
        setNow(clock.millis());
        if (!held.isFresh(nowMillis, clock.nanos(), freshnessMillis)) {
            return false;
        }
        graph = held.graph();
        decided = 0;
        return true;
    }

    private void setNow(long millis) {
        if (nowMillis != millis) {
            nowMillis = millis;
            now = Instant.ofEpochMilli(millis);
            nextMillisecond = now.plusMillis(1);
        }
    }

    @Override
    public boolean decide(CheckBytes names) {
        DecisionGraph open = open();
        try {
            if (!names.isPlain()) {
                return false;
            }
            walk.over(open, names, now);
            if (walk.hasMoreToAsk() || walk.validUntil().isBefore(nextMillisecond)) {
                return false;
            }
        } catch (MalformedException callers) {
            return false;
        } catch (RuntimeException bug) {
            metrics.engineFailed();
            throw new EvaluationFailedException(bug);
        }
        metrics.decided(walk.reason());
        decided++;
        return true;
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
    public void close() {
        if (decided == 1) {
            metrics.decided(startNanos);
        } else if (decided > 1) {
            metrics.decidedBatch(startNanos);
        }
        decided = 0;
        graph = null;
        probe.forget();
        walk.forget();
    }

    private DecisionGraph open() {
        return Objects.requireNonNull(graph, "The desk is closed");
    }
}

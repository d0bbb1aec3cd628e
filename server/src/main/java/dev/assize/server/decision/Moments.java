package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.PastGraphs.PastGraph;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Finds what a question is answered from, now or then, and counts where that cannot be. */
final class Moments {

    /**
     * Up to when facts count that are asked for now: whatever is committed has happened, even if the clock of the node
     * that wrote it is ahead of this one's.
     */
    static final Instant ALL_COMMITTED = Calendar.LAST;

    private final GraphCache graphs;
    private final PastGraphs pasts;
    private final DecisionConfig config;
    private final InstantSource clock;
    private final DecisionMetrics metrics;

    @Inject
    Moments(GraphCache graphs, PastGraphs pasts, DecisionConfig config, InstantSource clock, DecisionMetrics metrics) {
        this.graphs = graphs;
        this.pasts = pasts;
        this.config = config;
        this.clock = clock;
        this.metrics = metrics;
    }

    /** The moment of a question; null where there is no such tenant, or was none then. */
    @Nullable
    Moment find(TenantId tenant, PointInTime at) {
        return switch (at) {
            case PointInTime.Now() -> present(tenant);
            case PointInTime.Past past -> past(tenant, past);
        };
    }

    /** The answer where there is no such tenant. */
    Answer tenantUnknown(PointInTime at) {
        boolean now = at instanceof PointInTime.Now;
        return new Answer(
                Reason.TENANT_UNKNOWN,
                null,
                Revision.NONE,
                now ? graphs.platformRevision() : Revision.NONE,
                now ? clock.instant().plus(Evaluator.HORIZON) : null,
                List.of());
    }

    /** The clock is read after the graph was got: waiting for it must not turn the answer into one about the past. */
    private @Nullable Moment present(TenantId tenant) {
        return counted(() -> {
            HeldGraph held = graphs.get(tenant, config.loadTimeout());
            Instant now = clock.instant();
            return held == null ? null : new Moment(held.fresh(config.freshnessBound()), now, ALL_COMMITTED, false);
        });
    }

    /** The tenant's graph, fresh or not, loaded where it is not held; null where it cannot be. */
    @Nullable
    HeldGraph loaded(TenantId tenant) {
        try {
            return graphs.get(tenant, config.loadTimeout());
        } catch (PolicyStaleException | PolicyUnavailableException | EvaluationFailedException e) {
            return null;
        }
    }

    /** The present, where what this node holds is enough to tell; it waits for nothing and counts no refusal. */
    @Nullable
    Moment presentIfReady(TenantId tenant) {
        HeldGraph held = graphs.getIfPresent(tenant);
        return held != null && held.isFresh(config.freshnessBound())
                ? new Moment(held.graph(), clock.instant(), ALL_COMMITTED, false)
                : null;
    }

    /** A place of one thread's for questions about the present. */
    Desk desk() {
        return graphs.desk();
    }

    private @Nullable Moment past(TenantId tenant, PointInTime.Past past) {
        Prompt.requireTime();
        Instant asOf = past.asOf();
        Instant now = clock.instant();
        if (asOf != null && asOf.isAfter(now)) {
            throw new MalformedException("as_of", asOf.toString(), "a moment that has come: it is " + now);
        }
        return counted(() -> {
            PastGraph found = pasts.get(tenant, past, config.loadTimeout()).orElse(null);
            return found == null
                    ? null
                    : new Moment(
                            found.graph(),
                            Objects.requireNonNullElseGet(asOf, clock::instant),
                            found.committedBy(),
                            true);
        });
    }

    private @Nullable Moment counted(Supplier<@Nullable Moment> search) {
        try {
            return search.get();
        } catch (PolicyStaleException e) {
            metrics.stale();
            throw e;
        } catch (PolicyUnavailableException e) {
            metrics.unavailable();
            throw e;
        } catch (EvaluationFailedException e) {
            metrics.engineFailed();
            throw e;
        }
    }
}

package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.search.Search;
import dev.assize.server.model.PolicyScope;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The whole PDP before a random world, at whatever moment it is asked. */
final class WorldPdp {

    /** Its clock jumps to and fro; what it holds is fresh whatever happens. */
    static final DecisionConfig CONFIG = new DecisionConfig(
            256L << 20,
            Duration.ofDays(100_000),
            Duration.ofDays(1),
            Duration.ofSeconds(30),
            8,
            100,
            Duration.ofSeconds(1),
            64L << 20,
            32,
            2);

    private final AtomicReference<Instant> clock = new AtomicReference<>(Instant.EPOCH);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final PolicyDecisionPoint pdp;
    private final PolicySearch search;
    private final Desk desk;

    WorldPdp(PolicySource source, WorldRecords records) {
        DecisionMetrics metrics = new DecisionMetrics(registry);
        GraphCache graphs = new GraphCache(source, CONFIG, Clocks.steady(clock::get), metrics);
        PastGraphs pasts = new PastGraphs(source, graphs, CONFIG, clock::get, metrics);
        Moments moments = new Moments(graphs, pasts, CONFIG, clock::get, metrics);
        // Facts are asked for by the clock's time: what is recorded later has not happened.
        Decisions decisions = new Decisions(
                (tenant, actor, resource, actions, until) ->
                        records.at(clock.get()).firstPerformed(tenant, actor, resource, actions, until),
                (tenant, subject, home, action, resource, env, until) ->
                        records.at(clock.get()).find(tenant, subject, home, action, resource, env, until),
                metrics,
                Evaluator::evaluate);
        pdp = new PolicyDecisionPoint(graphs, source, moments, decisions, clock::get, metrics);
        desk = pdp.desk();
        search = new PolicySearch(moments, decisions, clock::get, metrics);
    }

    Answer evaluate(CheckQuery query, Instant now) {
        return evaluate(query, PointInTime.NOW, now);
    }

    Answer evaluate(CheckQuery query, PointInTime at, Instant now) {
        clock.set(now);
        return pdp.evaluate(query, at);
    }

    /** By the bytes of the names, at a place that is used for one question after the other; null where it cannot. */
    @Nullable
    Answer evaluateBytes(CheckQuery query, Instant now) {
        clock.set(now);
        CheckBytes names = QuestionBytes.of(query);
        if (!desk.open(names)) {
            return null;
        }
        try (desk) {
            return desk.decide(names) ? desk.answer() : null;
        }
    }

    Explanation explain(CheckQuery query, Instant now) {
        clock.set(now);
        return pdp.explain(query, PointInTime.NOW);
    }

    /** Everything that a search finds, in pages of a few. */
    List<String> search(Search sought, Instant now) {
        return search(sought, PointInTime.NOW, now);
    }

    List<String> search(Search sought, PointInTime at, Instant now) {
        clock.set(now);
        List<String> found = new java.util.ArrayList<>();
        String after = null;
        do {
            var page = search.search(sought, at, after, 3, Duration.ofMinutes(1));
            found.addAll(page.found());
            after = page.next();
        } while (after != null);
        return found;
    }

    /** How often it brought a compiled policy up to date, and how often that failed. */
    List<Long> updates() {
        return List.of(registry.get("assize.decision.update.duration").timer().count(), (long)
                registry.get("assize.decision.update.failures").counter().count());
    }

    /** After a change of the policy. */
    void refresh(PolicyScope scope) {
        pdp.refresh(scope);
    }
}

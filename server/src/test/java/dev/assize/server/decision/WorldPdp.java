package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;

/** The whole PDP before a random world, at whatever moment it is asked. */
final class WorldPdp {

    /** Its clock jumps to and fro; what it holds is fresh whatever happens. */
    private static final DecisionConfig CONFIG = new DecisionConfig(
            256L << 20,
            Duration.ofDays(100_000),
            Duration.ofDays(1),
            Duration.ofSeconds(30),
            8,
            100,
            Duration.ofSeconds(1));

    private final AtomicReference<Instant> clock = new AtomicReference<>(Instant.EPOCH);
    private final PolicyDecisionPoint pdp;

    WorldPdp(PolicySource source, WorldRecords records) {
        DecisionMetrics metrics = new DecisionMetrics(new SimpleMeterRegistry());
        GraphCache graphs = new GraphCache(source, CONFIG, clock::get, metrics);
        pdp = new PolicyDecisionPoint(graphs, source, CONFIG, clock::get, metrics);
    }

    Answer evaluate(CheckQuery query, Instant now) {
        return evaluate(query, PointInTime.NOW, now);
    }

    Answer evaluate(CheckQuery query, PointInTime at, Instant now) {
        clock.set(now);
        return pdp.evaluate(query, at);
    }

    Explanation explain(CheckQuery query, Instant now) {
        clock.set(now);
        return pdp.explain(query, PointInTime.NOW);
    }

    DecisionService service() {
        return pdp;
    }
}

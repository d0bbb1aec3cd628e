package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Decides a request from a compiled policy: a function of its three arguments and of nothing else. */
public final class Evaluator {

    /** No answer says more about the future than this. */
    public static final Duration HORIZON = Duration.ofHours(24);

    private static final long HORIZON_SECONDS = HORIZON.toSeconds();

    private Evaluator() {}

    /**
     * What the policy of the query's tenant says of the query at the moment {@code now}, apart from the one on whose
     * behalf it is made.
     *
     * @throws dev.assize.server.model.MalformedException for an attribute that is not of its declared type
     */
    public static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now) {
        return evaluate(graph, query, now, null);
    }

    /**
     * The same, where somebody else says what there is to know.
     *
     * @param facts null for what the graph and the query say
     */
    static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now, @Nullable Facts facts) {
        if (!query.tenant().equals(graph.tenant())) {
            throw new IllegalArgumentException("A question to another tenant's graph");
        }
        graph.schema().attributes().require(query);
        Walk walk = new Walk();
        walk.over(graph, query, now, facts);
        return walk.verdict();
    }

    /** As far ahead as an answer may look. */
    static Instant horizon(Instant now) {
        return now.plusSeconds(HORIZON_SECONDS);
    }
}

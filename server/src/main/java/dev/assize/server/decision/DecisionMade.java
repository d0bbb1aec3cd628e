package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Recorder;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A decision as it goes on record.
 *
 * @param id by which the answer names it
 * @param caller who asked
 * @param traceContext W3C `traceparent` of the call; null where it had none
 */
public record DecisionMade(
        String id,
        Instant decidedAt,
        Recorder caller,
        CheckQuery query,
        Answer answer,
        @Nullable String traceContext) {}

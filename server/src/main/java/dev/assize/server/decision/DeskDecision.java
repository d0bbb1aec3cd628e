package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A decision as it goes on record, made at a {@link Desk}: its question is bytes still, which are somebody else's and are
 * read at once.
 *
 * @param id by which the answer names it
 * @param caller who asked
 * @param tenant asked about, where the subject is at home
 * @param names of the question, as the desk found them
 * @param traceContext W3C `traceparent` of the call; null where it had none
 */
public record DeskDecision(
        String id,
        Instant decidedAt,
        Recorder caller,
        TenantId tenant,
        CheckBytes names,
        Answer answer,
        @Nullable String traceContext) {}

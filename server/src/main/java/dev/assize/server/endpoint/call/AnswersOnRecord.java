package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.DecisionRecorder;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.DeskDecision;
import dev.assize.server.decision.NotOnRecordException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.recording.DecisionStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Puts answers on record before they are given, as the tenant's policy says. Where that fails there is no answer: an error,
 * which whoever asked reads as a deny.
 */
public final class AnswersOnRecord {

    /** How long an answer waits for its record where the call has no deadline. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final DecisionService decisions;
    private final DecisionRecorder recorder;
    private final DecisionStore store;
    private final InstantSource clock;

    @Inject
    public AnswersOnRecord(
            DecisionService decisions, DecisionRecorder recorder, DecisionStore store, InstantSource clock) {
        this.decisions = decisions;
        this.recorder = recorder;
        this.store = store;
        this.clock = clock;
    }

    /** An answer that is about to be given. */
    public Given given(String decisionId, CheckQuery query, Answer answer) {
        return new Given(decisionId, clock.instant(), query, answer);
    }

    /** To be called before deciding what is to be answered promptly: whoever waits for a record decides elsewhere. */
    public void requireTimeToWait(TenantId tenant) {
        if (Prompt.isRequired()) {
            DecisionLog log = decisions.decisionLog(tenant);
            if (log.mode() != DecisionLog.Mode.NONE && log.acknowledge() == DecisionLog.Acknowledge.BEFORE) {
                Prompt.requireTime();
            }
        }
    }

    /** Returns when the answers of a tenant may be given; an answer that is not given in time is not on record either. */
    public void put(TenantId tenant, List<Given> answers) {
        put(CallContext.current(), tenant, decisions.decisionLog(tenant), answers, true);
    }

    /** What one thread puts answers on record with that it gives at a desk, and whose record nobody waits for. */
    public Pen pen() {
        return new Pen(recorder.pen());
    }

    private static DecisionMade made(CallContext call, Given given) {
        return new DecisionMade(
                given.decisionId(),
                given.decidedAt(),
                call.recorder(),
                given.query(),
                given.answer(),
                call.traceContext());
    }

    /** The same for an answer that has had its effect: it goes on record, whether or not somebody still waits for it. */
    public void putDone(TenantId tenant, Given answer) {
        put(CallContext.current(), tenant, decisions.decisionLog(tenant), List.of(answer), false);
    }

    private void put(CallContext call, TenantId tenant, DecisionLog log, List<Given> answers, boolean mayBeWithdrawn) {
        if (log.mode() == DecisionLog.Mode.NONE) {
            return;
        }
        if (log.acknowledge() == DecisionLog.Acknowledge.BEFORE) {
            Prompt.requireTime();
        }
        List<DecisionMade> made = answers.stream()
                .filter(given -> log.covers(given.answer().reason().isAllow()))
                .map(given -> made(call, given))
                .toList();
        await(recorder.record(tenant, log.acknowledge(), made), mayBeWithdrawn);
    }

    /** The same where it may be on record already. */
    public void putOnce(TenantId tenant, Given answer) {
        if (decisions.decisionLog(tenant).covers(answer.answer().reason().isAllow())
                && !store.contains(tenant, answer.decisionId())) {
            putDone(tenant, answer);
        }
    }

    /** That an allow could go on record, if it must, before what it allows is done. */
    public void requireRoom(TenantId tenant) {
        if (decisions.decisionLog(tenant).covers(true)) {
            recorder.requireRoom(tenant);
        }
    }

    private static void await(CompletableFuture<Void> durable, boolean mayBeWithdrawn) {
        if (durable.isDone() && !durable.isCompletedExceptionally()) {
            return;
        }
        try {
            durable.get(Deadlines.left(LONGEST).toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException failure
                    ? failure
                    : new NotOnRecordException("the decision is not known to be on record", e);
        } catch (TimeoutException e) {
            if (!mayBeWithdrawn) {
                throw new NotOnRecordException("the decision is not known to be on record yet", e);
            }
            // What has failed meanwhile cannot be cancelled either; only what is on record may be answered.
            if (durable.cancel(false) || durable.isCompletedExceptionally()) {
                throw new NotOnRecordException("the decision did not go on record in time, so there is no answer", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotOnRecordException("this node is stopping, and the decision is not on record", e);
        }
    }

    /** Of one thread. */
    public final class Pen {

        private final DecisionRecorder.Pen pen;

        private Pen(DecisionRecorder.Pen pen) {
            this.pen = pen;
        }

        /** Takes the answer that is about to be given to a question, whose names are read before this returns. */
        public void put(CallContext call, TenantId tenant, String decisionId, CheckBytes names, Answer answer) {
            pen.record(new DeskDecision(
                    decisionId, clock.instant(), call.recorder(), tenant, names, answer, call.traceContext()));
        }
    }

    /** An answer with what it answers. */
    public record Given(String decisionId, Instant decidedAt, CheckQuery query, Answer answer) {}
}

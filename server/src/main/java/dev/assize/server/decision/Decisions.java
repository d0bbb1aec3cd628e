package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.MeasuredFacts.SourceFailedException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.prompt.WouldWaitException;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides at a moment, and fails closed: what a source throws and a bug of the engine's become exceptions that whoever
 * asked answers with a deny, and both are counted.
 */
final class Decisions {

    private final Settlement settlement;
    private final DecisionMetrics metrics;

    @Inject
    Decisions(Optional<HistorySource> history, Optional<ApprovalSource> approvals, DecisionMetrics metrics) {
        this(
                history.orElse((tenant, actor, resource, actions, until) -> {
                    throw new IllegalStateException("no ledger to ask");
                }),
                approvals.orElse((tenant, subject, home, action, resource, env, until) -> {
                    throw new IllegalStateException("no approvals to ask for");
                }),
                metrics,
                Evaluator::evaluate);
    }

    Decisions(HistorySource history, ApprovalSource approvals, DecisionMetrics metrics, Settlement.Engine engine) {
        MeasuredFacts facts = new MeasuredFacts(history, approvals, metrics);
        this.settlement = new Settlement(facts, facts, engine);
        this.metrics = metrics;
    }

    private Decisions(Settlement settlement, DecisionMetrics metrics) {
        this.settlement = settlement;
        this.metrics = metrics;
    }

    /** For many questions at one moment: no source is asked the same thing twice. Used by one thread. */
    Decisions remembering() {
        return new Decisions(settlement.remembering(), metrics);
    }

    Answer decide(Moment moment, CheckQuery query) {
        Answer answer = guarded(() -> settlement.decide(moment.graph(), query, moment.now(), moment.committedBy()));
        return moment.past() ? answer.historical() : answer;
    }

    /** The answer about the present where no source has to be asked for it; null where one has. */
    @Nullable
    Answer decideIfReady(Moment moment, CheckQuery query) {
        return guarded(() -> settlement.decideAlone(moment.graph(), query, moment.now()));
    }

    Explanation explain(Moment moment, CheckQuery query) {
        Explanation explanation =
                guarded(() -> settlement.explain(moment.graph(), query, moment.now(), moment.committedBy()));
        return moment.past() ? explanation.historical() : explanation;
    }

    private <T extends @Nullable Object> T guarded(Supplier<T> decision) {
        try {
            return decision.get();
        } catch (MalformedException | WouldWaitException | FactsElsewhereException callers) {
            throw callers;
        } catch (SourceFailedException failed) {
            throw failed.failure() instanceof StoreUnavailableException unavailable
                    ? unavailable
                    : new EvaluationFailedException(failed.failure());
        } catch (RuntimeException bug) {
            metrics.engineFailed();
            throw new EvaluationFailedException(bug);
        }
    }
}

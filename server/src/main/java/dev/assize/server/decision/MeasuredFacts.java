package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Measures the sources, and marks what they throw, so that it is not taken for a bug of the engine. */
final class MeasuredFacts implements HistorySource, ApprovalSource {

    /** A source threw. */
    static final class SourceFailedException extends RuntimeException {

        private final RuntimeException failure;

        SourceFailedException(RuntimeException failure) {
            super(failure);
            this.failure = failure;
        }

        RuntimeException failure() {
            return failure;
        }
    }

    private final HistorySource history;
    private final ApprovalSource approvals;
    private final DecisionMetrics metrics;

    MeasuredFacts(HistorySource history, ApprovalSource approvals, DecisionMetrics metrics) {
        this.history = history;
        this.approvals = approvals;
        this.metrics = metrics;
    }

    @Override
    public Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
        Prompt.requireTime();
        long start = metrics.start();
        Optional<Performed> performed =
                marked(() -> history.firstPerformed(tenant, actor, resource, actions, until), metrics::historyFailed);
        metrics.historyAsked(start);
        return performed;
    }

    @Override
    public List<ApprovalRequest> find(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until) {
        Prompt.requireTime();
        long start = metrics.start();
        List<ApprovalRequest> requests = marked(
                () -> approvals.find(tenant, subject, subjectHome, action, resource, env, until),
                metrics::approvalsFailed);
        metrics.approvalsAsked(start);
        return requests;
    }

    private static <T> T marked(Supplier<T> source, Runnable failed) {
        try {
            return source.get();
        } catch (FactsElsewhereException elsewhere) {
            throw elsewhere;
        } catch (RuntimeException failure) {
            failed.run();
            throw new SourceFailedException(failure);
        }
    }
}

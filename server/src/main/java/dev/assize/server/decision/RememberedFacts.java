package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Asks the sources nothing twice. For the questions of one batch: it remembers as long as it lives. */
final class RememberedFacts implements HistorySource, ApprovalSource {

    private final HistorySource history;
    private final ApprovalSource approvals;
    private final Map<HistoryQuestion, Optional<Performed>> performed = new HashMap<>();
    private final Map<ApprovalQuestion, List<ApprovalRequest>> requests = new HashMap<>();

    RememberedFacts(HistorySource history, ApprovalSource approvals) {
        this.history = history;
        this.approvals = approvals;
    }

    @Override
    public Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
        return remembered(
                performed,
                new HistoryQuestion(tenant, actor, resource, actions, until),
                () -> history.firstPerformed(tenant, actor, resource, actions, until));
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
        return remembered(
                requests,
                new ApprovalQuestion(tenant, subject, subjectHome, action, resource, env, until),
                () -> approvals.find(tenant, subject, subjectHome, action, resource, env, until));
    }

    private static <K, V> V remembered(Map<K, V> answers, K question, Supplier<V> source) {
        V known = answers.get(question);
        if (known == null) {
            known = source.get();
            answers.put(question, known);
        }
        return known;
    }

    private record HistoryQuestion(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {}

    private record ApprovalQuestion(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until) {}
}

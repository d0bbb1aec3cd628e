package dev.assize.server.upstream;

import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What was done and what was approved, which only the centre knows: the question that needs it is asked there, whole. */
final class CentreFacts implements HistorySource, ApprovalSource {

    @Override
    public Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
        throw new FactsElsewhereException();
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
        throw new FactsElsewhereException();
    }
}

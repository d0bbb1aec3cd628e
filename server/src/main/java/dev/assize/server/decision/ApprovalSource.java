package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;

/**
 * What was asked to be approved, and what became of it. Reads what is committed, never something remembered. Blocks;
 * asked only for requests that an approval rule covers.
 */
public interface ApprovalSource {

    /**
     * The requests for exactly this subject, action, resource and environment that were made at {@code until} or before,
     * oldest first, each as it was then; those that were over by then may be left out, for they satisfy nothing. Who asks
     * about the present means all that is committed, and names a moment far ahead.
     */
    List<ApprovalRequest> find(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until);
}

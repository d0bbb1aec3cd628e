package dev.assize.server.decision.check;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;

/**
 * A question to the PDP: may this subject do this action on this resource?
 *
 * @param subjectTenant the subject's home; equal to {@code tenant} unless the request names another
 */
public record CheckQuery(
        Subject subject,
        ResourcePath resource,
        Action action,
        TenantId tenant,
        Environment env,
        TenantId subjectTenant) {

    public CheckQuery {
        if (subject.isGroup()) {
            throw new MalformedException(subject.toString(), Subject.EXPECTED_OF_REQUEST);
        }
    }
}

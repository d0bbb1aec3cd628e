package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;

/** The stored documents of a scope are not what the last change left: somebody altered them past the server. */
public final class PolicyDriftException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public PolicyDriftException(PolicyScope scope, String message) {
        super("the stored policy of " + scope + " is not what its last change left: " + message
                + "; `assize policy replay` names what differs");
    }
}

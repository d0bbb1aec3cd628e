package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;

/** Others were changing the same policy for too long; nothing was changed, and trying again is right. */
public final class PolicyBusyException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public PolicyBusyException(PolicyScope scope, Throwable cause) {
        super(
                "waited in vain for another change of the policy of " + scope
                        + " to be committed; nothing was changed: try again",
                cause);
    }
}

package dev.assize.server.decision;

import dev.assize.server.model.TenantId;
import java.util.concurrent.TimeoutException;

/** The tenant's policy is not held and could not be read in time; there is nothing to decide from. */
public final class PolicyUnavailableException extends RuntimeException {

    public PolicyUnavailableException(TenantId tenant, Throwable cause) {
        super("policy of tenant `" + tenant + "` could not be read", cause);
    }

    /** Whether it is being read and compiled still: then nothing has failed, and it is there soon. */
    public boolean isUnderWay() {
        return getCause() instanceof TimeoutException;
    }
}

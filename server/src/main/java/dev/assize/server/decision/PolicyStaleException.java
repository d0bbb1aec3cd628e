package dev.assize.server.decision;

import java.time.Duration;

/** This node has not been able to confirm that its policy is fresh within the bound; it does not answer from it. */
public final class PolicyStaleException extends RuntimeException {

    public PolicyStaleException(Duration age, Duration bound) {
        super("policy not confirmed for " + age.toMillis() + " ms, bound " + bound.toMillis() + " ms");
    }
}

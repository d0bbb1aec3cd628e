package dev.assize.server.decision.impact;

import dev.assize.server.policy.PolicySet;

/** A tenant's policy beside the platform's at one time. */
public record PolicyState(PolicySet tenant, PolicySet platform) {}

package dev.assize.server.decision;

import dev.assize.server.decision.NodeClock.Reading;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.Map;

/** What the revisions were at the moment they were asked for. */
record Polled(Map<PolicyScope, Revision> revisions, Reading askedAt, Map<TenantId, Duration> ages) {

    Polled(Map<PolicyScope, Revision> revisions, Reading askedAt) {
        this(revisions, askedAt, Map.of());
    }

    /** As of when what was answered of a tenant is confirmed. */
    Reading confirmedAt(TenantId tenant) {
        return ages.isEmpty() ? askedAt : askedAt.minus(ages.getOrDefault(tenant, Duration.ZERO));
    }

    Revision platform() {
        return revisions.getOrDefault(PolicyScope.PLATFORM, Revision.NONE);
    }
}

package dev.assize.server.decision;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Where the PDP gets policy from. Blocks; never called on the path of a decision that the cache can answer. */
public interface PolicySource {

    /** The tenant's and the platform's policy as of one moment; empty where there is no such tenant. */
    Optional<PolicySnapshot> load(TenantId tenant);

    /** The current revisions of those of the scopes that exist. */
    Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes);

    /** A tenant's policy beside the platform's, read in one transaction. */
    record PolicySnapshot(PolicySet tenant, PolicySet platform) {}
}

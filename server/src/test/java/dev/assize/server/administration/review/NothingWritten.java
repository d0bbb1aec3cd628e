package dev.assize.server.administration.review;

import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import java.util.Collection;
import java.util.Map;
import java.util.Set;

/** Of nobody's grants is anything written down. */
public final class NothingWritten implements GrantRecords {

    @Override
    public Map<DocumentKey, Written> written(PolicyScope scope, Collection<DocumentKey> documents) {
        return Map.of();
    }

    @Override
    public Map<Held, Use> lastUses(TenantId tenant, Collection<Held> grants, Set<Environment> envs) {
        return Map.of();
    }
}

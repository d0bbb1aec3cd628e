package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicySnapshots;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.PolicyKeeper;

/** Has the policy written whole behind what is pruned, so that it can be rebuilt from what is left. */
final class SnapshotPolicyKeeper implements PolicyKeeper {

    private final PolicySnapshots snapshots;

    @Inject
    SnapshotPolicyKeeper(PolicySnapshots snapshots) {
        this.snapshots = snapshots;
    }

    @Override
    public void keep(TenantId tenant, long fromSeq) {
        snapshots.cover(tenant, fromSeq);
    }
}

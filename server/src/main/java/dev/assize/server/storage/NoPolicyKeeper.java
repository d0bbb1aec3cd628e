package dev.assize.server.storage;

import dev.assize.server.model.TenantId;
import dev.assize.server.retention.PolicyKeeper;

/** Without snapshots of policy, the entries that tell of its changes stay. */
final class NoPolicyKeeper implements PolicyKeeper {

    @Override
    public boolean isAble() {
        return false;
    }

    @Override
    public void keep(TenantId tenant, long fromSeq) {}
}

package dev.assize.server.administration;

import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.List;

/** Nobody cleans up by itself. */
public final class NobodysTurn implements CleanUpTurns {

    @Override
    public boolean take(Duration meanwhile) {
        return false;
    }

    @Override
    public void done(Duration later) {}

    @Override
    public List<TenantId> tenants() {
        return List.of();
    }
}

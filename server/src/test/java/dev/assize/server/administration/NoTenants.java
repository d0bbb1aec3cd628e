package dev.assize.server.administration;

import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A register with nobody in it. */
public final class NoTenants implements TenantRegister {

    @Override
    public List<TenantId> names(@Nullable TenantId after, int limit) {
        return List.of();
    }

    @Override
    public Optional<Registered> find(TenantId tenant) {
        return Optional.empty();
    }
}

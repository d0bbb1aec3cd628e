package dev.assize.server.administration;

import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.TenantDocument;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The tenants there are, and those that were. Blocks. */
public interface TenantRegister {

    /** Names of tenants that ever had policy, behind one, in their order. */
    List<TenantId> names(@Nullable TenantId after, int limit);

    /** What its policy says of a tenant; empty where it never had any. */
    Optional<Registered> find(TenantId tenant);

    /**
     * A tenant.
     *
     * @param revision of its policy
     * @param changedAt when that was committed
     * @param document null where it has none any more
     * @param isSuspended whether it has the freeze that suspends it
     * @param used what it has of what it may have
     */
    record Registered(
            TenantId tenant,
            Revision revision,
            Instant changedAt,
            @Nullable TenantDocument document,
            boolean isSuspended,
            Used used) {}

    /**
     * How much of each limit of a tenant is used; null where there is none, for then nobody counts.
     *
     * @param documents of policy, freezes not counted
     * @param keys that are valid
     */
    record Used(@Nullable Integer documents, @Nullable Integer keys) {}
}

package dev.assize.server.access;

import dev.assize.server.authentication.Caller;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;

/** Answers what a caller may ask of Assize; every doubt is a no. */
public interface AccessControl {

    /** Whether the credential reaches the tenant and policy grants the permission there. */
    boolean permits(Caller caller, TenantId tenant, Permission permission);

    /** The same for a scope; the platform is guarded as `tenant:assize`. */
    default boolean permits(Caller caller, PolicyScope scope, Permission permission) {
        return permits(caller, scope.ledgerTenant(), permission);
    }

    /** Whether the caller may speak for subjects of the type in the tenant. */
    boolean mayActAs(Caller caller, TenantId tenant, String subjectType);
}

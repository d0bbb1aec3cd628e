package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.access.AccessControl;
import dev.assize.server.access.Permission;
import dev.assize.server.access.RpcPermissions;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.Caller;
import dev.assize.server.authentication.LastingKey;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.Map;

/**
 * What every call passes before anything of its request is looked at: that the credential reaches the tenant, then
 * that policy grants what the RPC needs there. A tenant out of reach is refused in the same words whether or not it
 * exists.
 */
public final class Gate {

    private final AccessControl access;
    private final ApiKeys keys;
    private final BreakGlass breakGlass;
    private final TenantDirectory tenants;

    @Inject
    public Gate(AccessControl access, ApiKeys keys, BreakGlass breakGlass, TenantDirectory tenants) {
        this.access = access;
        this.keys = keys;
        this.breakGlass = breakGlass;
        this.tenants = tenants;
    }

    /** That the credential by which the current call came in is still valid: a stream may outlive it. */
    public void requireCredential() {
        requireCredential(keys.isStillValid(CallContext.current().caller()));
    }

    /** The credential of a call whose messages each {@linkplain #requireCredential(LastingKey) require} it. */
    public LastingKey credential(CallContext call) {
        return keys.lasting(call.caller());
    }

    /** The same of a credential that is asked about with each message. */
    public void requireCredential(LastingKey credential) {
        requireCredential(credential.isStillValid());
    }

    private static void requireCredential(boolean valid) {
        if (!valid) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_INVALID, "the credential has expired or was revoked", Map.of());
        }
    }

    /** Admits the current call to the tenant its request names in {@code tenant}. */
    public TenantId admit(String tenant) {
        TenantId id = Fields.read("tenant", tenant, TenantId::new);
        admit(id);
        return id;
    }

    /** The same for a name that was read already. */
    public void admit(TenantId tenant) {
        admit(CallContext.current(), tenant);
    }

    /** The same for a call that is known. */
    public void admit(CallContext call, TenantId tenant) {
        requireReach(call.caller(), tenant);
        require(call, tenant, needed(call, tenant));
    }

    /** Admits the current call to a tenant, or to the platform where the request names none. */
    public PolicyScope admitToScope(String tenant) {
        PolicyScope scope = Fields.scope("tenant", tenant);
        admit(scope);
        return scope;
    }

    /** Admits the current call to the scope. */
    public void admit(PolicyScope scope) {
        admit(CallContext.current(), scope.ledgerTenant());
    }

    private static Permission needed(CallContext call, TenantId tenant) {
        return RpcPermissions.of(call.rpc()).orElseThrow(() -> missing(call.caller(), tenant, "rpc", call.rpc()));
    }

    /** That the credential reaches the tenant of this name, which need not exist. */
    public void requireReach(Caller caller, TenantId tenant) {
        if (!caller.mayActIn(tenant)) {
            throw RefusedException.of(
                    ErrorReason.TENANT_NOT_ALLOWED, "the credential does not reach the tenant it names", Map.of());
        }
    }

    /** A permission beyond what the RPC itself needs. */
    public void require(TenantId tenant, Permission permission) {
        require(CallContext.current(), tenant, permission);
    }

    private void require(CallContext call, TenantId tenant, Permission permission) {
        Caller caller = call.caller();
        if (!access.permits(caller, tenant, permission)) {
            throw missing(caller, tenant, permission.resourceType(), permission.action());
        }
        // In tenant `assize` that was recorded when the call came in.
        if (caller.breakGlass() && !tenant.equals(TenantId.ASSIZE) && tenants.exists(tenant)) {
            breakGlass.useIn(caller, tenant, call.rpc());
        }
    }

    public boolean permits(TenantId tenant, Permission permission) {
        return access.permits(CallContext.current().caller(), tenant, permission);
    }

    /** Whether the caller may speak for subjects of the type. */
    public boolean mayActAs(TenantId tenant, String subjectType) {
        return access.mayActAs(CallContext.current().caller(), tenant, subjectType);
    }

    /** That the credential may ask about the environment. */
    public void requireEnvironment(Environment env) {
        if (!CallContext.current().caller().mayAskAbout(env)) {
            throw RefusedException.of(
                    ErrorReason.ENVIRONMENT_NOT_ALLOWED,
                    "the credential may not ask about environment `" + env + "`",
                    Map.of("env", env.value()));
        }
    }

    /** That the credential is for all environments. */
    public void requireEveryEnvironment(String what) {
        if (!CallContext.current().caller().envs().isEmpty()) {
            throw RefusedException.of(
                    ErrorReason.ENVIRONMENT_NOT_ALLOWED,
                    "the credential is for some environments, and " + what + " concerns all",
                    Map.of());
        }
    }

    /** That the caller is the actor, or may speak for subjects of its type. */
    public void requireActAs(TenantId tenant, Subject actor) {
        requireActAs(tenant, actor, CallContext.current().caller().home());
    }

    /** The same where the actor's home is said: another tenant's subject of the caller's name is somebody else. */
    public void requireActAs(TenantId tenant, Subject actor, TenantId home) {
        Caller caller = CallContext.current().caller();
        boolean namesake = caller.subject().equals(actor);
        if (!(namesake && caller.home().equals(home)) && !access.mayActAs(caller, tenant, actor.type())) {
            throw RefusedException.of(
                    ErrorReason.ACT_AS_MISSING,
                    "`" + caller.subject() + "` may not act as `" + actor + "`"
                            + (namesake ? " of tenant `" + home + "`" : "") + ": expected the caller itself, or"
                            + " permission `act-as` on `tenant:" + tenant + "/subject:" + actor.type() + "`",
                    Map.of("tenant", tenant.value(), "subject_type", actor.type()));
        }
    }

    private static RefusedException missing(Caller caller, TenantId tenant, String resourceType, String action) {
        String resource = "tenant:" + tenant + "/" + resourceType;
        return RefusedException.of(
                ErrorReason.PERMISSION_MISSING,
                "`" + caller.subject() + "` lacks permission `" + action + "` on `" + resource + "`",
                Map.of("resource", resource, "action", action));
    }
}

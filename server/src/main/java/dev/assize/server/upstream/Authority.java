package dev.assize.server.upstream;

import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.Set;

/**
 * What this sidecar's credential may do in a tenant, as the centre said last.
 *
 * @param self whom it authenticates
 * @param home the tenant of that
 * @param permissions as `policy/check`
 * @param actAs types of subjects for which it may speak, of those that it asked about
 */
public record Authority(Subject self, TenantId home, Set<String> permissions, Set<String> actAs) {

    public Authority {
        permissions = Set.copyOf(permissions);
        actAs = Set.copyOf(actAs);
    }

    static Authority of(dev.assize.proto.v1.Authority told) {
        return new Authority(
                Subject.parse(told.getSubject()),
                new TenantId(told.getSubjectTenant()),
                Set.copyOf(told.getPermissionsList()),
                Set.copyOf(told.getActAsList()));
    }
}

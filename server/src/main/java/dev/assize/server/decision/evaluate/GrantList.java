package dev.assize.server.decision.evaluate;

import java.util.List;

/**
 * The grants that name a subject, by index. Beside them their roles: most grants have no say in a request, which shows
 * from the role alone, so that a grant is touched only where it matters. Equal lists of a graph are one object.
 */
public final class GrantList {

    private final long[] roleSet;
    private final int[] roles;
    private final Grant[] grants;

    private GrantList(long[] roleSet, int[] roles, Grant[] grants) {
        this.roleSet = roleSet;
        this.roles = roles;
        this.grants = grants;
    }

    /** The grants, in the order of their index, in a graph of so many bound roles. */
    public static GrantList of(List<Grant> grants, int roleCount) {
        long[] roleSet = new long[RoleRules.wordCount(roleCount)];
        int[] roles = grants.stream().mapToInt(Grant::role).toArray();
        for (int role : roles) {
            roleSet[role >> 6] |= 1L << role;
        }
        return new GrantList(roleSet, roles, grants.toArray(Grant[]::new));
    }

    int size() {
        return roles.length;
    }

    int role(int position) {
        return roles[position];
    }

    Grant grant(int position) {
        return grants[position];
    }

    boolean hasRoleOf(Cell cell) {
        return cell.allows().hasAnyOf(roleSet) || cell.denies().hasAnyOf(roleSet);
    }

    List<Grant> asList() {
        return List.of(grants);
    }

    /** An estimate of its heap, for the cache. */
    public long weightBytes() {
        return 80 + 8L * roleSet.length + 8L * roles.length;
    }
}

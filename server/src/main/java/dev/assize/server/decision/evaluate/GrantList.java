package dev.assize.server.decision.evaluate;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Grants by the names of their bindings. Beside them their roles: most grants have no say in a request, which shows from
 * the role alone, so that a grant is touched only where it matters. A long list says at once that none has one.
 */
public final class GrantList {

    public static final GrantList NONE = new GrantList(new Grant[0]);

    /** Up to so many roles are looked at one by one. */
    private static final int SHORT = 12;

    private static final Comparator<Grant> BY_NAME = Comparator.comparing(Grant::name, Utf8Order.INSTANCE);

    private final int[] roles;
    private final Grant[] grants;
    private final long @Nullable [] roleSet;

    private GrantList(Grant[] byName) {
        this.grants = byName;
        this.roles = new int[byName.length];
        int last = 0;
        for (int i = 0; i < byName.length; i++) {
            roles[i] = byName[i].role();
            last = Math.max(last, roles[i]);
        }
        this.roleSet = byName.length > SHORT ? new long[RoleRules.wordCount(last + 1)] : null;
        if (roleSet != null) {
            for (int role : roles) {
                roleSet[role >> 6] |= 1L << role;
            }
        }
    }

    /** The grants in whatever order, each name once. */
    public static GrantList of(Collection<Grant> grants) {
        if (grants.isEmpty()) {
            return NONE;
        }
        Grant[] byName = grants.toArray(Grant[]::new);
        Arrays.sort(byName, BY_NAME);
        return new GrantList(byName);
    }

    /** All that are in some of the lists, each once. */
    static GrantList union(List<GrantList> lists) {
        if (lists.size() == 1) {
            return lists.getFirst();
        }
        Grant[] all = lists.stream().flatMap(list -> Arrays.stream(list.grants)).toArray(Grant[]::new);
        if (all.length == 0) {
            return NONE;
        }
        Arrays.sort(all, BY_NAME);
        int count = 1;
        for (int i = 1; i < all.length; i++) {
            if (!all[i].name().equals(all[count - 1].name())) {
                all[count++] = all[i];
            }
        }
        return new GrantList(Arrays.copyOf(all, count));
    }

    public int size() {
        return roles.length;
    }

    int role(int position) {
        return roles[position];
    }

    Grant grant(int position) {
        return grants[position];
    }

    /** Whether some grant may have a role with a rule in the cell; false is certain. */
    boolean mayHaveRoleOf(Cell cell) {
        return roleSet == null
                || cell.allows().hasAnyOf(roleSet)
                || cell.denies().hasAnyOf(roleSet);
    }

    public List<Grant> asList() {
        return List.of(grants);
    }

    /** An estimate of its heap, the grants themselves not counted. */
    public long weightBytes() {
        return grants.length == 0 ? 0 : 56 + 8L * grants.length + (roleSet == null ? 0 : 16 + 8L * roleSet.length);
    }
}

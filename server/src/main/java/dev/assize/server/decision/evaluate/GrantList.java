package dev.assize.server.decision.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Grants, by the names of their bindings where they are few. Beside them their roles: most grants have no say in a
 * request, which shows from the role alone, so that a grant is touched only where it matters. A long list says at once
 * that none has one.
 *
 * <p>Very many grants are a list of parts, each of which is a list: so a list that differs in one grant copies one part
 * and the list of parts, and what several lists amount to is their parts, some grants then more than once.
 */
public final class GrantList {

    public static final GrantList NONE = new GrantList(new Grant[0], List.of());

    /** Up to so many roles are looked at one by one. */
    private static final int SHORT = 12;

    /** Of more grants than this, there are parts. */
    private static final int PART = 256;

    private static final Comparator<Grant> BY_NAME = Comparator.comparing(Grant::name, Utf8Order.INSTANCE);

    private static final Grant[] IN_PARTS = {};

    private final int size;
    private final int[] roles;
    private final Grant[] grants;
    private final List<GrantList> parts;
    private final long @Nullable [] roleSet;

    /** Grants by name, or parts. */
    private GrantList(Grant[] byName, List<GrantList> parts) {
        this.grants = byName;
        this.parts = parts;
        this.roles = new int[byName.length];
        int last = 0;
        for (int i = 0; i < byName.length; i++) {
            roles[i] = byName[i].role();
            last = Math.max(last, roles[i]);
        }
        this.size = parts.isEmpty()
                ? byName.length
                : parts.stream().mapToInt(GrantList::size).sum();
        this.roleSet = size > SHORT ? roleSet(roles, last, parts) : null;
    }

    private static long[] roleSet(int[] roles, int last, List<GrantList> parts) {
        long[] set = new long[RoleRules.wordCount(last + 1)];
        for (int role : roles) {
            set[role >> 6] |= 1L << role;
        }
        for (GrantList part : parts) {
            set = part.addRolesTo(set);
        }
        return set;
    }

    private long[] addRolesTo(long[] set) {
        long[] own = roleSet == null ? roleSet(roles, Arrays.stream(roles).max().orElse(0), parts) : roleSet;
        long[] sum = own.length > set.length ? Arrays.copyOf(set, own.length) : set;
        for (int i = 0; i < own.length; i++) {
            sum[i] |= own[i];
        }
        return sum;
    }

    /** The grants in whatever order, each name once. */
    public static GrantList of(Collection<Grant> grants) {
        if (grants.isEmpty()) {
            return NONE;
        }
        Grant[] byName = grants.toArray(Grant[]::new);
        Arrays.sort(byName, BY_NAME);
        return ofSorted(byName);
    }

    private static GrantList ofSorted(Grant[] byName) {
        if (byName.length <= PART) {
            return new GrantList(byName, List.of());
        }
        List<GrantList> parts = new ArrayList<>();
        for (int start = 0; start < byName.length; start += PART / 2) {
            int end = Math.min(byName.length, start + PART / 2);
            parts.add(new GrantList(Arrays.copyOfRange(byName, start, end), List.of()));
        }
        return new GrantList(IN_PARTS, List.copyOf(parts));
    }

    /** All that are in some of the lists: by name and each once, unless they are very many. */
    static GrantList union(List<GrantList> lists) {
        if (lists.size() == 1) {
            return lists.getFirst();
        }
        if (lists.stream().mapToInt(GrantList::size).sum() > PART) {
            return new GrantList(
                    IN_PARTS,
                    lists.stream().flatMap(list -> list.parts().stream()).toList());
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
        return new GrantList(Arrays.copyOf(all, count), List.of());
    }

    /**
     * The list without some grants and with others, of a list that {@link #of} or this made.
     *
     * @param removed the names of bindings
     * @param added whose names are not there, or among those that are removed
     */
    public GrantList with(Set<String> removed, Collection<Grant> added) {
        if (parts.isEmpty() || removed.size() + added.size() > parts.size()) {
            List<Grant> changed = new ArrayList<>(size + added.size());
            asList().stream().filter(grant -> !removed.contains(grant.name())).forEach(changed::add);
            changed.addAll(added);
            return of(changed);
        }
        List<GrantList> changed = new ArrayList<>(parts);
        removed.forEach(name -> replace(changed, name, Set.of(name), List.of()));
        added.forEach(grant -> replace(changed, grant.name(), Set.of(), List.of(grant)));
        return changed.size() == 1 ? changed.getFirst() : new GrantList(IN_PARTS, List.copyOf(changed));
    }

    private static void replace(List<GrantList> parts, String name, Set<String> removed, List<Grant> added) {
        int place = partOf(parts, name);
        GrantList by = parts.remove(place).with(removed, added);
        if (by.size() > 0 || parts.isEmpty()) {
            parts.addAll(place, by.parts());
        }
    }

    /** The last part that does not begin behind the name, or the first. */
    private static int partOf(List<GrantList> parts, String name) {
        int low = 0;
        int high = parts.size();
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (Utf8Order.INSTANCE.compare(parts.get(middle).grants[0].name(), name) <= 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    public int size() {
        return size;
    }

    /** What it consists of: lists without parts. */
    List<GrantList> parts() {
        return parts.isEmpty() ? List.of(this) : parts;
    }

    /** Whether its grants are those of its parts. */
    boolean isInParts() {
        return grants.length < size;
    }

    /** Of a list without parts. */
    int role(int position) {
        return roles[position];
    }

    /** Of a list without parts. */
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
        return parts.isEmpty()
                ? List.of(grants)
                : parts.stream().flatMap(part -> Arrays.stream(part.grants)).toList();
    }

    /** An estimate of its heap, the grants themselves not counted. */
    public long weightBytes() {
        long ofRoles = roleSet == null ? 0 : 16 + 8L * roleSet.length;
        return size == 0 ? 0 : 56 + 8L * size + 80L * parts.size() + ofRoles;
    }
}

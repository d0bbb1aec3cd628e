package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.RoleBindingDocument;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Grants, by the names of their bindings where they are few: roles, documents and terms beside each other. Most grants
 * have no say in a request, which shows from the role alone, so that the rest is touched only where it matters. A long
 * list says at once that none has one.
 *
 * <p>Very many grants are a list of parts, each of which is a list: so a list that differs in one grant copies one part
 * and the list of parts, and what several lists amount to is their parts, some grants then more than once.
 */
public final class GrantList {

    public static final GrantList NONE = new GrantList(new Grant[0]);

    /** Up to so many roles are looked at one by one. */
    private static final int SHORT = 12;

    /** Of more grants than this, there are parts. */
    private static final int PART = 256;

    private static final Comparator<Grant> BY_NAME = Comparator.comparing(Grant::name, Utf8Order.INSTANCE);

    private final int[] roles;
    private final RoleBindingDocument[] bindings;
    private final @Nullable GrantTerms @Nullable [] terms;
    private final @Nullable Many many;

    /** What only a long list has. */
    private record Many(int size, List<GrantList> parts, long[] roleSet) {}

    /** Grants by name. */
    private GrantList(Grant[] byName) {
        this.roles = new int[byName.length];
        this.bindings = new RoleBindingDocument[byName.length];
        boolean limited = false;
        for (int i = 0; i < byName.length; i++) {
            roles[i] = byName[i].role();
            bindings[i] = byName[i].binding();
            limited |= byName[i].terms() != null;
        }
        this.terms = limited ? Arrays.stream(byName).map(Grant::terms).toArray(GrantTerms[]::new) : null;
        this.many = byName.length > SHORT ? new Many(byName.length, List.of(), roleSet(roles)) : null;
    }

    /** Parts, each of which is a list. */
    private GrantList(List<GrantList> parts) {
        this.roles = new int[0];
        this.bindings = new RoleBindingDocument[0];
        this.terms = null;
        long[] set = new long[0];
        int size = 0;
        for (GrantList part : parts) {
            set = part.addRolesTo(set);
            size += part.size();
        }
        this.many = new Many(size, List.copyOf(parts), set);
    }

    private static long[] roleSet(int[] roles) {
        long[] set = new long[RoleRules.wordCount(Arrays.stream(roles).max().orElse(0) + 1)];
        for (int role : roles) {
            set[role >> 6] |= 1L << role;
        }
        return set;
    }

    private long[] addRolesTo(long[] set) {
        long[] own = many == null ? roleSet(roles) : many.roleSet();
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
            return new GrantList(byName);
        }
        List<GrantList> parts = new ArrayList<>();
        for (int start = 0; start < byName.length; start += PART / 2) {
            int end = Math.min(byName.length, start + PART / 2);
            parts.add(new GrantList(Arrays.copyOfRange(byName, start, end)));
        }
        return new GrantList(parts);
    }

    /** All that are in some of the lists: by name and each once, unless they are very many. */
    static GrantList union(List<GrantList> lists) {
        if (lists.size() == 1) {
            return lists.getFirst();
        }
        if (lists.stream().mapToInt(GrantList::size).sum() > PART) {
            return new GrantList(
                    lists.stream().flatMap(list -> list.parts().stream()).toList());
        }
        Grant[] all = lists.stream().flatMap(list -> list.asList().stream()).toArray(Grant[]::new);
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

    /**
     * The list without some grants and with others, of a list that {@link #of} or this made.
     *
     * @param removed the names of bindings
     * @param added whose names are not there, or among those that are removed
     */
    public GrantList with(Set<String> removed, Collection<Grant> added) {
        List<GrantList> parts = many == null ? List.of() : many.parts();
        if (parts.isEmpty() || removed.size() + added.size() > parts.size()) {
            List<Grant> changed = new ArrayList<>(size() + added.size());
            asList().stream().filter(grant -> !removed.contains(grant.name())).forEach(changed::add);
            changed.addAll(added);
            return of(changed);
        }
        List<GrantList> changed = new ArrayList<>(parts);
        removed.forEach(name -> replace(changed, name, Set.of(name), List.of()));
        added.forEach(grant -> replace(changed, grant.name(), Set.of(), List.of(grant)));
        return changed.size() == 1 ? changed.getFirst() : new GrantList(changed);
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
            if (Utf8Order.INSTANCE.compare(parts.get(middle).bindings[0].name(), name) <= 0) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    public int size() {
        return many == null ? roles.length : many.size();
    }

    /** What it consists of: lists without parts. */
    List<GrantList> parts() {
        return isInParts() ? Objects.requireNonNull(many).parts() : List.of(this);
    }

    /** Whether its grants are those of its parts. */
    boolean isInParts() {
        return many != null && many.size() > roles.length;
    }

    /** Of a list without parts. */
    int role(int position) {
        return roles[position];
    }

    /** Of a list without parts. */
    RoleBindingDocument binding(int position) {
        return bindings[position];
    }

    /** Of a list without parts; null where nothing limits the grant. */
    @Nullable
    GrantTerms terms(int position) {
        return terms == null ? null : terms[position];
    }

    /** Whether some grant may have a role with a rule in the cell; false is certain. */
    boolean mayHaveRoleOf(Cell cell) {
        return many == null
                || cell.allows().hasAnyOf(many.roleSet())
                || cell.denies().hasAnyOf(many.roleSet());
    }

    public List<Grant> asList() {
        return isInParts()
                ? parts().stream().flatMap(part -> part.asList().stream()).toList()
                : IntStream.range(0, roles.length)
                        .mapToObj(i -> new Grant(bindings[i], roles[i], terms(i)))
                        .toList();
    }

    /** An estimate of its heap, the terms and the documents not counted. */
    public long weightBytes() {
        if (roles.length == 0 && many == null) {
            return 0;
        }
        long ofMany = many == null
                ? 0
                : 40 + 8L * many.roleSet().length + 80L * many.parts().size();
        return 32 + 2 * (16 + 4L + 4L * roles.length & ~7) + (terms == null ? 0 : 16 + 4L * roles.length) + ofMany;
    }
}

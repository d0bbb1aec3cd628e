package dev.assize.server.decision.evaluate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The groups that some subjects are members of, all of the same ones, and what these groups are granted.
 *
 * <p>That is worked out when it is first asked for, and kept with the version of the groups for which it holds. Threads may
 * do so at the same time, and graphs of several revisions may share it: the field is written and read without a lock,
 * what stands in it is immutable, and whoever finds another version than its own works it out again.
 */
public final class Membership {

    /** Of those who are in no group. */
    public static final Membership NONE = new Membership(List.of());

    private final List<String> groups;

    private @Nullable Resolved resolved;

    /** What is had through groups, while they are what they were. */
    private record Resolved(GroupsVersion version, GrantList grants) {}

    /** A state of all groups and of the grants that name them; nothing but itself. */
    public static final class GroupsVersion {}

    /** @param groups that have the subject among their own members */
    public Membership(List<String> groups) {
        this.groups = List.copyOf(groups);
    }

    public List<String> groups() {
        return groups;
    }

    /** What names one of the groups, or one that they are in. */
    GrantList grants(HomeDirectory home) {
        if (groups.isEmpty()) {
            return GrantList.NONE;
        }
        Resolved known = resolved;
        if (known != null && known.version() == home.groupsVersion()) {
            return known.grants();
        }
        GrantList grants = resolve(home);
        resolved = new Resolved(home.groupsVersion(), grants);
        return grants;
    }

    /** The groups, and those that they are in, directly or through groups. */
    SortedSet<String> allGroups(HomeDirectory home) {
        SortedSet<String> found = new TreeSet<>(Utf8Order.INSTANCE);
        ArrayDeque<Membership> open = new ArrayDeque<>(List.of(this));
        while (!open.isEmpty()) {
            for (String group : open.remove().groups) {
                SubjectNode node = found.add(group) ? home.group(group) : null;
                if (node != null) {
                    open.add(node.membership());
                }
            }
        }
        return found;
    }

    private GrantList resolve(HomeDirectory home) {
        List<GrantList> lists = new ArrayList<>();
        for (String group : allGroups(home)) {
            SubjectNode node = home.group(group);
            if (node != null && node.direct().size() > 0) {
                lists.add(node.direct());
            }
        }
        return lists.isEmpty() ? GrantList.NONE : GrantList.union(lists);
    }

    /** An estimate of its heap. */
    long weightBytes() {
        return groups.isEmpty() ? 0 : 88 + 4L * groups.size();
    }
}

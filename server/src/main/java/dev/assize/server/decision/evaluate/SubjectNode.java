package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the policy says of one subject, or of one group: the grants that name it, and the groups it is a member of.
 *
 * <p>What it has through groups is worked out when it is first asked for, and kept with the version of the groups for
 * which it holds. Threads may do so at the same time, and graphs of several revisions may share a node: the field is
 * written and read without a lock, what stands in it is immutable, and whoever finds another version than its own works
 * it out again.
 */
public final class SubjectNode {

    public static final List<String> NO_GROUPS = List.of();

    private final Subject subject;
    private final GrantList direct;
    private final List<String> groups;
    private final boolean documented;

    private @Nullable Resolved resolved;

    /** What is had through groups, while they are what they were. */
    private record Resolved(GroupsVersion version, GrantList grants) {}

    /** A state of all groups and of the grants that name them; nothing but itself. */
    public static final class GroupsVersion {}

    /**
     * A node.
     *
     * @param groups of which it is a member itself
     * @param documented whether a document tells its attributes
     */
    public SubjectNode(Subject subject, GrantList direct, List<String> groups, boolean documented) {
        this.subject = subject;
        this.direct = direct;
        this.groups = groups.isEmpty() ? NO_GROUPS : List.copyOf(groups);
        this.documented = documented;
    }

    public Subject subject() {
        return subject;
    }

    /** What names it, and not one of its groups. */
    public GrantList direct() {
        return direct;
    }

    public List<String> groups() {
        return groups;
    }

    public boolean isDocumented() {
        return documented;
    }

    /** Whether nothing is said of it. */
    public boolean isEmpty() {
        return direct.size() == 0 && groups.isEmpty() && !documented;
    }

    /** What names it, by itself or by a group. */
    GrantList grants(HomeDirectory home) {
        if (groups.isEmpty()) {
            return direct;
        }
        Resolved known = resolved;
        if (known != null && known.version() == home.groupsVersion()) {
            return known.grants();
        }
        GrantList grants = resolve(home);
        resolved = new Resolved(home.groupsVersion(), grants);
        return grants;
    }

    /** The groups it is in, directly or through groups. */
    SortedSet<String> allGroups(HomeDirectory home) {
        SortedSet<String> found = new TreeSet<>(Utf8Order.INSTANCE);
        ArrayDeque<SubjectNode> open = new ArrayDeque<>(List.of(this));
        while (!open.isEmpty()) {
            for (String group : open.remove().groups) {
                SubjectNode node = found.add(group) ? home.group(group) : null;
                if (node != null) {
                    open.add(node);
                }
            }
        }
        return found;
    }

    private GrantList resolve(HomeDirectory home) {
        List<GrantList> lists = new ArrayList<>();
        if (direct.size() > 0) {
            lists.add(direct);
        }
        for (String group : allGroups(home)) {
            SubjectNode node = home.group(group);
            if (node != null && node.direct.size() > 0) {
                lists.add(node.direct);
            }
        }
        return lists.isEmpty() ? GrantList.NONE : GrantList.union(lists);
    }

    /** An estimate of its heap, and of its place in a table and an order of names. */
    public long weightBytes() {
        long throughGroups = groups.isEmpty() ? 0 : 88 + 4L * groups.size();
        return 32 + 28 + direct.weightBytes() + throughGroups;
    }
}

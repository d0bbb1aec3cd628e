package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.GroupDocument;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** Who is in which group of a tenant, read upwards: from a member to all groups around it. */
public final class Memberships {

    private final Map<Subject, List<String>> groupsByMember = new HashMap<>();
    private final Set<String> groups = new HashSet<>();

    public Memberships(Collection<GroupDocument> documents) {
        for (GroupDocument group : documents) {
            groups.add(group.name());
            for (Subject member : group.members()) {
                groupsByMember.computeIfAbsent(member, any -> new ArrayList<>()).add(group.name());
            }
        }
    }

    public boolean isGroup(String name) {
        return groups.contains(name);
    }

    /** All who are a member of some group, groups included. */
    public Set<Subject> members() {
        return groupsByMember.keySet();
    }

    /** The groups that contain the subject, directly or through groups. */
    public SortedSet<String> containing(Subject subject) {
        SortedSet<String> found = new TreeSet<>(Utf8Order.INSTANCE);
        ArrayDeque<Subject> open = new ArrayDeque<>(List.of(subject));
        while (!open.isEmpty()) {
            for (String group : groupsByMember.getOrDefault(open.remove(), List.of())) {
                if (found.add(group)) {
                    open.add(ofGroup(group));
                }
            }
        }
        return found;
    }

    /** A group as members and bindings name it. */
    public static Subject ofGroup(String name) {
        return new Subject(Subject.GROUP_TYPE, name);
    }
}

package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.Grant;
import dev.assize.server.decision.evaluate.GrantList;
import dev.assize.server.decision.evaluate.HomeDirectory;
import dev.assize.server.decision.evaluate.Membership;
import dev.assize.server.decision.evaluate.Membership.GroupsVersion;
import dev.assize.server.decision.evaluate.SubjectNode;
import dev.assize.server.decision.evaluate.SubjectTable;
import dev.assize.server.decision.evaluate.Utf8Order;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.SortedNames;
import dev.assize.server.policy.SubjectPattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Changes whom of one home tenant a directory knows: notes what is touched, and makes a directory that differs in it. */
final class HomeEditor {

    private final HomeDirectory base;
    private final Map<Subject, Draft> drafts = new HashMap<>();
    private final Map<String, Grants> ofType = new HashMap<>();
    private @Nullable Grants ofAnyone;
    private boolean groupsChanged;
    private long addedWeightBytes;

    /** What is to become of a list of grants. */
    private static final class Grants {

        private final GrantList base;
        private final List<Grant> added = new ArrayList<>(2);
        private @Nullable Set<String> removed;

        Grants(GrantList base) {
            this.base = base;
        }

        void add(Grant grant) {
            added.add(grant);
        }

        /** Of a binding that was there before: each changes once. */
        void remove(String binding) {
            Set<String> names = removed == null ? new HashSet<>() : removed;
            names.add(binding);
            removed = names;
        }

        GrantList finished() {
            return removed == null && added.isEmpty() ? base : base.with(removed == null ? Set.of() : removed, added);
        }
    }

    /** What is to be said of a subject. */
    private static final class Draft {

        private final Grants grants;
        private final Membership before;
        private @Nullable List<String> groups;
        private boolean documented;

        Draft(@Nullable SubjectNode base) {
            this.grants = new Grants(base == null ? GrantList.NONE : base.direct());
            this.before = base == null ? Membership.NONE : base.membership();
            this.documented = base != null && base.isDocumented();
        }

        List<String> groups() {
            List<String> changed = groups == null ? new ArrayList<>(before.groups()) : groups;
            groups = changed;
            return changed;
        }

        /** Members of the same groups share what they have through them. */
        SubjectNode node(Subject subject, Map<List<String>, Membership> memberships) {
            Membership membership = groups == null || groups.equals(before.groups())
                    ? before
                    : memberships.computeIfAbsent(groups, Membership::new);
            return new SubjectNode(subject, grants.finished(), membership, documented);
        }
    }

    HomeEditor(HomeDirectory base) {
        this.base = base;
    }

    void add(SubjectPattern pattern, Grant grant) {
        grants(pattern).add(grant);
    }

    void remove(SubjectPattern pattern, String binding) {
        grants(pattern).remove(binding);
    }

    void addMember(String group, Subject member) {
        groupsOf(member).add(group);
    }

    void removeMember(String group, Subject member) {
        groupsOf(member).remove(group);
    }

    void document(Subject subject, boolean documented) {
        draft(subject).documented = documented;
    }

    /** What the changes add to its weight. */
    long addedWeightBytes() {
        return addedWeightBytes;
    }

    HomeDirectory finish() {
        Map<Subject, SubjectNode> nodes = HashMap.newHashMap(drafts.size());
        Map<List<String>, Membership> memberships = new HashMap<>(Map.of(List.of(), Membership.NONE));
        drafts.forEach((subject, draft) -> nodes.put(subject, draft.node(subject, memberships)));
        drafts.clear();
        nodes.values().forEach(this::weigh);
        return new HomeDirectory(
                table(nodes),
                names(nodes),
                ofType(),
                ofAnyone == null ? base.ofAnyone() : weighed(base.ofAnyone(), ofAnyone.finished()),
                groupsChanged ? new GroupsVersion() : base.groupsVersion());
    }

    private void weigh(SubjectNode node) {
        SubjectNode old =
                base.subjects().find(node.subject().type(), node.subject().id());
        addedWeightBytes += (node.isEmpty() ? 0 : node.weightBytes()) - (old == null ? 0 : old.weightBytes());
    }

    private GrantList weighed(GrantList old, GrantList list) {
        addedWeightBytes += list.weightBytes() - old.weightBytes();
        return list;
    }

    /** Where nobody was known, nothing can be taken from anybody, and every node says something. */
    private SubjectTable table(Map<Subject, SubjectNode> nodes) {
        return base.subjects().size() == 0
                ? SubjectTable.of(nodes.values())
                : base.subjects().with(nodes);
    }

    private SortedNames<Subject> names(Map<Subject, SubjectNode> nodes) {
        if (base.subjects().size() == 0) {
            return SortedNames.of(
                    Utf8Order.OF_SUBJECTS,
                    nodes.values().stream()
                            .map(SubjectNode::subject)
                            .filter(subject -> !subject.isGroup())
                            .toList());
        }
        SortedNames<Subject> names = base.names();
        for (SubjectNode node : nodes.values()) {
            Subject subject = node.subject();
            boolean known = base.subjects().find(subject.type(), subject.id()) != null;
            if (!subject.isGroup() && known == node.isEmpty()) {
                names = node.isEmpty() ? names.without(subject) : names.with(subject);
            }
        }
        return names;
    }

    private Map<String, GrantList> ofType() {
        if (ofType.isEmpty()) {
            return base.ofType();
        }
        Map<String, GrantList> changed = new HashMap<>(base.ofType());
        ofType.forEach((type, grants) -> {
            GrantList list = weighed(base.ofType().getOrDefault(type, GrantList.NONE), grants.finished());
            if (list.size() == 0) {
                changed.remove(type);
            } else {
                changed.put(type, list);
            }
        });
        return changed;
    }

    private Grants grants(SubjectPattern pattern) {
        return switch (pattern) {
            case SubjectPattern.Anyone() -> {
                Grants grants = ofAnyone == null ? new Grants(base.ofAnyone()) : ofAnyone;
                ofAnyone = grants;
                yield grants;
            }
            case SubjectPattern.AnyOfType(String type) ->
                ofType.computeIfAbsent(type, any -> new Grants(base.ofType().getOrDefault(type, GrantList.NONE)));
            case SubjectPattern.Named(Subject subject) -> {
                groupsChanged |= subject.isGroup();
                yield draft(subject).grants;
            }
        };
    }

    private List<String> groupsOf(Subject member) {
        groupsChanged |= member.isGroup();
        return draft(member).groups();
    }

    private Draft draft(Subject subject) {
        return drafts.computeIfAbsent(subject, any -> new Draft(base.subjects().find(subject.type(), subject.id())));
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.evaluate.Membership.GroupsVersion;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.SortedNames;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whom of one home tenant a policy knows, and what it grants them. Wildcards are kept apart, or each would be repeated at
 * every subject.
 */
public final class HomeDirectory {

    /** Of whom nothing is known. */
    public static final HomeDirectory NOBODY = new HomeDirectory(
            SubjectTable.EMPTY,
            SortedNames.of(Utf8Order.OF_SUBJECTS, List.of()),
            Map.of(),
            GrantList.NONE,
            new GroupsVersion());

    private final SubjectTable subjects;
    private final @Nullable NameTable<GrantList> byType;
    private final GrantList ofAnyone;
    private final GroupsVersion groupsVersion;
    private final SortedNames<Subject> names;
    private final Map<String, GrantList> ofType;

    /**
     * A directory.
     *
     * @param subjects with groups, as subjects of type `group`
     * @param names of subjects, without groups
     * @param ofType what holds for all of a type
     * @param ofAnyone what holds for everybody
     */
    public HomeDirectory(
            SubjectTable subjects,
            SortedNames<Subject> names,
            Map<String, GrantList> ofType,
            GrantList ofAnyone,
            GroupsVersion groupsVersion) {
        this.subjects = subjects;
        this.byType = ofType.isEmpty() ? null : new NameTable<>(ofType);
        this.ofAnyone = ofAnyone;
        this.groupsVersion = groupsVersion;
        this.names = names;
        this.ofType = Map.copyOf(ofType);
    }

    public SubjectTable subjects() {
        return subjects;
    }

    public SortedNames<Subject> names() {
        return names;
    }

    public Map<String, GrantList> ofType() {
        return ofType;
    }

    public GrantList ofAnyone() {
        return ofAnyone;
    }

    public GroupsVersion groupsVersion() {
        return groupsVersion;
    }

    public boolean isEmpty() {
        return subjects.size() == 0 && ofType.isEmpty() && ofAnyone.size() == 0;
    }

    @Nullable
    SubjectNode find(Subject subject) {
        return subjects.find(subject.type(), subject.id());
    }

    /** What is known of the subject of a question. */
    @Nullable
    SubjectNode find(CheckBytes question) {
        return subjects.find(question.bytes(), question.subjectOffset(), question.subjectLength());
    }

    public @Nullable SubjectNode group(String name) {
        return subjects.find(Subject.GROUP_TYPE, name);
    }

    /** What holds for all subjects of the type of a question's subject. */
    GrantList ofType(CheckBytes question) {
        GrantList grants = byType == null
                ? null
                : byType.find(question.bytes(), question.subjectOffset(), question.subjectTypeLength());
        return grants == null ? GrantList.NONE : grants;
    }

    Iterator<Subject> names(@Nullable String type, @Nullable String after) {
        String start = type == null ? "" : type + ":";
        String behind = after == null || Utf8Order.INSTANCE.compare(after, start) < 0 ? start : after;
        Iterator<Subject> from = names.from(subject -> Utf8Order.INSTANCE.compare(subject.toString(), behind) <= 0);
        return type == null
                ? from
                : new WhileIterator<>(from, subject -> subject.type().equals(type));
    }

    List<String> wildcards(@Nullable String type) {
        List<String> wildcards = new ArrayList<>();
        if (ofAnyone.size() > 0) {
            wildcards.add("*");
        }
        ofType.keySet().stream()
                .filter(each -> type == null || type.equals(each))
                .sorted(Utf8Order.INSTANCE)
                .forEach(each -> wildcards.add(each + ":*"));
        return wildcards;
    }
}

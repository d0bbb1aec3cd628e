package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.evaluate.SubjectNode.GroupsVersion;
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
 *
 * @param subjects with groups, as subjects of type `group`
 * @param names of subjects, without groups
 * @param ofType what holds for all of a type
 * @param ofAnyone what holds for everybody
 */
public record HomeDirectory(
        SubjectTable subjects,
        SortedNames<Subject> names,
        Map<String, GrantList> ofType,
        GrantList ofAnyone,
        GroupsVersion groupsVersion) {

    /** Of whom nothing is known. */
    public static final HomeDirectory NOBODY = new HomeDirectory(
            SubjectTable.EMPTY,
            SortedNames.of(Utf8Order.OF_SUBJECTS, List.of()),
            Map.of(),
            GrantList.NONE,
            new GroupsVersion());

    public boolean isEmpty() {
        return subjects.size() == 0 && ofType.isEmpty() && ofAnyone.size() == 0;
    }

    @Nullable
    SubjectNode find(Subject subject) {
        return subjects.find(subject.type(), subject.id());
    }

    public @Nullable SubjectNode group(String name) {
        return subjects.find(Subject.GROUP_TYPE, name);
    }

    /** What holds for all subjects of the type. */
    GrantList ofType(String type) {
        return ofType.isEmpty() ? GrantList.NONE : ofType.getOrDefault(type, GrantList.NONE);
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

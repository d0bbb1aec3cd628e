package dev.assize.server.policy.condition;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Map;
import java.util.SortedSet;

/** What a condition may look at. Attributes are merged already: stored ones win, and are read as they are declared. */
public interface ConditionInput {

    Subject subject();

    /** The type of the subject, which is known also where it is nobody in particular. */
    default String subjectType() {
        return subject().type();
    }

    /** The type of the resource, which is known also where it is none in particular. */
    default String resourceType() {
        return resource().type();
    }

    /** The names of all groups that contain the subject, directly or through groups. */
    SortedSet<String> groups();

    default boolean isInGroup(String group) {
        return groups().contains(group);
    }

    Map<String, AttributeValue> subjectAttributes();

    ResourcePath resource();

    Map<String, AttributeValue> resourceAttributes();

    Action action();

    Environment env();

    TenantId tenant();

    Map<String, AttributeValue> context();

    /** The moment that is judged. */
    Instant now();
}

package dev.assize.server.policy.condition;

import dev.assize.server.model.AttributeValue;
import java.util.List;
import java.util.Map;

/** What a condition can name. */
final class Names {

    static final String SUBJECT_ATTRIBUTES = "subject.attr";
    static final String RESOURCE_ATTRIBUTES = "resource.attr";
    static final String CONTEXT = "context";
    static final String GROUPS = "subject.groups";
    static final String NOW = "now";

    /** Maps of attributes. */
    static final List<String> ATTRIBUTES = List.of(SUBJECT_ATTRIBUTES, RESOURCE_ATTRIBUTES, CONTEXT);

    /** The texts that every request has. */
    static final List<String> TEXTS = List.of(
            "subject.type", "subject.id", "resource.type", "resource.id", "resource.path", "action", "env", "tenant");

    private Names() {}

    static boolean isText(String name) {
        return TEXTS.contains(name);
    }

    /** One of {@link #TEXTS}. */
    static String text(ConditionInput input, String name) {
        return switch (name) {
            case "subject.type" -> input.subjectType();
            case "subject.id" -> input.subject().id();
            case "resource.type" -> input.resourceType();
            case "resource.id" -> resourceId(input);
            case "resource.path" -> input.resource().value();
            case "action" -> input.action().value();
            case "env" -> input.env().value();
            case "tenant" -> input.tenant().value();
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** One of {@link #ATTRIBUTES}. */
    static Map<String, AttributeValue> attributes(ConditionInput input, String place) {
        return switch (place) {
            case SUBJECT_ATTRIBUTES -> input.subjectAttributes();
            case RESOURCE_ATTRIBUTES -> input.resourceAttributes();
            case CONTEXT -> input.context();
            default -> throw new IllegalArgumentException(place);
        };
    }

    /** Whether the value of what is so named comes with the request or the clock. */
    static boolean readsNowOrAttributes(String name) {
        return name.equals(NOW)
                || ATTRIBUTES.contains(name)
                || name.startsWith(SUBJECT_ATTRIBUTES + ".")
                || name.startsWith(RESOURCE_ATTRIBUTES + ".");
    }

    /** As it is written in the path; empty for a type as a whole. */
    private static String resourceId(ConditionInput input) {
        if (input.resource().wholeType()) {
            return "";
        }
        String path = input.resource().value();
        return path.substring(path.indexOf(':', path.lastIndexOf('/') + 1) + 1);
    }
}

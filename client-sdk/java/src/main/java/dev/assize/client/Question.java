package dev.assize.client;

import java.util.HashMap;
import java.util.Map;

/**
 * May {@code subject} do {@code action} on {@code resource}? Immutable; each {@code with…} and {@code in…} gives a
 * changed copy.
 *
 * <pre>{@code
 * Question.of("user:alice@acme.com", "incident:438", "read").inTenant("acme").inEnv("production")
 * }</pre>
 *
 * @param subject `type:id`
 * @param resource segments `type:id` joined by `/`
 * @param action case-sensitive
 * @param tenant empty means the client's default
 * @param env empty means the client's default
 * @param subjectTenant the subject's home; empty means the tenant asked about
 * @param subjectAttributes strings, whole numbers, doubles, booleans, instants, and lists and maps of them
 * @param resourceAttributes likewise
 * @param context attributes of the surroundings, likewise
 */
public record Question(
        String subject,
        String resource,
        String action,
        String tenant,
        String env,
        String subjectTenant,
        Map<String, Object> subjectAttributes,
        Map<String, Object> resourceAttributes,
        Map<String, Object> context) {

    public Question {
        subjectAttributes = Map.copyOf(subjectAttributes);
        resourceAttributes = Map.copyOf(resourceAttributes);
        context = Map.copyOf(context);
    }

    public static Question of(String subject, String resource, String action) {
        return new Question(subject, resource, action, "", "", "", Map.of(), Map.of(), Map.of());
    }

    public Question inTenant(String tenant) {
        return new Question(
                subject, resource, action, tenant, env, subjectTenant, subjectAttributes, resourceAttributes, context);
    }

    public Question inEnv(String env) {
        return new Question(
                subject, resource, action, tenant, env, subjectTenant, subjectAttributes, resourceAttributes, context);
    }

    /** Says that the subject is at home in another tenant. */
    public Question fromTenant(String subjectTenant) {
        return new Question(
                subject, resource, action, tenant, env, subjectTenant, subjectAttributes, resourceAttributes, context);
    }

    public Question withSubjectAttribute(String name, Object value) {
        return new Question(
                subject,
                resource,
                action,
                tenant,
                env,
                subjectTenant,
                plus(subjectAttributes, name, value),
                resourceAttributes,
                context);
    }

    public Question withResourceAttribute(String name, Object value) {
        return new Question(
                subject,
                resource,
                action,
                tenant,
                env,
                subjectTenant,
                subjectAttributes,
                plus(resourceAttributes, name, value),
                context);
    }

    public Question withContext(String name, Object value) {
        return new Question(
                subject,
                resource,
                action,
                tenant,
                env,
                subjectTenant,
                subjectAttributes,
                resourceAttributes,
                plus(context, name, value));
    }

    private static Map<String, Object> plus(Map<String, Object> attributes, String name, Object value) {
        Map<String, Object> more = new HashMap<>(attributes);
        more.put(name, value);
        return more;
    }
}

package dev.assize.client;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * May {@code subject} do {@code action} on {@code resource}? Immutable; each {@code with…} and {@code in…} gives a
 * changed copy.
 *
 * <pre>{@code
 * Question.of("user:alice@acme.com", "incident:438", "read").inTenant("acme").inEnv("production")
 * }</pre>
 *
 * @param subject `type:id`; empty where subjects are searched
 * @param resource segments `type:id` joined by `/`; empty where resources are searched
 * @param action case-sensitive; empty where actions are searched
 * @param tenant empty means the client's default
 * @param env empty means the client's default
 * @param subjectTenant the subject's home; empty means the tenant asked about
 * @param subjectAttributes strings, whole numbers, doubles, booleans, instants, and lists and maps of them
 * @param resourceAttributes likewise
 * @param context attributes of the surroundings, likewise
 * @param activeRoles the roles the subject acts in; empty means all that it holds
 * @param onBehalfOf who must be allowed as well, where the subject acts for somebody; may be empty
 * @param onBehalfOfTenant its home; empty means the tenant asked about
 * @param runId the run this is a part of; may be empty
 * @param atRevision asks about the past, by the policy of this revision; 0 for the present
 * @param asOf asks about the past, at this moment; null for the present
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
        Map<String, Object> context,
        List<String> activeRoles,
        String onBehalfOf,
        String onBehalfOfTenant,
        String runId,
        long atRevision,
        @Nullable Instant asOf) {

    public Question {
        subjectAttributes = Map.copyOf(subjectAttributes);
        resourceAttributes = Map.copyOf(resourceAttributes);
        context = Map.copyOf(context);
        activeRoles = List.copyOf(activeRoles);
    }

    public static Question of(String subject, String resource, String action) {
        return new Question(
                subject, resource, action, "", "", "", Map.of(), Map.of(), Map.of(), List.of(), "", "", "", 0, null);
    }

    /** Any text as one id within a resource path: in {@code "doc:" + pathId("a/b")} the slash divides nothing. */
    public static String pathId(String id) {
        return id.replace("%", "%25").replace("/", "%2F");
    }

    /** For {@link AssizeClient#searchSubjects}: who may do the action on the resource? */
    public static Question whoMay(String action, String resource) {
        return of("", resource, action);
    }

    /** For {@link AssizeClient#searchResources}: on what may the subject do the action? */
    public static Question onWhatMay(String subject, String action) {
        return of(subject, "", action);
    }

    /** For {@link AssizeClient#searchActions}: what may the subject do on the resource? */
    public static Question whatMay(String subject, String resource) {
        return of(subject, resource, "");
    }

    /** Whether it is about the past: nobody may act on the answer, and a check of it denies. */
    public boolean isAboutThePast() {
        return atRevision != 0 || asOf != null;
    }

    public Question inTenant(String tenant) {
        return with(copy -> copy.tenant = tenant);
    }

    public Question inEnv(String env) {
        return with(copy -> copy.env = env);
    }

    /** Says that the subject is at home in another tenant. */
    public Question fromTenant(String subjectTenant) {
        return with(copy -> copy.subjectTenant = subjectTenant);
    }

    public Question withSubjectAttribute(String name, Object value) {
        return with(copy -> copy.subjectAttributes = plus(subjectAttributes, name, value));
    }

    public Question withResourceAttribute(String name, Object value) {
        return with(copy -> copy.resourceAttributes = plus(resourceAttributes, name, value));
    }

    public Question withContext(String name, Object value) {
        return with(copy -> copy.context = plus(context, name, value));
    }

    /** Says that the subject acts in this role, and in those named before. */
    public Question inRole(String role) {
        List<String> roles = new ArrayList<>(activeRoles);
        roles.add(role);
        return with(copy -> copy.activeRoles = roles);
    }

    /** Says for whom the subject acts. */
    public Question onBehalfOf(String delegator) {
        return with(copy -> copy.onBehalfOf = delegator);
    }

    /** Says for whom of another tenant the subject acts. */
    public Question onBehalfOf(String delegator, String home) {
        return with(copy -> {
            copy.onBehalfOf = delegator;
            copy.onBehalfOfTenant = home;
        });
    }

    /** Says of which run this is a part. */
    public Question inRun(String runId) {
        return with(copy -> copy.runId = runId);
    }

    /** Asks about the past, by the policy of a revision. */
    public Question atRevision(long revision) {
        return with(copy -> copy.atRevision = revision);
    }

    /** Asks about the past, at a moment. */
    public Question asOf(Instant moment) {
        return with(copy -> copy.asOf = moment);
    }

    private Question with(Consumer<Copy> change) {
        Copy copy = new Copy(this);
        change.accept(copy);
        return new Question(
                subject,
                resource,
                action,
                copy.tenant,
                copy.env,
                copy.subjectTenant,
                copy.subjectAttributes,
                copy.resourceAttributes,
                copy.context,
                copy.activeRoles,
                copy.onBehalfOf,
                copy.onBehalfOfTenant,
                copy.runId,
                copy.atRevision,
                copy.asOf);
    }

    private static Map<String, Object> plus(Map<String, Object> attributes, String name, Object value) {
        Map<String, Object> more = new HashMap<>(attributes);
        more.put(name, value);
        return more;
    }

    /** What may change from one question to the next. */
    private static final class Copy {

        private String tenant;
        private String env;
        private String subjectTenant;
        private Map<String, Object> subjectAttributes;
        private Map<String, Object> resourceAttributes;
        private Map<String, Object> context;
        private List<String> activeRoles;
        private String onBehalfOf;
        private String onBehalfOfTenant;
        private String runId;
        private long atRevision;
        private @Nullable Instant asOf;

        Copy(Question of) {
            tenant = of.tenant;
            env = of.env;
            subjectTenant = of.subjectTenant;
            subjectAttributes = of.subjectAttributes;
            resourceAttributes = of.resourceAttributes;
            context = of.context;
            activeRoles = of.activeRoles;
            onBehalfOf = of.onBehalfOf;
            onBehalfOfTenant = of.onBehalfOfTenant;
            runId = of.runId;
            atRevision = of.atRevision;
            asOf = of.asOf;
        }
    }
}

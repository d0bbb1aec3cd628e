package dev.assize.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A role to give; see {@link #of}. What is left out does not limit.
 *
 * @param name of the binding; empty for one that the server makes up
 * @param subjects {@code user:alice}, {@code group:noc}, {@code user:*} or {@code *}
 * @param fromTenant the subjects' home; empty for the tenant itself
 * @param when a condition in CEL; empty for none
 */
public record Grant(
        String name,
        List<String> subjects,
        String role,
        List<String> environments,
        List<String> resourceTypes,
        List<String> resources,
        String fromTenant,
        @Nullable Instant notBefore,
        @Nullable Instant notAfter,
        String when,
        String reason) {

    public Grant {
        subjects = List.copyOf(subjects);
        environments = List.copyOf(environments);
        resourceTypes = List.copyOf(resourceTypes);
        resources = List.copyOf(resources);
    }

    /** A role for one subject, without limits. */
    public static Grant of(String subject, String role, String reason) {
        return new Grant("", List.of(subject), role, List.of(), List.of(), List.of(), "", null, null, "", reason);
    }

    /** The same on these paths, and what lies under them, only. */
    public Grant on(String... paths) {
        return new Grant(
                name,
                subjects,
                role,
                environments,
                resourceTypes,
                List.of(paths),
                fromTenant,
                notBefore,
                notAfter,
                when,
                reason);
    }

    /** The same in these environments only. */
    public Grant in(String... envs) {
        return new Grant(
                name,
                subjects,
                role,
                List.of(envs),
                resourceTypes,
                resources,
                fromTenant,
                notBefore,
                notAfter,
                when,
                reason);
    }

    /** The same until a moment. */
    public Grant until(Instant end) {
        return new Grant(
                name, subjects, role, environments, resourceTypes, resources, fromTenant, notBefore, end, when, reason);
    }
}

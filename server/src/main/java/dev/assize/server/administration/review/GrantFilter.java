package dev.assize.server.administration.review;

import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.SubjectPattern;
import org.jspecify.annotations.Nullable;

/**
 * Which rows are wanted.
 *
 * @param subject whom they must be about, by name or by `*`; null for everybody
 * @param home of that subject
 * @param role which they must give; null for every role
 */
public record GrantFilter(
        @Nullable Subject subject, TenantId home, @Nullable String role) {

    boolean wants(SubjectPattern pattern, TenantId homeOfPattern) {
        return subject == null || (homeOfPattern.equals(home) && names(pattern, subject));
    }

    private static boolean names(SubjectPattern pattern, Subject subject) {
        return switch (pattern) {
            case SubjectPattern.Anyone _ -> true;
            case SubjectPattern.AnyOfType(String type) -> subject.type().equals(type);
            case SubjectPattern.Named(Subject named) -> named.equals(subject);
        };
    }

    boolean wants(String name) {
        return role == null || role.equals(name);
    }
}

package dev.assize.server.administration.review;

import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.SubjectPattern;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One role that one subject has by one binding.
 *
 * @param home of the subject
 * @param subject named; no group, but perhaps `*` or `user:*`
 * @param role which the binding names, or which that role inherits
 * @param groups from the one that the binding names to the one that names the subject; empty where the binding does
 * @param inheritedThrough from the role that the binding names to the one that inherits this role; empty where the
 *     binding names it
 */
public record GrantRow(
        RoleBindingDocument binding,
        TenantId home,
        SubjectPattern subject,
        String role,
        List<String> groups,
        List<String> inheritedThrough) {

    public GrantRow {
        groups = List.copyOf(groups);
        inheritedThrough = List.copyOf(inheritedThrough);
    }

    /** Its place in the order of a review. */
    public Position position() {
        return new Position(binding.name(), subject.toString(), role);
    }

    /** The subject, where it is one; null for `*` and `user:*`. */
    @Nullable
    Subject named() {
        return subject instanceof SubjectPattern.Named(Subject one) ? one : null;
    }

    /** Behind a row; without a subject, behind all rows of a binding. */
    public record Position(
            String binding,
            @Nullable String subject,
            @Nullable String role) {

        boolean isBehind(String otherSubject, String otherRole) {
            if (subject == null || role == null) {
                return true;
            }
            int order = otherSubject.compareTo(subject);
            return order < 0 || (order == 0 && otherRole.compareTo(role) <= 0);
        }
    }
}

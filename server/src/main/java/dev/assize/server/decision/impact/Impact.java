package dev.assize.server.decision.impact;

import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whose answers a change alters in one tenant, and what it leaves without effect.
 *
 * @param lines the first of them, by subject, resource, action, environment
 * @param lineCount how many there are; where the analysis was cut short, at least
 * @param complete whether everything was looked at that the change touches
 * @param findings what is without effect afterwards and was not before, the first of them
 * @param findingCount how many there are
 * @param before what is
 * @param after what would be
 */
public record Impact(
        TenantId tenant,
        List<Line> lines,
        long lineCount,
        boolean complete,
        List<Finding> findings,
        long findingCount,
        PolicyState before,
        PolicyState after) {

    public Impact {
        lines = List.copyOf(lines);
        findings = List.copyOf(findings);
    }

    /** Whether something is not among the lines. */
    public boolean isTruncated() {
        return !complete || lineCount > lines.size();
    }

    /** Whether nothing changes. */
    public boolean isEmpty() {
        return lineCount == 0 && findingCount == 0 && complete;
    }

    /**
     * One answer that becomes another.
     *
     * @param subject by name, or `user:*` or `*` for those whom policy does not name
     * @param home of the subject
     * @param action `*` for those that policy does not name
     * @param resource a type for all of it; a type under a path for all of it there; a path; `*` for all types that
     *     policy does not name. It holds unless a narrower line says otherwise
     * @param run null for requests outside of the runs that freezes name
     */
    public record Line(
            String subject,
            TenantId home,
            String action,
            String resource,
            Environment env,
            @Nullable String run,
            Prospect from,
            Prospect to) {}

    /**
     * Something that has no effect.
     *
     * @param message the whole, as one sentence
     */
    public record Finding(Type type, DocumentKey document, String message) {}

    /** Why something has no effect. */
    public enum Type {
        /** A role that no binding gives, neither by itself nor through a role that inherits it. */
        ROLE_UNREACHED,
        /** A binding whose role allows and denies nothing within its scope. */
        BINDING_WITHOUT_PERMISSION,
        /** A permission that allows only what the same role denies. */
        PERMISSION_SHADOWED,
        /** An action of a type that no binding allows anybody. */
        ACTION_UNREACHED,
        /** A binding to groups without members, or to subjects that have no document where others of their type do. */
        BINDING_TO_NOBODY
    }
}

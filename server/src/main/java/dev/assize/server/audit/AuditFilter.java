package dev.assize.server.audit;

import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which entries are wanted; every condition that is not null must hold.
 *
 * @param from recorded at or after
 * @param to recorded before
 * @param resource the path and what lies under it
 * @param envs any of these; empty for all
 * @param afterSeq continues behind this position in the order asked for; null starts at the beginning
 * @param limit 1 to 1,000
 */
public record AuditFilter(
        @Nullable Instant from,
        @Nullable Instant to,
        @Nullable String actor,
        @Nullable String action,
        @Nullable ResourcePath resource,
        @Nullable Outcome outcome,
        @Nullable String runId,
        @Nullable String type,
        Set<Environment> envs,
        boolean ascending,
        @Nullable Long afterSeq,
        int limit) {

    public AuditFilter {
        envs = Set.copyOf(envs);
    }

    /** In all environments. */
    public AuditFilter(
            @Nullable Instant from,
            @Nullable Instant to,
            @Nullable String actor,
            @Nullable String action,
            @Nullable ResourcePath resource,
            @Nullable Outcome outcome,
            @Nullable String runId,
            @Nullable String type,
            boolean ascending,
            @Nullable Long afterSeq,
            int limit) {
        this(from, to, actor, action, resource, outcome, runId, type, Set.of(), ascending, afterSeq, limit);
    }
}

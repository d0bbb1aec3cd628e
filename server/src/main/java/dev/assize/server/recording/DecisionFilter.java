package dev.assize.server.recording;

import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import java.time.Instant;
import java.util.Comparator;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which decisions are wanted; every condition that is not null must hold.
 *
 * @param from decided at or after
 * @param to decided before
 * @param resource the path and what lies under it
 * @param allowed allows only, or denies only
 * @param envs any of these; empty for all
 * @param after continues behind this place in the order asked for; null starts at the beginning
 * @param limit 1 to 1,000
 */
public record DecisionFilter(
        @Nullable Instant from,
        @Nullable Instant to,
        @Nullable String subject,
        @Nullable String action,
        @Nullable ResourcePath resource,
        @Nullable Boolean allowed,
        @Nullable Reason reason,
        @Nullable String decisionId,
        Set<Environment> envs,
        boolean ascending,
        @Nullable Place after,
        int limit) {

    public DecisionFilter {
        envs = Set.copyOf(envs);
    }

    /** Whether a decision is wanted. */
    public boolean fits(RecordedDecision decision) {
        DecisionRecord it = decision.content();
        return isBehind(new Place(decision.seq(), decision.position()))
                && (from == null || !it.decidedAt().isBefore(from))
                && (to == null || it.decidedAt().isBefore(to))
                && (subject == null || subject.equals(it.subject()))
                && (action == null || action.equals(it.action()))
                && (resource == null || isAtOrUnder(it.resource(), resource.value()))
                && (allowed == null || allowed == it.reason().isAllow())
                && (reason == null || reason == it.reason())
                && (decisionId == null || decisionId.equals(it.decisionId()))
                && (envs.isEmpty() || envs.stream().anyMatch(env -> env.value().equals(it.env())));
    }

    /** Whole segments only: what is under `a:b` begins with `a:b/`. */
    private static boolean isAtOrUnder(String resource, String path) {
        return resource.startsWith(path)
                && (resource.length() == path.length() || resource.charAt(path.length()) == '/');
    }

    private boolean isBehind(Place place) {
        if (after == null) {
            return true;
        }
        int order = Comparator.comparingLong(Place::seq)
                .thenComparingInt(Place::position)
                .compare(place, after);
        return ascending ? order > 0 : order < 0;
    }

    /** Where a decision stands: its entry, and its position among those recorded with it. */
    public record Place(long seq, int position) {}
}

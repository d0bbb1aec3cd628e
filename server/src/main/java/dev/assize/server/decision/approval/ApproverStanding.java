package dev.assize.server.decision.approval;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What policy says of somebody who wants to approve something, at one moment.
 *
 * @param frozenBy the first freeze, by name, that stops this subject from this action here; null where none does
 * @param held those of the roles asked about that the subject holds for the resource and environment
 */
public record ApproverStanding(@Nullable String frozenBy, Set<String> held) {
    public ApproverStanding {
        held = Set.copyOf(held);
    }
}

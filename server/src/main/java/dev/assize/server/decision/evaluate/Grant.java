package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.RoleBindingDocument;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A binding, compiled: what the binding's document says already is not said again. Graphs hold its parts.
 *
 * @param role the number of the bound role
 * @param terms null where nothing limits it
 */
public record Grant(
        RoleBindingDocument binding, int role, @Nullable GrantTerms terms) {

    String name() {
        return binding.name();
    }

    /** Whether it has ended. */
    boolean hasEnded(Instant now) {
        return Moments.hasEnded(binding, now);
    }

    /** Whether it has not begun. */
    boolean isYetToBegin(Instant now) {
        return Moments.isYetToBegin(binding, now);
    }

    /** The earlier of a moment and the next one at which it begins or ends. */
    Instant boundary(Instant now, Instant earliest) {
        return Moments.next(binding, now, earliest);
    }
}

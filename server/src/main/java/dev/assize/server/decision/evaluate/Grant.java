package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.RoleBindingDocument;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A binding, compiled: what the binding's document says already is not said again.
 *
 * @param role the number of the bound role
 * @param terms null where nothing limits it
 */
public record Grant(
        RoleBindingDocument binding, int role, @Nullable GrantTerms terms) {

    /** An estimate of its heap, its terms and its binding's document not counted. */
    public static final long WEIGHT_BYTES = 24;

    String name() {
        return binding.name();
    }

    /** Whether it has ended. */
    boolean hasEnded(Instant now) {
        Instant notAfter = binding.notAfter();
        return notAfter != null && now.compareTo(notAfter) >= 0;
    }

    /** Whether it has not begun. */
    boolean isYetToBegin(Instant now) {
        Instant notBefore = binding.notBefore();
        return notBefore != null && now.compareTo(notBefore) < 0;
    }

    /** The earlier of a moment and the next one at which it begins or ends. */
    Instant boundary(Instant now, Instant earliest) {
        return Moments.next(binding.notAfter(), now, Moments.next(binding.notBefore(), now, earliest));
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.RoleBindingDocument;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What moments say of each other. */
final class Moments {

    private Moments() {}

    /** The earlier of a moment and a boundary that is still to come. */
    static Instant next(@Nullable Instant boundary, Instant now, Instant earliest) {
        return boundary != null && boundary.isAfter(now) && boundary.isBefore(earliest) ? boundary : earliest;
    }

    /** The earlier of a moment and the next one at which a binding begins or ends. */
    static Instant next(RoleBindingDocument binding, Instant now, Instant earliest) {
        return next(binding.notAfter(), now, next(binding.notBefore(), now, earliest));
    }

    /** Whether a binding has ended. */
    static boolean hasEnded(RoleBindingDocument binding, Instant now) {
        Instant notAfter = binding.notAfter();
        return notAfter != null && now.compareTo(notAfter) >= 0;
    }

    /** Whether a binding has not begun. */
    static boolean isYetToBegin(RoleBindingDocument binding, Instant now) {
        Instant notBefore = binding.notBefore();
        return notBefore != null && now.compareTo(notBefore) < 0;
    }

    static Instant earlier(Instant left, Instant right) {
        return right.isBefore(left) ? right : left;
    }

    /** Whether a moment lies within [from, until); null means without end. */
    static boolean isWithin(Instant now, @Nullable Instant from, @Nullable Instant until) {
        return (from == null || !now.isBefore(from)) && (until == null || now.isBefore(until));
    }
}

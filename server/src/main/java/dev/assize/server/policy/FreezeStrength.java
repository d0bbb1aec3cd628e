package dev.assize.server.policy;

import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** How much freezes stop, one beside another. */
public final class FreezeStrength {

    private FreezeStrength() {}

    /** Whether a freeze stops all that another one did, from now on. */
    public static boolean isKept(FreezeDocument is, FreezeDocument was, Instant now) {
        boolean fromThen = is.from() == null
                || !is.from().isAfter(now)
                || (was.from() != null && !is.from().isAfter(was.from()));
        boolean untilThen =
                is.until() == null || (was.until() != null && !is.until().isBefore(was.until()));
        return fromThen && untilThen && covers(is.target(), was.target());
    }

    private static boolean covers(FreezeTarget is, FreezeTarget was) {
        return is.wholeTenant()
                || (!was.wholeTenant()
                        && isSameOrAny(is.subject(), was.subject())
                        && isSameOrAny(is.role(), was.role())
                        && isSameOrAny(is.action(), was.action())
                        && isSameOrAny(is.resourceType(), was.resourceType())
                        && isSameOrAny(is.environment(), was.environment())
                        && isSameOrAny(is.run(), was.run())
                        && (is.resource() == null
                                || (was.resource() != null
                                        && (was.resource().equals(is.resource())
                                                || was.resource().isUnder(is.resource())))));
    }

    private static boolean isSameOrAny(@Nullable Object is, @Nullable Object was) {
        return is == null || is.equals(was);
    }

    /** Whether a freeze stops nothing any more. */
    public static boolean isOver(FreezeDocument freeze, Instant now) {
        return freeze.until() != null && !freeze.until().isAfter(now);
    }
}

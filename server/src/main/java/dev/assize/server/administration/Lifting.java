package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Whether a change lifts a freeze: deletes it, or has it stop less or for a shorter time. A freeze that has ended stops
 * nothing any more, and what stops more is no lifting.
 */
final class Lifting {

    private Lifting() {}

    static boolean isIn(DocumentChange change, Instant now) {
        Document before = change.before();
        return before instanceof FreezeDocument was
                && (was.until() == null || was.until().isAfter(now))
                && !(change.after() instanceof FreezeDocument is && stopsAsMuch(is, was, now));
    }

    private static boolean stopsAsMuch(FreezeDocument is, FreezeDocument was, Instant now) {
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
}

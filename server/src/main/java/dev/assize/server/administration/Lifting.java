package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.FreezeStrength;
import java.time.Instant;

/**
 * Whether a change lifts a freeze: deletes it, or has it stop less or for a shorter time. A freeze that has ended stops
 * nothing any more, and what stops more is no lifting.
 */
final class Lifting {

    private Lifting() {}

    static boolean isIn(DocumentChange change, Instant now) {
        Document before = change.before();
        return before instanceof FreezeDocument was
                && !FreezeStrength.isOver(was, now)
                && !(change.after() instanceof FreezeDocument is && FreezeStrength.isKept(is, was, now));
    }
}

package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;
import java.time.Instant;
import java.util.List;

/** Finds what has waited too long, in every tenant. Blocks. */
public interface ExpiredWaits {

    /** The first that have, by time; some may still hold, for what policy says of them may have changed since. */
    List<Wait> find(Instant by, int limit);

    /** Something that others were to approve or to accept. */
    record Wait(Type type, PolicyScope scope, String id) {}

    /** What waits. */
    enum Type {
        APPROVAL,
        PROPOSAL
    }
}

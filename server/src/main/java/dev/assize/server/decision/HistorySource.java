package dev.assize.server.decision;

import dev.assize.server.model.Action;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/**
 * What the ledger shows to have been done. Reads what is committed, never something remembered. Blocks; asked only for
 * requests that a separation of duty by history covers.
 */
public interface HistorySource {

    /**
     * The first entry, by position, in which the actor did one of the actions on exactly that resource, in whatever
     * environment, with outcome `SUCCESS` or `PARTIAL`, recorded at {@code until} or before. Who asks about the present
     * means all that is committed, and names a moment far ahead.
     */
    Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until);

    /** Something that was done. */
    record Performed(Action action, long seq, Instant recordedAt) {}
}

package dev.assize.server.decision;

import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What this node answers from, and when that changes. */
public interface PolicyStates {

    /** The number of no graph. */
    long NO_GRAPH = 0;

    /**
     * The state of a tenant; null where there is no such tenant. Throws as {@link DecisionService} does where it would not
     * be answered from.
     */
    @Nullable
    State state(TenantId tenant);

    /**
     * The {@link State#graph} of a tenant's state, told without waiting and without making anything; none of those where
     * {@link #state} would have to wait or to throw.
     */
    default long graphIfReady(TenantId tenant) {
        return NO_GRAPH;
    }

    /** The same with the policy itself; throws alike. */
    @Nullable
    Held held(TenantId tenant);

    /**
     * Has something done whenever a tenant's state may have changed, until closed. It is done on the thread that changed
     * it, and must return at once; it may be done too often, and where what this node holds was dropped for want of room,
     * not at all: who needs to be sure also looks now and then.
     * Each action is subscribed once at a time.
     */
    Subscription onChange(TenantId tenant, Runnable action);

    /**
     * What is answered from.
     *
     * @param confirmedAt when it was known to be the current one
     * @param graph the number of what is answered from: a database that was put back may come to the same revisions by
     *     another way, and what is made of them then has another number
     */
    record State(Revision revision, Revision platformRevision, Instant confirmedAt, long graph) {}

    /**
     * A state and what it says.
     *
     * @param age how long ago it was known to be the current one, by the longer of what a clock and a steady one say
     * @param step how it came from the one before; null where that is not known
     */
    record Held(
            State state,
            PolicySnapshot policy,
            Duration age,
            @Nullable Step step) {}

    /**
     * From one state to the next.
     *
     * @param changed every document that was created, replaced or deleted since; perhaps some that were not
     */
    record Step(Revision revisionBefore, Revision platformRevisionBefore, Set<DocumentKey> changed) {}

    /** Ends what was subscribed to. */
    interface Subscription extends AutoCloseable {

        @Override
        void close();
    }
}

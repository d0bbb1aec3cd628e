package dev.assize.server.decision;

import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What this node answers from, and when that changes. */
public interface PolicyStates {

    /**
     * The state of a tenant; null where there is no such tenant. Throws as {@link DecisionService} does where it would not
     * be answered from.
     */
    @Nullable
    State state(TenantId tenant);

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
     */
    record State(Revision revision, Revision platformRevision, Instant confirmedAt) {}

    /** Ends what was subscribed to. */
    interface Subscription extends AutoCloseable {

        @Override
        void close();
    }
}

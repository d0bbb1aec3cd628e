package dev.assize.server.decision;

import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Puts decisions on record, so that each can be proven later. Never drops one that it took. */
public interface DecisionRecorder {

    /**
     * Takes decisions of one tenant, all or none, and completes when their answers may be given: when they are durable, or
     * at once where they are acknowledged after.
     *
     * @return completes exceptionally where it is not known to be on record; then there is no answer to give
     * @throws RecorderBusyException where no more can be taken
     */
    CompletableFuture<Void> record(TenantId tenant, Acknowledge acknowledge, List<DecisionMade> decisions);

    /**
     * That one more decision could be taken, for whoever is about to do what cannot be undone.
     *
     * @throws RecorderBusyException where it could not
     */
    void requireRoom(TenantId tenant);

    /** What one thread uses that makes decisions at a desk. */
    Pen pen();

    /** Puts decisions of one thread's desk on record, each acknowledged after its answer. */
    @FunctionalInterface
    interface Pen {

        /**
         * Takes a decision. What it says is read before this returns.
         *
         * @throws RecorderBusyException where no more can be taken
         */
        void record(DeskDecision made);
    }
}

package dev.assize.server.decision;

import dev.assize.server.model.Reason;

/** Where a desk counts what it does. */
interface DeskCounts {

    void decide(Reason reason, int times);

    /** A question whose policy was held. */
    void hit();
}

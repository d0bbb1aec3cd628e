package dev.assize.server.administration;

import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.List;

/** Whose turn it is to clean up, of all nodes. Blocks. */
public interface CleanUpTurns {

    /** Whether this node's turn has come; nobody else's does meanwhile. */
    boolean take(Duration meanwhile);

    /** The turn is over, and the next one comes so much later. */
    void done(Duration later);

    /** Every tenant that ever had policy. */
    List<TenantId> tenants();
}

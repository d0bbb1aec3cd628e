package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.List;

/**
 * Snapshots of policy in ledgers: entries that hold all documents of a scope at one revision. Whoever rebuilds a policy may
 * begin at one, so what stands before it need not be kept for that. Blocks.
 */
public interface PolicySnapshots {

    /**
     * Sees to it that every policy which a ledger records stands in it whole, at or behind a position: what lies before
     * that position may then be pruned, as far as policy goes. Writes what is missing, in transactions of its own, which
     * lock the policy and then the ledger's head; so it is called before the head is locked, not while.
     *
     * @throws PolicyDriftException where the stored documents are not what the last change left: nothing is written then
     */
    void cover(TenantId ledger, long seq);

    /**
     * Scopes with a change that no snapshot holds and that was committed at least so long ago, each taken for this caller
     * for a while: another node is not told of it meanwhile.
     */
    List<PolicyScope> takeDue(Duration age, int limit);

    /**
     * Writes a snapshot of a scope, unless the newest one holds its present revision.
     *
     * @return whether it was written
     * @throws PolicyDriftException where the stored documents are not what the last change left: nothing is written then
     */
    boolean write(PolicyScope scope);
}

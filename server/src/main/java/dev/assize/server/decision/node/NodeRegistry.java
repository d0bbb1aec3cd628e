package dev.assize.server.decision.node;

import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Where the nodes on one database know each other from. Blocks. */
public interface NodeRegistry {

    /** Says that a node is there, and answers what it is asked to confirm. */
    List<Asked> seen(NodeIdentity node);

    /** Says that a node ends in good order: nobody needs to wait for it. */
    void left(NodeIdentity node);

    /** All nodes, by name, those that are not seen any more included. */
    List<Node> nodes();

    /** Asks nodes to confirm that they answer from a tenant's policy at a revision or a later one. */
    void ask(TenantId tenant, Revision revision, Collection<NodeIdentity> nodes);

    /** Confirms what a node was asked; does nothing where it was not, or where nobody waits any more. */
    void confirm(NodeIdentity node, Asked asked);

    /** Instances that were asked and have not confirmed. */
    Set<String> unconfirmed(TenantId tenant, Revision revision);

    /** Nobody waits for confirmations of this revision any more. */
    void settle(TenantId tenant, Revision revision);

    /** What a node is to confirm. */
    record Asked(TenantId tenant, Revision revision) {}
}

package dev.assize.server.upstream;

import dev.assize.server.decision.node.Node;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** A sidecar is by itself: it shares no database with anybody, and nobody waits for it to confirm a change. */
final class LoneNode implements NodeRegistry {

    @Override
    public List<Asked> seen(NodeIdentity node) {
        return List.of();
    }

    @Override
    public void left(NodeIdentity node) {}

    @Override
    public List<Node> nodes() {
        return List.of();
    }

    @Override
    public void ask(TenantId tenant, Revision revision, Collection<NodeIdentity> nodes) {}

    @Override
    public void confirm(NodeIdentity node, Asked asked) {}

    @Override
    public Set<String> unconfirmed(TenantId tenant, Revision revision) {
        return Set.of();
    }

    @Override
    public void settle(TenantId tenant, Revision revision) {}
}

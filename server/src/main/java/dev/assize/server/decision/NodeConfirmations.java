package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.node.Node;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * Waits until every node answers from a change, and tells which do not say so.
 *
 * <p>Nodes are listed after the change was committed: whoever is not in the list by then has read nothing before it. The
 * node that asks has brought itself up to date by then.
 */
public final class NodeConfirmations {

    private static final Duration PAUSE = Duration.ofMillis(10);

    private final NodeIdentity self;
    private final NodeRegistry registry;
    private final InstantSource clock;

    @Inject
    NodeConfirmations(NodeIdentity self, NodeRegistry registry, InstantSource clock) {
        this.self = self;
        this.registry = registry;
        this.clock = clock;
    }

    /**
     * Waits for the nodes that are connected, as long as there is patience; those that are cut off are not waited for.
     * Never throws for a broken database: the change stands, and who has seen it is then not known.
     */
    public Confirmations await(TenantId tenant, Revision revision, Duration patience) {
        Instant deadline = clock.instant().plus(patience);
        List<Node> nodes;
        try {
            nodes = registry.nodes();
        } catch (RuntimeException broken) {
            return new Confirmations(List.of(), List.of(), false);
        }
        List<Node> others =
                nodes.stream().filter(node -> !node.identity().equals(self)).toList();
        // Also by the number of pauses: a clock that is set back must not make the wait longer.
        long pauses = patience.dividedBy(PAUSE);
        Set<String> missing = others.isEmpty() ? Set.of() : missing(tenant, revision, others, deadline, pauses);
        return new Confirmations(
                nodes.stream()
                        .map(Node::identity)
                        .filter(node -> !missing.contains(node.instanceId()))
                        .toList(),
                others.stream()
                        .filter(node -> missing.contains(node.identity().instanceId()))
                        .toList(),
                true);
    }

    private Set<String> missing(TenantId tenant, Revision revision, List<Node> others, Instant deadline, long pauses) {
        Set<String> missing = ids(others);
        Set<String> connected =
                ids(others.stream().filter(node -> !node.isCutOff()).toList());
        try {
            registry.ask(tenant, revision, others.stream().map(Node::identity).toList());
            missing = registry.unconfirmed(tenant, revision);
            for (long pause = 0;
                    pause < pauses
                            && missing.stream().anyMatch(connected::contains)
                            && clock.instant().isBefore(deadline)
                            && !Thread.currentThread().isInterrupted();
                    pause++) {
                LockSupport.parkNanos(PAUSE.toNanos());
                missing = registry.unconfirmed(tenant, revision);
            }
            registry.settle(tenant, revision);
        } catch (RuntimeException broken) {
            // What was known last: to name one too many is right, one too few is not.
            return missing;
        }
        return missing;
    }

    private static Set<String> ids(List<Node> nodes) {
        return nodes.stream().map(node -> node.identity().instanceId()).collect(Collectors.toSet());
    }

    /**
     * Who answers from a change.
     *
     * @param confirmed the node that was asked included
     * @param unconfirmed those that have not said so in time
     * @param complete whether the nodes could be listed at all
     */
    public record Confirmations(List<NodeIdentity> confirmed, List<Node> unconfirmed, boolean complete) {}
}

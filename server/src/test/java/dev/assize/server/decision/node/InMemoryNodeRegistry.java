package dev.assize.server.decision.node;

import dev.assize.server.model.Revision;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Nodes in memory, which can be broken. */
public final class InMemoryNodeRegistry implements NodeRegistry {

    private final InstantSource clock;
    private final Map<NodeIdentity, Instant> started = new HashMap<>();
    private final Map<NodeIdentity, Instant> seen = new HashMap<>();
    private final Map<Asked, Set<String>> missing = new HashMap<>();
    private boolean broken;

    public InMemoryNodeRegistry(InstantSource clock) {
        this.clock = clock;
    }

    public synchronized void setBroken(boolean isBroken) {
        broken = isBroken;
    }

    @Override
    public synchronized List<Asked> seen(NodeIdentity node) {
        requireSound();
        started.putIfAbsent(node, clock.instant());
        seen.put(node, clock.instant());
        return missing.entrySet().stream()
                .filter(entry -> entry.getValue().contains(node.instanceId()))
                .map(Map.Entry::getKey)
                .toList();
    }

    @Override
    public synchronized void left(NodeIdentity node) {
        requireSound();
        seen.remove(node);
    }

    @Override
    public synchronized List<Node> nodes() {
        requireSound();
        return seen.entrySet().stream()
                .map(entry -> new Node(
                        entry.getKey(),
                        started.getOrDefault(entry.getKey(), entry.getValue()),
                        entry.getValue(),
                        Duration.between(entry.getValue(), clock.instant())))
                .filter(node -> !node.isGone())
                .sorted(Comparator.comparing(node -> node.identity().name()))
                .toList();
    }

    @Override
    public synchronized void ask(TenantId tenant, Revision revision, Collection<NodeIdentity> nodes) {
        requireSound();
        missing.put(
                new Asked(tenant, revision),
                nodes.stream().map(NodeIdentity::instanceId).collect(Collectors.toCollection(HashSet::new)));
    }

    @Override
    public synchronized void confirm(NodeIdentity node, Asked asked) {
        requireSound();
        missing.getOrDefault(asked, new HashSet<>()).remove(node.instanceId());
    }

    @Override
    public synchronized Set<String> unconfirmed(TenantId tenant, Revision revision) {
        requireSound();
        return Set.copyOf(missing.getOrDefault(new Asked(tenant, revision), Set.of()));
    }

    @Override
    public synchronized void settle(TenantId tenant, Revision revision) {
        requireSound();
        missing.remove(new Asked(tenant, revision));
    }

    private void requireSound() {
        if (broken) {
            throw new StoreUnavailableException("the fake registry is broken", new IllegalStateException());
        }
    }
}

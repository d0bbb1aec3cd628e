package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry;
import dev.assize.server.decision.node.NodeRegistry.Asked;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes this node known to the others, and confirms to them what it answers from. */
final class NodePresence implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(NodePresence.class);

    private final NodeIdentity self;
    private final NodeRegistry registry;
    private final GraphCache graphs;
    private final DecisionMetrics metrics;
    private final Executor threads;

    /** One at a time: where the database is slow, none waits for another. */
    private final AtomicBoolean saying = new AtomicBoolean();

    private volatile boolean closed;

    @Inject
    NodePresence(NodeIdentity self, NodeRegistry registry, GraphCache graphs, DecisionMetrics metrics) {
        this(self, registry, graphs, metrics, Thread::startVirtualThread);
    }

    NodePresence(
            NodeIdentity self, NodeRegistry registry, GraphCache graphs, DecisionMetrics metrics, Executor threads) {
        this.self = self;
        this.registry = registry;
        this.graphs = graphs;
        this.metrics = metrics;
        this.threads = threads;
    }

    /** Says that this node is there and does what it is asked meanwhile; returns at once. */
    void say() {
        if (saying.compareAndSet(false, true)) {
            threads.execute(() -> {
                try {
                    sayNow();
                } finally {
                    saying.set(false);
                }
            });
        }
    }

    /** The same, before it returns: a node is known to the others before it holds anything they may wait for. */
    void sayNow() {
        quietly(() -> {
            if (!closed) {
                registry.seen(self).forEach(this::confirm);
            }
        });
    }

    /** Confirms once nothing older is answered from; returns at once. What could not be is asked again. */
    void confirm(Asked asked) {
        CompletableFuture<Boolean> caughtUp = graphs.catchUp(asked.tenant(), asked.revision());
        var _ = caughtUp.thenAcceptAsync(
                isSo -> {
                    if (isSo) {
                        quietly(() -> registry.confirm(self, asked));
                    }
                },
                threads);
    }

    @Override
    public void close() {
        closed = true;
        quietly(() -> registry.left(self));
    }

    private void quietly(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException broken) {
            // The polls say so, too, and louder.
            metrics.presenceFailed();
            LOG.debug("This node cannot be made known", broken);
        }
    }
}

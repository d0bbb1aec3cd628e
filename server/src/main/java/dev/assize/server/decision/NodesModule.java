package dev.assize.server.decision;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import dev.assize.server.decision.node.ChangeSignals;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry;

/**
 * Binds what keeps a node fresh and known to the others, beside {@link DecisionModule}. Needs a {@link NodeRegistry}, {@link
 * ChangeSignals} and a {@link NodeIdentity}.
 */
public final class NodesModule extends AbstractModule {

    @Override
    protected void configure() {
        requireBinding(NodeRegistry.class);
        requireBinding(ChangeSignals.class);
        requireBinding(NodeIdentity.class);
        bind(NodePresence.class).in(Singleton.class);
        bind(NodeConfirmations.class).in(Singleton.class);
        bind(PolicyWatch.class).in(Singleton.class);
    }
}

package dev.assize.server.upstream;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import dev.assize.server.access.AccessControl;
import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.DecisionRecorder;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.node.ChangeSignals;
import dev.assize.server.decision.node.NodeRegistry;
import io.grpc.Channel;

/** Binds what a sidecar has in the place of a database. Needs an {@link UpstreamConfig}, clocks and meters. */
public final class UpstreamModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(UpstreamMetrics.class).in(Singleton.class);
        bind(Marks.class).in(Singleton.class);
        bind(PlatformShare.class).in(Singleton.class);
        bind(UpstreamPolicy.class).in(Singleton.class);
        bind(PolicySource.class).to(UpstreamPolicy.class);
        bind(PolicyRecords.class).to(UpstreamPolicy.class);
        bind(UpstreamSignals.class).in(Singleton.class);
        bind(ChangeSignals.class).to(UpstreamSignals.class);
        bind(NodeRegistry.class).toInstance(new LoneNode());
        CentreFacts facts = new CentreFacts();
        bind(HistorySource.class).toInstance(facts);
        bind(ApprovalSource.class).toInstance(facts);
        bind(DecisionRecorder.class).toInstance(new CentreRecorder());
        bind(AccessControl.class).to(UpstreamAccess.class).in(Singleton.class);
        bind(Centre.class).in(Singleton.class);
        bind(Upstream.class).in(Singleton.class);
    }

    /** What calls to the centre go through. */
    @Provides
    static Channel channel(Centre centre) {
        return centre.channel();
    }
}

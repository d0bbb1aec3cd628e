package dev.assize.server.decision;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds the PDP; needs a {@link PolicySource}, a {@link DecisionConfig}, a clock and a meter registry. */
public final class DecisionModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(DecisionMetrics.class).in(Singleton.class);
        bind(GraphCache.class).in(Singleton.class);
        bind(DecisionService.class).to(PolicyDecisionPoint.class).in(Singleton.class);
        bind(ApprovalPolicy.class).to(GraphApprovalPolicy.class).in(Singleton.class);
        bind(PolicyWatch.class).in(Singleton.class);
    }
}

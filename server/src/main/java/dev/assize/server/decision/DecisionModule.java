package dev.assize.server.decision;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;

/** Binds the PDP; needs a {@link PolicySource}, a {@link HistorySource}, an {@link ApprovalSource}, a {@link DecisionConfig}, a clock, a steady ticker and a meter registry. */
public final class DecisionModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(DecisionMetrics.class).in(Singleton.class);
        bind(NodeClock.class).in(Singleton.class);
        bind(GraphCache.class).in(Singleton.class);
        bind(PastGraphs.class).in(Singleton.class);
        bind(Moments.class).in(Singleton.class);
        OptionalBinder.newOptionalBinder(binder(), HistorySource.class);
        OptionalBinder.newOptionalBinder(binder(), ApprovalSource.class);
        bind(Decisions.class).in(Singleton.class);
        bind(DecisionService.class).to(PolicyDecisionPoint.class).in(Singleton.class);
        bind(ApprovalPolicy.class).to(GraphApprovalPolicy.class).in(Singleton.class);
        bind(SearchService.class).to(PolicySearch.class).in(Singleton.class);
        bind(PolicyStates.class).to(HeldStates.class).in(Singleton.class);
    }
}

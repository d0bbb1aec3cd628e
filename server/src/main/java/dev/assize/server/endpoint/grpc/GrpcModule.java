package dev.assize.server.endpoint.grpc;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import dev.assize.server.administration.TenantKeys;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.SearchSlots;

/** Binds the gRPC door. Needs a {@link GrpcConfig} and the front desks of the rooms below. */
public final class GrpcModule extends AbstractModule {

    @Override
    protected void configure() {
        install(new CheckModule());
        bind(PageTokens.class).in(Singleton.class);
        bind(SearchSlots.class).toInstance(new SearchSlots());
        bind(SearchEndpoint.class).in(Singleton.class);
        bind(DecisionRecordCalls.class).in(Singleton.class);
        bind(ExecutionEndpoint.class).in(Singleton.class);
        bind(DecisionEndpoint.class).in(Singleton.class);
        bind(Watches.class).in(Singleton.class);
        bind(PolicyParts.class).in(Singleton.class);
        bind(WatchCalls.class).in(Singleton.class);
        bind(ShorthandCalls.class).in(Singleton.class);
        bind(ProposalCalls.class).in(Singleton.class);
        bind(LedgerComparisons.class).in(Singleton.class);
        bind(HistoryCalls.class).in(Singleton.class);
        bind(ReplayCalls.class).in(Singleton.class);
        bind(PolicyEndpoint.class).in(Singleton.class);
        bind(LedgerDirectory.class).in(Singleton.class);
        bind(LineageCalls.class).in(Singleton.class);
        bind(ProofCalls.class).in(Singleton.class);
        bind(PruneCalls.class).in(Singleton.class);
        bind(RetentionCalls.class).in(Singleton.class);
        bind(ActorCalls.class).in(Singleton.class);
        bind(ExportCalls.Patience.class).toInstance(ExportCalls.Patience.DEFAULT);
        bind(ExportCalls.class).in(Singleton.class);
        bind(AppendCalls.class).in(Singleton.class);
        bind(SpoolCalls.class).in(Singleton.class);
        bind(LedgerEndpoint.class).in(Singleton.class);
        bind(ApprovalEndpoint.class).in(Singleton.class);
        bind(ReviewCalls.class).in(Singleton.class);
        bind(CleanUpCalls.class).in(Singleton.class);
        bind(TenantCalls.class).in(Singleton.class);
        bind(AccessEndpoint.class).in(Singleton.class);
        bind(GrpcServices.class).in(Singleton.class);
        bind(GrpcServer.class).in(Singleton.class);
    }

    @Provides
    @Singleton
    static Endpoints endpoints(
            DecisionEndpoint decisions,
            PolicyEndpoint policies,
            LedgerEndpoint ledger,
            ApprovalEndpoint approvals,
            AccessEndpoint access) {
        return Endpoints.of(decisions, policies, ledger, approvals, access);
    }

    /** So that the administration ends keys without knowing what they are made of. */
    @Provides
    static TenantKeys tenantKeys(ApiKeys keys) {
        return keys::revokeAll;
    }
}

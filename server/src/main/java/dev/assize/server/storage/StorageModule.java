package dev.assize.server.storage;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;
import dev.assize.server.administration.ApprovalRepository;
import dev.assize.server.administration.CleanUpTurns;
import dev.assize.server.administration.ExpiredWaits;
import dev.assize.server.administration.PolicyHistory;
import dev.assize.server.administration.PolicyLedger;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.administration.PolicySnapshots;
import dev.assize.server.administration.ProposalRepository;
import dev.assize.server.administration.TenantRegister;
import dev.assize.server.administration.review.GrantRecords;
import dev.assize.server.anchor.AnchorRepository;
import dev.assize.server.anchor.StandingRecords;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.Pseudonyms;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.node.ChangeSignals;
import dev.assize.server.decision.node.NodeRegistry;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.MentionCheck;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.retention.PolicyKeeper;
import dev.assize.server.retention.PruningRepository;
import dev.assize.server.retention.PseudonymRepository;
import dev.assize.server.retention.RetentionRepository;
import dev.assize.server.verification.PatrolRepository;
import java.time.InstantSource;

/**
 * Binds what the rooms keep in the database. Needs {@link StorageConfig}, {@link AuditCodec}, a {@link HeadGuard}, meters and a
 * clock.
 */
public final class StorageModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(Database.class).in(Singleton.class);
        bind(DatabaseHealth.class).in(Singleton.class);
        bind(PartitionHealth.class).in(Singleton.class);
        bind(PostgresPolicyRepository.class).in(Singleton.class);
        bind(PolicyRepository.class).to(PostgresPolicyRepository.class);
        bind(PolicySource.class).to(PostgresPolicyRepository.class);
        bind(PostgresPolicyLedger.class).in(Singleton.class);
        bind(PolicyLedger.class).to(PostgresPolicyLedger.class);
        bind(PolicyHistory.class).to(PostgresPolicyHistory.class).in(Singleton.class);
        bind(PolicyRecords.class).to(PostgresPolicyRecords.class).in(Singleton.class);
        bind(PolicySnapshots.class).to(PostgresPolicySnapshots.class).in(Singleton.class);
        bind(NodeRegistry.class).to(PostgresNodeRegistry.class).in(Singleton.class);
        bind(ChangeSignals.class).to(PostgresChangeSignals.class).in(Singleton.class);
        bind(AnchorRepository.class).to(PostgresAnchorRepository.class).in(Singleton.class);
        bind(StandingRecords.class).to(PostgresStandingRecords.class).in(Singleton.class);
        OptionalBinder.newOptionalBinder(binder(), MentionCheck.class)
                .setBinding()
                .to(PostgresMentions.class)
                .in(Singleton.class);
        bind(PostgresPseudonyms.class).in(Singleton.class);
        bind(Pseudonyms.class).to(PostgresPseudonyms.class);
        bind(PseudonymRepository.class).to(PostgresPseudonyms.class);
        bind(LedgerStore.class).to(PostgresLedgerStore.class).in(Singleton.class);
        bind(HistorySource.class).to(PostgresHistorySource.class).in(Singleton.class);
        bind(AuditExport.class).to(PostgresAuditExport.class).in(Singleton.class);
        bind(PatrolRepository.class).to(PostgresPatrolRepository.class).in(Singleton.class);
        bind(LineageIndex.class).to(PostgresLineageIndex.class).in(Singleton.class);
        bind(AuditIndex.class).to(PostgresAuditIndex.class).in(Singleton.class);
        bind(SpoolRepository.class).to(PostgresSpoolRepository.class).in(Singleton.class);
        bind(DecisionStore.class).to(PostgresDecisionStore.class).in(Singleton.class);
        bind(TenantRegister.class).to(PostgresTenantRegister.class).in(Singleton.class);
        bind(ExpiredWaits.class).to(PostgresExpiredWaits.class).in(Singleton.class);
        bind(CleanUpTurns.class).to(PostgresCleanUpTurns.class).in(Singleton.class);
        bind(GrantRecords.class).to(PostgresGrantRecords.class).in(Singleton.class);
        bind(OwnEntries.class).in(Singleton.class);
        bind(PolicyKeeper.class).to(SnapshotPolicyKeeper.class).in(Singleton.class);
        bind(PruningRepository.class).to(PostgresPruningRepository.class).in(Singleton.class);
        bind(RetentionRepository.class).to(PostgresRetentionRepository.class).in(Singleton.class);
        bind(ProposalRepository.class).to(PostgresProposalRepository.class).in(Singleton.class);
        bind(PostgresApprovalRepository.class).in(Singleton.class);
        bind(ApprovalRepository.class).to(PostgresApprovalRepository.class);
        bind(ApprovalSource.class).to(PostgresApprovalRepository.class);
        bind(ApiKeyRepository.class).to(PostgresApiKeyRepository.class).in(Singleton.class);
    }

    @Provides
    @Singleton
    LedgerWriter ledgerWriter(Database database, AuditCodec codec, HeadGuard guard, InstantSource clock) {
        return new LedgerWriter(database, codec, guard, clock);
    }
}

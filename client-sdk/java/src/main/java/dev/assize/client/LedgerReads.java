package dev.assize.client;

import dev.assize.client.ledger.DecisionRecord;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.QueryDecisionsResponse;
import dev.assize.proto.v1.RecordedDecision;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads what is on record: entries, decisions, lineage, and what the server says of its own ledger. */
final class LedgerReads {

    private final DecisionServiceGrpc.DecisionServiceBlockingStub decisions;
    private final LedgerServiceGrpc.LedgerServiceBlockingStub ledger;
    private final String tenant;
    private final Duration deadline;

    LedgerReads(
            DecisionServiceGrpc.DecisionServiceBlockingStub decisions,
            LedgerServiceGrpc.LedgerServiceBlockingStub ledger,
            String tenant,
            Duration deadline) {
        this.decisions = decisions;
        this.ledger = ledger;
        this.tenant = tenant;
        this.deadline = deadline;
    }

    Verification verify(String tenant, long fromSeq, @Nullable Long toSeq, Verification.Progress progress) {
        VerifyChainRequest.Builder request =
                VerifyChainRequest.newBuilder().setTenant(tenant).setFromSeq(fromSeq);
        if (toSeq != null) {
            request.setToSeq(toSeq);
        }
        try {
            Iterator<VerifyChainResponse> updates =
                    ledger.withDeadlineAfter(deadline).verifyChain(request.build());
            while (updates.hasNext()) {
                VerifyChainResponse update = updates.next();
                switch (update.getUpdateCase()) {
                    case PROGRESS ->
                        progress.verified(
                                update.getProgress().getVerified(),
                                update.getProgress().getTotal());
                    case RESULT -> {
                        return Wire.verification(update.getResult());
                    }
                    case UPDATE_NOT_SET -> {} // from a newer server: neither progress nor a result
                }
            }
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
        throw AssizeException.broken("the server ended the verification without a result");
    }

    Iterable<AuditEntry> entries(AuditQuery query) {
        QueryAuditRequest request = Wire.query(query, tenant);
        return () -> new Pages<>(
                token -> page(request.toBuilder().setPageToken(token).build()));
    }

    private Pages.Page<AuditEntry> page(QueryAuditRequest request) {
        QueryAuditResponse response = ledger.withDeadlineAfter(deadline).queryAudit(request);
        return new Pages.Page<>(
                response.getEntriesList().stream().map(it -> Wire.entry(it)).toList(), response.getNextPageToken());
    }

    Lineage lineage(LineageQuery query) {
        GetLineageRequest request = LineageWire.request(query, tenant);
        GetLineageResponse first;
        try {
            first = ledger.withDeadlineAfter(deadline).getLineage(request);
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
        return new Lineage(
                () -> new Pages<>(token -> accesses(
                        token.isEmpty()
                                ? first
                                : ledger.withDeadlineAfter(deadline)
                                        .getLineage(request.toBuilder()
                                                .setPageToken(token)
                                                .build()))),
                first.hasUpstream() ? LineageWire.node(first.getUpstream()) : null,
                first.hasDownstream() ? LineageWire.node(first.getDownstream()) : null,
                first.getTruncated());
    }

    private static Pages.Page<Lineage.Access> accesses(GetLineageResponse page) {
        return new Pages.Page<>(
                page.getAccessesList().stream().map(LineageWire::access).toList(), page.getNextPageToken());
    }

    Iterable<DecisionRecord> decisions(DecisionQuery query) {
        QueryDecisionsRequest request = query.toRequest(tenant);
        return () -> new Pages<>(
                token -> page(request.toBuilder().setPageToken(token).build()));
    }

    private Pages.Page<DecisionRecord> page(QueryDecisionsRequest request) {
        QueryDecisionsResponse response = decisions.withDeadlineAfter(deadline).queryDecisions(request);
        List<DecisionRecord> page = new ArrayList<>();
        for (RecordedDecision decision : response.getDecisionsList()) {
            try {
                page.add(DecisionRecord.read(decision.getRecord().toByteArray()));
            } catch (NotProvenException unreadable) {
                throw AssizeException.broken("a decision on record cannot be read: " + unreadable.getMessage());
            }
        }
        return new Pages.Page<>(page, response.getNextPageToken());
    }
}

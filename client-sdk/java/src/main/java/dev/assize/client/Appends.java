package dev.assize.client;

import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What records: tried under one key until the outcome is known, and believed only as far as the answer says. */
final class Appends {

    private final DecisionServiceGrpc.DecisionServiceBlockingStub decisions;
    private final LedgerServiceGrpc.LedgerServiceBlockingStub ledger;
    private final Patience patience;
    private final String tenant;
    private final String env;
    private final Set<String> knownObligations;

    Appends(
            DecisionServiceGrpc.DecisionServiceBlockingStub decisions,
            LedgerServiceGrpc.LedgerServiceBlockingStub ledger,
            Patience patience,
            String tenant,
            String env,
            Set<String> knownObligations) {
        this.decisions = decisions;
        this.ledger = ledger;
        this.patience = patience;
        this.tenant = tenant;
        this.env = env;
        this.knownObligations = knownObligations;
    }

    AppendReceipt append(String tenant, List<AuditEvent> events, String key, Acknowledgement acknowledgement) {
        AppendAuditRequest.Builder request = AppendAuditRequest.newBuilder()
                .setTenant(tenant)
                .setIdempotencyKey(key)
                .setAcknowledgement(
                        switch (acknowledgement) {
                            case IN_LEDGER -> dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_UNSPECIFIED;
                            case SPOOLED -> dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_SPOOLED;
                        });
        events.forEach(it -> request.addEvents(Wire.event(it, env)));
        AppendAuditResponse response =
                patience.untilKnown(left -> ledger.withDeadlineAfter(left).appendAudit(request.build()));
        return switch (response.getAcknowledgement()) {
            case ACKNOWLEDGEMENT_UNSPECIFIED, ACKNOWLEDGEMENT_IN_LEDGER -> inLedger(response, events.size(), key);
            case ACKNOWLEDGEMENT_SPOOLED -> spooled(response, acknowledgement, key);
            case UNRECOGNIZED ->
                throw AssizeException.malformed("the server confirmed in a way that is not known here");
        };
    }

    private static AppendReceipt inLedger(AppendAuditResponse response, int events, String key) {
        if (response.getEntriesCount() != events || response.hasSpooled()) {
            throw AssizeException.malformed(
                    "the server confirmed " + response.getEntriesCount() + " of " + events + " events");
        }
        return new AppendReceipt(
                response.getEntriesList().stream().map(it -> Wire.entry(it)).toList(), response.getReplayed(), key);
    }

    /** Whoever asked for the ledger is not content with a disk. */
    private static AppendReceipt spooled(AppendAuditResponse response, Acknowledgement asked, String key) {
        boolean isWhole = response.getEntriesCount() == 0
                && !response.getSpooled().getSpoolId().isEmpty()
                && response.getSpooled().getNumber() > 0;
        if (asked != Acknowledgement.SPOOLED || !isWhole) {
            throw AssizeException.malformed("the server says that the events are spooled, "
                    + (isWhole ? "and was asked for the ledger" : "and not where"));
        }
        return new AppendReceipt(
                List.of(),
                response.getReplayed(),
                key,
                Optional.of(new SpoolPosition(
                        response.getSpooled().getSpoolId(),
                        response.getSpooled().getNumber())));
    }

    ExecutionResult checkAndAppend(Question question, AuditEvent event, String key) {
        CheckAndAppendRequest request = CheckAndAppendRequest.newBuilder()
                .setCheck(Wire.question(question, tenant, env))
                .setEvent(Wire.event(event, question.env().isEmpty() ? env : question.env()))
                .setIdempotencyKey(key)
                .build();
        try {
            CheckAndAppendResponse response = patience.untilKnown(
                    left -> decisions.withDeadlineAfter(left).checkAndAppend(request));
            CheckResult check = Wire.result(response.getResponse(), question.isAboutThePast(), knownObligations);
            return new ExecutionResult(
                    check.allowed() && !response.hasEntry()
                            ? CheckResult.failed(AssizeException.malformed("the server allowed without an entry"))
                            : check,
                    response.hasEntry() ? Optional.of(Wire.entry(response.getEntry())) : Optional.empty(),
                    response.getReplayed(),
                    key);
        } catch (RuntimeException failure) {
            return new ExecutionResult(CheckResult.failed(AssizeException.of(failure)), Optional.empty(), false, key);
        }
    }
}

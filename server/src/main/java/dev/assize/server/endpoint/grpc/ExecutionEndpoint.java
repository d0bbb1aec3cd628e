package dev.assize.server.endpoint.grpc;

import static java.util.Objects.requireNonNull;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Outcome;
import dev.assize.server.access.Permission;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.audit.AuditLog;
import dev.assize.server.audit.EventProblem;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.grpc.Checks.Asked;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Serves `CheckAndAppend`: the decision is made while the tenant's ledger is locked, and what is done is recorded before
 * the lock is given up.
 *
 * <p>A retry under the same key has the first answer: the entry tells when that was, and the decision of that moment is
 * made again, so that its obligations are not lost with the answer that never arrived.
 */
final class ExecutionEndpoint {

    private final DecisionService decisions;
    private final AuditLog log;
    private final Gate gate;
    private final DecisionIds ids;
    private final AnswersOnRecord onRecord;
    private final InstantSource clock;

    @Inject
    ExecutionEndpoint(
            DecisionService decisions,
            AuditLog log,
            Gate gate,
            DecisionIds ids,
            AnswersOnRecord onRecord,
            InstantSource clock) {
        this.decisions = decisions;
        this.onRecord = onRecord;
        this.log = log;
        this.gate = gate;
        this.ids = ids;
        this.clock = clock;
    }

    CompletableFuture<CheckAndAppendResponse> checkAndAppend(CheckAndAppendRequest request, Checks checks) {
        TenantId tenant = gate.admit(request.getCheck().getTenant());
        gate.require(tenant, Permission.APPEND_AUDIT);
        Fields.requireKnown("request", request);
        requirePresent(request.getCheck());
        Asked asked = checks.read("check.", request.getCheck(), tenant, Environment.DEFAULT);
        CheckQuery query = asked.query();
        gate.requireActAs(tenant, query.subject(), query.subjectTenant());
        CallContext call = CallContext.current();
        String key = request.getIdempotencyKey().isEmpty() ? null : request.getIdempotencyKey();
        String decisionId = key == null ? ids.next() : ids.of(tenant, call.recorder(), key, request);
        dev.assize.server.audit.AuditEvent event = AuditTranslator.event(
                        "event.",
                        completed(request.getEvent(), query, decisionId),
                        call.caller().subject())
                .inTrace(call.traceContext());
        requireSound(AuditEvents.problems(List.of(event), key));
        // Also so that whatever must be loaded to decide is there before anything is locked.
        Answer first = decisions.evaluate(query);
        if (!first.reason().isAllow() && (key == null || !decisions.isTenant(tenant))) {
            // Nothing is locked for what is denied anyway; under a key it may be a retry of what was allowed once.
            return CompletableFuture.completedFuture(denied(first, asked));
        }
        onRecord.requireRoom(tenant);
        AtomicReference<Answer> decided = new AtomicReference<>();
        return log.appendIf(tenant, call.recorder(), event, key, () -> {
                    Answer answer = decisions.evaluate(query);
                    decided.set(answer);
                    return answer.reason().isAllow();
                })
                .thenApplyAsync(
                        result -> response(result, decided.get(), decisionId, asked),
                        // What is not on record yet is waited for within the call's deadline.
                        Context.current().fixedContextExecutor(Thread::startVirtualThread));
    }

    private CheckAndAppendResponse response(
            AppendResult result, @Nullable Answer decided, String decisionId, Asked asked) {
        return switch (result) {
            case AppendResult.Appended(var receipts) -> {
                Answer answer = requireNonNull(decided);
                onRecord.putDone(asked.query().tenant(), onRecord.given(decisionId, asked.query(), answer));
                yield appended(answer, receipts.getFirst(), decisionId, asked).build();
            }
            case AppendResult.Replayed(var receipts) -> replayed(receipts.getFirst(), decisionId, asked);
            case AppendResult.KeyReused(String key) -> throw LedgerEndpoint.keyReused(key);
            case AppendResult.Refused() -> denied(requireNonNull(decided), asked);
        };
    }

    private static void requirePresent(CheckRequest check) {
        if (check.getAtRevision() != 0) {
            throw RefusedException.invalid(
                    "check.at_revision", Long.toString(check.getAtRevision()), "0: nothing is done in the past");
        }
        if (check.hasAsOf()) {
            throw RefusedException.invalid("check.as_of", "a moment", "none: nothing is done in the past");
        }
        if (check.getExplain()) {
            throw RefusedException.invalid("check.explain", "true", "false: Check explains");
        }
    }

    /** The event with what it has from the check. */
    private static AuditEvent completed(AuditEvent event, CheckQuery query, String decisionId) {
        if (!event.getDecisionId().isEmpty()) {
            throw RefusedException.invalid(
                    "event.decision_id", event.getDecisionId(), "nothing: it is the decision made here");
        }
        Delegator delegator = query.onBehalfOf();
        return event.toBuilder()
                .setActor(same("actor", event.getActor(), query.subject()))
                .setActorTenant(same("actor_tenant", event.getActorTenant(), query.subjectTenant()))
                .setOnBehalfOf(
                        same("on_behalf_of", event.getOnBehalfOf(), delegator == null ? "" : delegator.subject()))
                .setAction(same("action", event.getAction(), query.action()))
                .setResource(same("resource", event.getResource(), query.resource()))
                .setEnv(same("env", event.getEnv(), query.env()))
                .setRunId(same("run_id", event.getRunId(), query.runId() == null ? "" : query.runId()))
                .setOutcomeValue(outcome(event.getOutcomeValue()))
                .setDecisionId(decisionId)
                .build();
    }

    private static String same(String field, String given, Object checked) {
        if (!given.isEmpty() && !given.equals(checked.toString())) {
            throw RefusedException.invalid("event." + field, given, "`" + checked + "` as in the check, or nothing");
        }
        return checked.toString();
    }

    private static int outcome(int given) {
        return switch (given) {
            case Outcome.OUTCOME_UNSPECIFIED_VALUE, Outcome.OUTCOME_SUCCESS_VALUE -> Outcome.OUTCOME_SUCCESS_VALUE;
            case Outcome.OUTCOME_PARTIAL_VALUE -> Outcome.OUTCOME_PARTIAL_VALUE;
            default ->
                throw RefusedException.invalid(
                        "event.outcome", Integer.toString(given), "OUTCOME_SUCCESS, OUTCOME_PARTIAL or none");
        };
    }

    private static void requireSound(List<EventProblem> problems) {
        LedgerEndpoint.requireSound(problems.stream()
                .map(problem -> new EventProblem(
                        problem.field().replaceFirst("^events(\\[0])?", "event"), problem.value(), problem.expected()))
                .toList());
    }

    private CheckAndAppendResponse denied(Answer answer, Asked asked) {
        String id = ids.next();
        onRecord.put(asked.query().tenant(), List.of(onRecord.given(id, asked.query(), answer)));
        return CheckAndAppendResponse.newBuilder()
                .setResponse(AnswerTranslator.response(answer, id, asked.detail()))
                .build();
    }

    /** With the answer of the moment at which the entry was recorded; the entry proves that it was an allow. */
    private CheckAndAppendResponse replayed(Receipt receipt, String decisionId, Asked asked) {
        Instant now = clock.instant();
        Instant then = receipt.recordedAt().isAfter(now) ? now : receipt.recordedAt();
        Answer past = decisions.evaluate(asked.query(), new PointInTime.Past(null, then));
        Answer answer = past.reason().isAllow() ? past : allowed(past);
        // The first attempt may have ended between the entry and the record of the decision.
        onRecord.putOnce(asked.query().tenant(), new AnswersOnRecord.Given(decisionId, then, asked.query(), answer));
        return appended(answer, receipt, decisionId, asked).setReplayed(true).build();
    }

    private static Answer allowed(Answer past) {
        return new Answer(
                dev.assize.server.model.Reason.ALLOWED,
                null,
                past.revision(),
                past.platformRevision(),
                null,
                List.of());
    }

    private static CheckAndAppendResponse.Builder appended(
            Answer answer, Receipt receipt, String decisionId, Asked asked) {
        return CheckAndAppendResponse.newBuilder()
                .setResponse(AnswerTranslator.response(answer, decisionId, asked.detail())
                        .setHistorical(false))
                .setEntry(AppendedEntry.newBuilder()
                        .setSeq(receipt.seq())
                        .setEntryHash(ByteString.copyFrom(receipt.entryHash().bytes()))
                        .setRecordedAt(Fields.timestamp(receipt.recordedAt())));
    }
}

package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.GetDecisionProofRequest;
import dev.assize.proto.v1.GetDecisionProofResponse;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.QueryDecisionsResponse;
import dev.assize.proto.v1.RecordedDecision;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionFilter.Place;
import dev.assize.server.recording.DecisionPack;
import dev.assize.server.recording.DecisionRecord;
import dev.assize.server.recording.DecisionStore;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The calls that read decisions on record, and prove one. */
final class DecisionRecordCalls {

    private static final int DECISION_ID_BYTES = 128;

    private final DecisionStore store;
    private final ProofCalls proofs;
    private final Gate gate;
    private final LedgerDirectory ledgers;
    private final PageTokens tokens;

    @Inject
    DecisionRecordCalls(DecisionStore store, ProofCalls proofs, Gate gate, LedgerDirectory ledgers, PageTokens tokens) {
        this.store = store;
        this.proofs = proofs;
        this.gate = gate;
        this.ledgers = ledgers;
        this.tokens = tokens;
    }

    QueryDecisionsResponse query(QueryDecisionsRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = conditions(request);
        DecisionFilter filter = filter(request, place(request.getPageToken(), conditions), size);
        List<dev.assize.server.recording.RecordedDecision> found = store.find(tenant, filter);
        if (found.isEmpty()) {
            ledgers.requireExists(tenant);
        }
        QueryDecisionsResponse.Builder response = QueryDecisionsResponse.newBuilder();
        int bytes = 0;
        for (dev.assize.server.recording.RecordedDecision decision : found) {
            RecordedDecision wire = wire(decision, request.getIncludeRecords());
            bytes += wire.getSerializedSize();
            if (bytes > LedgerEndpoint.PAGE_BYTES && response.getDecisionsCount() > 0) {
                break;
            }
            response.addDecisions(wire);
        }
        int shown = response.getDecisionsCount();
        if (shown == size || shown < found.size()) {
            dev.assize.server.recording.RecordedDecision last = found.get(shown - 1);
            response.setNextPageToken(tokens.of(last.seq() + " " + last.position(), conditions));
        }
        return response.build();
    }

    private @Nullable Place place(String token, byte[] conditions) {
        String position = tokens.position(token, conditions);
        if (position == null) {
            return null;
        }
        int space = position.indexOf(' ');
        return new Place(Long.parseLong(position.substring(0, space)), Integer.parseInt(position.substring(space + 1)));
    }

    private static DecisionFilter filter(QueryDecisionsRequest request, @Nullable Place after, int limit) {
        Subject subject = Fields.readOptional("subject", request.getSubject(), Subject::parse);
        Action action = Fields.readOptional("action", request.getAction(), Action::new);
        return new DecisionFilter(
                request.hasFrom() ? Fields.instant("from", request.getFrom()) : null,
                request.hasTo() ? Fields.instant("to", request.getTo()) : null,
                subject == null ? null : subject.toString(),
                action == null ? null : action.value(),
                Fields.readOptional("resource", request.getResource(), ResourcePath::parse),
                allowed(request.getDecisionValue()),
                reason(request.getReasonValue()),
                Fields.text("decision_id", request.getDecisionId(), DECISION_ID_BYTES),
                CallContext.current().caller().envs(),
                request.getAscending(),
                after,
                limit);
    }

    private static @Nullable Boolean allowed(int decision) {
        return switch (decision) {
            case Decision.DECISION_UNSPECIFIED_VALUE -> null;
            case Decision.DECISION_ALLOW_VALUE -> true;
            case Decision.DECISION_DENY_VALUE -> false;
            default ->
                throw RefusedException.invalid(
                        "decision", Integer.toString(decision), "DECISION_ALLOW, DECISION_DENY or none");
        };
    }

    private static @Nullable Reason reason(int number) {
        if (number == 0) {
            return null;
        }
        return Arrays.stream(Reason.values())
                .filter(reason -> AnswerTranslator.reason(reason).getNumber() == number)
                .findFirst()
                .orElseThrow(() -> RefusedException.invalid("reason", Integer.toString(number), "a reason, or none"));
    }

    private static RecordedDecision wire(dev.assize.server.recording.RecordedDecision decision, boolean withRecord) {
        DecisionRecord content = decision.content();
        RecordedDecision.Builder wire = RecordedDecision.newBuilder()
                .setSeq(decision.seq())
                .setPosition(decision.position())
                .setDecisionId(content.decisionId())
                .setDecidedAt(Fields.timestamp(content.decidedAt()))
                .setCaller(content.caller())
                .setCallerTenant(content.callerTenant())
                .setSubject(content.subject())
                .setSubjectTenant(content.subjectTenant())
                .setOnBehalfOf(orEmpty(content.onBehalfOf()))
                .setOnBehalfOfTenant(orEmpty(content.onBehalfOfTenant()))
                .setAction(content.action())
                .setResource(content.resource())
                .setEnv(content.env())
                .setRunId(orEmpty(content.runId()))
                .addAllActiveRoles(content.activeRoles())
                .setDecision(AnswerTranslator.decision(content.reason()))
                .setReason(AnswerTranslator.reason(content.reason()))
                .setRevision(content.revision())
                .setPlatformRevision(content.platformRevision())
                .setApprovalId(orEmpty(content.approvalId()))
                .addAllObligationIds(content.obligations())
                .setAttributesDigest(ByteString.copyFrom(content.attributesDigest()))
                .setTraceContext(orEmpty(content.traceContext()));
        if (content.delegatorReason() != null) {
            wire.setDelegatorReason(AnswerTranslator.reason(content.delegatorReason()));
        }
        Answer.DecidedBy decidedBy = content.decidedBy();
        if (decidedBy != null) {
            wire.setDecidedBy(AnswerTranslator.decidedBy(decidedBy));
        }
        if (withRecord) {
            wire.setRecord(ByteString.copyFrom(decision.bytes()));
        }
        return wire.build();
    }

    GetDecisionProofResponse prove(GetDecisionProofRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        String id = Fields.text("decision_id", request.getDecisionId(), DECISION_ID_BYTES);
        if (id == null) {
            throw RefusedException.invalid("decision_id", "", "the id of a decision");
        }
        dev.assize.server.recording.RecordedDecision decision =
                found(tenant, id, CallContext.current().caller().envs());
        List<byte[]> records = store.records(tenant, decision.seq());
        GetDecisionProofResponse.Builder response = GetDecisionProofResponse.newBuilder()
                .setRecord(ByteString.copyFrom(decision.bytes()))
                .setPosition(decision.position())
                .setCount(records.size())
                .setFrame(
                        ByteString.copyFrom(store.frame(tenant, decision.seq()).orElse(new byte[0])))
                .setInclusion(proofs.inclusion(tenant, decision.seq(), null));
        // What somebody has removed rows from proves nothing, and whoever verifies it sees that.
        if (decision.position() < records.size() && records.size() <= DecisionPack.MAX_DECISIONS) {
            new DecisionPack(records)
                    .path(decision.position())
                    .forEach(hash -> response.addHashes(ByteString.copyFrom(hash)));
        }
        return response.build();
    }

    private dev.assize.server.recording.RecordedDecision found(TenantId tenant, String id, Set<Environment> envs) {
        return store
                .find(tenant, new DecisionFilter(null, null, null, null, null, null, null, id, envs, true, null, 1))
                .stream()
                .findFirst()
                .orElseThrow(() -> {
                    ledgers.requireExists(tenant);
                    return RefusedException.notFound(ErrorReason.DECISION_NOT_FOUND, "decision on record", id);
                });
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    /** What the list is a list of, whatever the page. */
    private static byte[] conditions(QueryDecisionsRequest request) {
        return request.toBuilder()
                .clearPageSize()
                .clearPageToken()
                .clearIncludeRecords()
                .build()
                .toByteString()
                .concat(ByteString.copyFromUtf8("QueryDecisions"))
                .toByteArray();
    }
}

package dev.assize.client;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.AttributeList;
import dev.assize.proto.v1.AttributeMap;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.VerifyResult;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Between the client's vocabulary and the messages on the wire. */
final class Wire {

    private static final int PAGE_SIZE = 500;

    private Wire() {}

    static CheckRequest question(Question question, String tenant, String env) {
        CheckRequest.Builder request = CheckRequest.newBuilder()
                .setSubject(question.subject())
                .setResource(question.resource())
                .setAction(question.action())
                .setTenant(question.tenant().isEmpty() ? tenant : question.tenant())
                .setEnv(question.env().isEmpty() ? env : question.env())
                .setSubjectTenant(question.subjectTenant())
                .addAllActiveRoles(question.activeRoles())
                .setOnBehalfOf(question.onBehalfOf())
                .setOnBehalfOfTenant(question.onBehalfOfTenant())
                .setRunId(question.runId())
                .setAtRevision(question.atRevision());
        if (question.asOf() != null) {
            request.setAsOf(timestamp(question.asOf()));
        }
        question.subjectAttributes().forEach((name, it) -> request.putSubjectAttributes(name, attribute(it)));
        question.resourceAttributes().forEach((name, it) -> request.putResourceAttributes(name, attribute(it)));
        question.context().forEach((name, it) -> request.putContext(name, attribute(it)));
        return request.build();
    }

    /**
     * An allow only where the server says so, about the present, and every duty is of a known type. Whoever asked about
     * the past has no allow, even if the answer does not say what it is about.
     */
    static CheckResult result(CheckResponse response, boolean askedAboutThePast, Set<String> knownObligations) {
        List<Obligation> obligations = response.getObligationsList().stream()
                .map(it -> new Obligation(it.getId(), it.getType(), it.getPropertiesMap()))
                .toList();
        return switch (response.getDecision()) {
            case DECISION_ALLOW ->
                askedAboutThePast || response.getHistorical()
                        ? notTaken(
                                response,
                                CheckResult.Decision.ALLOW,
                                Failure.HISTORICAL,
                                "Denied, because the answer is about the past; it was allowed by "
                                        + decidedBy(response),
                                obligations)
                        : obligations.stream()
                                .map(Obligation::type)
                                .filter(type -> !knownObligations.contains(type))
                                .findFirst()
                                .map(unknown -> notTaken(
                                        response,
                                        CheckResult.Decision.ALLOW,
                                        Failure.UNKNOWN_OBLIGATION,
                                        "Denied, because the allow comes with a duty of type `" + unknown
                                                + "`, which this caller does not know",
                                        obligations))
                                .orElseGet(() -> of(
                                        response,
                                        CheckResult.Decision.ALLOW,
                                        Optional.empty(),
                                        "Allowed by " + decidedBy(response),
                                        obligations));
            case DECISION_DENY ->
                of(
                        response,
                        CheckResult.Decision.DENY,
                        Optional.empty(),
                        "Denied: " + reason(response.getReason()) + decidedByNote(response),
                        obligations);
            case DECISION_UNSPECIFIED, UNRECOGNIZED ->
                notTaken(
                        response,
                        CheckResult.Decision.UNSPECIFIED,
                        Failure.UNSPECIFIED_DECISION,
                        "Denied, because the server gave no decision",
                        obligations);
        };
    }

    private static CheckResult notTaken(
            CheckResponse response,
            CheckResult.Decision decision,
            Failure failure,
            String message,
            List<Obligation> obligations) {
        return of(response, decision, Optional.of(failure), message, obligations);
    }

    private static CheckResult of(
            CheckResponse response,
            CheckResult.Decision decision,
            Optional<Failure> failure,
            String message,
            List<Obligation> obligations) {
        return new CheckResult(
                decision == CheckResult.Decision.ALLOW && failure.isEmpty(),
                decision,
                reason(response.getReason()),
                failure,
                message,
                response.getDecisionId(),
                response.getDecidedBy().getBinding(),
                response.getDecidedBy().getRole(),
                response.getRevision(),
                response.getPlatformRevision(),
                obligations,
                reason(response.getDelegatorReason()),
                response.getApprovalId(),
                response.getHistorical(),
                validUntil(response),
                false,
                Optional.empty());
    }

    /** Empty also where it is no time at all. */
    private static Optional<Instant> validUntil(CheckResponse response) {
        try {
            return response.hasValidUntil() ? Optional.of(instant(response.getValidUntil())) : Optional.empty();
        } catch (DateTimeException | ArithmeticException malformed) {
            return Optional.empty();
        }
    }

    private static String reason(Reason reason) {
        return switch (reason) {
            case REASON_UNSPECIFIED, UNRECOGNIZED -> "";
            default -> name(reason.name(), "REASON_");
        };
    }

    private static String decidedBy(CheckResponse response) {
        String note = decidedByNote(response);
        return note.isEmpty() ? "policy" : note.substring(" by ".length());
    }

    private static String decidedByNote(CheckResponse response) {
        DecidedBy by = response.getDecidedBy();
        if (!by.getFreeze().isEmpty()) {
            return " by freeze `" + by.getFreeze() + "`";
        }
        if (!by.getSeparationOfDuty().isEmpty()) {
            return " by separation of duty `" + by.getSeparationOfDuty() + "`";
        }
        if (!by.getApprovalRule().isEmpty()) {
            return " by approval rule `" + by.getApprovalRule() + "`";
        }
        return by.getBinding().isEmpty() ? "" : " by binding `" + by.getBinding() + "`, role `" + by.getRole() + "`";
    }

    static AppendReceipt.Entry entry(AppendedEntry entry) {
        return new AppendReceipt.Entry(
                entry.getSeq(),
                HexFormat.of().formatHex(entry.getEntryHash().toByteArray()),
                instant(entry.getRecordedAt()));
    }

    static SearchResults.Page page(SearchSubjectsResponse page) {
        return new SearchResults.Page(
                page.getSubjectsList(), page.getWildcardsList(), page.getCursor(), page.getTruncated());
    }

    static SearchResults.Page page(SearchResourcesResponse page) {
        return new SearchResults.Page(page.getResourcesList(), List.of(), page.getCursor(), page.getTruncated());
    }

    static SearchResults.Page page(SearchActionsResponse page) {
        return new SearchResults.Page(page.getActionsList(), List.of(), page.getCursor(), page.getTruncated());
    }

    static AttributeValue attribute(Object value) {
        AttributeValue.Builder to = AttributeValue.newBuilder();
        return switch (value) {
            case String text -> to.setStringValue(text).build();
            case Long number -> to.setIntValue(number).build();
            case Integer number -> to.setIntValue(number).build();
            case Double number -> to.setDoubleValue(number).build();
            case Boolean flag -> to.setBoolValue(flag).build();
            case Instant instant -> to.setTimestampValue(timestamp(instant)).build();
            case List<?> list -> {
                AttributeList.Builder values = AttributeList.newBuilder();
                list.forEach(it -> values.addValues(attribute(it)));
                yield to.setListValue(values).build();
            }
            case Map<?, ?> map -> {
                AttributeMap.Builder values = AttributeMap.newBuilder();
                map.forEach((name, it) -> values.putValues(String.valueOf(name), attribute(it)));
                yield to.setMapValue(values).build();
            }
            default ->
                throw new IllegalArgumentException(
                        "Attribute of " + value.getClass().getName()
                                + ": expected a String, Long, Integer, Double, Boolean, Instant, List or Map");
        };
    }

    static dev.assize.proto.v1.AuditEvent event(AuditEvent event, String env) {
        dev.assize.proto.v1.AuditEvent.Builder to = dev.assize.proto.v1.AuditEvent.newBuilder()
                .setType(event.type())
                .setCategory(event.category())
                .setActor(event.actor())
                .setRole(event.role())
                .setAction(event.action())
                .setResource(event.resource())
                .setEnv(event.env().isEmpty() ? env : event.env())
                .setOutcome(outcome(event.outcome()))
                .setRunId(event.runId())
                .setDecisionId(event.decisionId())
                .setReason(event.reason())
                .setOverride(event.override())
                .setPayload(event.payload())
                .addAllReads(event.reads())
                .addAllWrites(event.writes())
                .setOnBehalfOf(event.onBehalfOf())
                .setActorTenant(event.actorTenant())
                .addAllErasable(event.erasable());
        if (event.occurredAt() != null) {
            to.setOccurredAt(timestamp(event.occurredAt()));
        }
        return to.build();
    }

    static AuditEntry entry(dev.assize.proto.v1.AuditEntry entry) {
        dev.assize.proto.v1.AuditEvent event = entry.getEvent();
        return new AuditEntry(
                entry.getSeq(),
                HexFormat.of().formatHex(entry.getEntryHash().toByteArray()),
                instant(entry.getRecordedAt()),
                entry.getRecordedBy(),
                entry.getRecordedByTenant(),
                new AuditEvent(
                        event.getType(),
                        event.getCategory(),
                        event.getActor(),
                        event.getRole(),
                        event.getAction(),
                        event.getResource(),
                        event.getEnv(),
                        outcome(event.getOutcome()),
                        event.hasOccurredAt() ? instant(event.getOccurredAt()) : null,
                        event.getRunId(),
                        event.getDecisionId(),
                        event.getReason(),
                        event.getOverride(),
                        event.getPayload(),
                        event.getReadsList(),
                        event.getWritesList(),
                        event.getOnBehalfOf(),
                        event.getActorTenant(),
                        event.getErasableList()),
                entry.getMaskedList(),
                entry.getErasedList(),
                entry.getTraceContext());
    }

    static QueryAuditRequest query(AuditQuery query, String tenant) {
        QueryAuditRequest.Builder to = QueryAuditRequest.newBuilder()
                .setTenant(query.tenant().isEmpty() ? tenant : query.tenant())
                .setActor(query.actor())
                .setAction(query.action())
                .setResource(query.resource())
                .setRunId(query.runId())
                .setType(query.type())
                .setAscending(query.ascending())
                .setPageSize(PAGE_SIZE);
        if (query.from() != null) {
            to.setFrom(timestamp(query.from()));
        }
        if (query.to() != null) {
            to.setTo(timestamp(query.to()));
        }
        if (query.outcome() != null) {
            to.setOutcome(outcome(query.outcome()));
        }
        return to.build();
    }

    static Verification verification(VerifyResult result) {
        return new Verification(
                result.getValid(),
                result.getVerified(),
                result.getFromSeq(),
                result.getToSeq(),
                HexFormat.of().formatHex(result.getHeadHash().toByteArray()),
                result.getOrigin(),
                result.hasFirstBadSeq() ? OptionalLong.of(result.getFirstBadSeq()) : OptionalLong.empty(),
                result.getFault() == ChainFault.CHAIN_FAULT_UNSPECIFIED
                        ? ""
                        : name(result.getFault().name(), "CHAIN_FAULT_"),
                result.getMessage(),
                result.getRedacted());
    }

    static Instant instant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
    }

    static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder()
                .setSeconds(instant.getEpochSecond())
                .setNanos(instant.getNano())
                .build();
    }

    private static dev.assize.proto.v1.Outcome outcome(AuditEvent.Outcome outcome) {
        return switch (outcome) {
            case SUCCESS -> dev.assize.proto.v1.Outcome.OUTCOME_SUCCESS;
            case FAILURE -> dev.assize.proto.v1.Outcome.OUTCOME_FAILURE;
            case DENIED -> dev.assize.proto.v1.Outcome.OUTCOME_DENIED;
            case PARTIAL -> dev.assize.proto.v1.Outcome.OUTCOME_PARTIAL;
            case UNKNOWN -> throw new IllegalArgumentException("Outcome UNKNOWN is for reading only");
        };
    }

    static AuditEvent.Outcome outcome(dev.assize.proto.v1.Outcome outcome) {
        return switch (outcome) {
            case OUTCOME_SUCCESS -> AuditEvent.Outcome.SUCCESS;
            case OUTCOME_FAILURE -> AuditEvent.Outcome.FAILURE;
            case OUTCOME_DENIED -> AuditEvent.Outcome.DENIED;
            case OUTCOME_PARTIAL -> AuditEvent.Outcome.PARTIAL;
            case OUTCOME_UNSPECIFIED, UNRECOGNIZED -> AuditEvent.Outcome.UNKNOWN;
        };
    }

    private static String name(String constant, String prefix) {
        return constant.startsWith(prefix) ? constant.substring(prefix.length()) : constant;
    }
}

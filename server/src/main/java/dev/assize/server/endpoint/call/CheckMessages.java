package dev.assize.server.endpoint.call;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.AttributeList;
import dev.assize.proto.v1.AttributeMap;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document.Obligation;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A question and its answer as messages of Assize's own, for doors that speak another protocol and ask at the centre. */
final class CheckMessages {

    private static final String REASON = "REASON_";
    private static final Pattern RULE = Pattern.compile("permissions\\[([0-9]{1,9})]");

    private CheckMessages() {}

    static CheckRequest request(CheckQuery query) {
        Surroundings around = new Surroundings(
                query.tenant(),
                query.env(),
                query.subjectTenant(),
                query.subjectAttributes(),
                query.resourceAttributes(),
                query.context(),
                query.activeRoles(),
                query.onBehalfOf(),
                query.runId());
        return around(around)
                .setSubject(query.subject().toString())
                .setResource(query.resource().value())
                .setAction(query.action().value())
                .setDetail(Detail.DETAIL_FULL)
                .build();
    }

    /** Everything of a question but its subject, resource and action. */
    static CheckRequest.Builder around(Surroundings around) {
        CheckRequest.Builder request = CheckRequest.newBuilder()
                .setTenant(around.tenant().value())
                .setEnv(around.env().value())
                .setSubjectTenant(around.subjectTenant().value())
                .addAllActiveRoles(around.activeRoles());
        around.subjectAttributes().forEach((name, value) -> request.putSubjectAttributes(name, attribute(value)));
        around.resourceAttributes().forEach((name, value) -> request.putResourceAttributes(name, attribute(value)));
        around.context().forEach((name, value) -> request.putContext(name, attribute(value)));
        CheckQuery.Delegator delegator = around.onBehalfOf();
        if (delegator != null) {
            request.setOnBehalfOf(delegator.subject().toString())
                    .setOnBehalfOfTenant(delegator.home().value());
        }
        String runId = around.runId();
        return runId == null ? request : request.setRunId(runId);
    }

    private static dev.assize.proto.v1.AttributeValue attribute(AttributeValue value) {
        dev.assize.proto.v1.AttributeValue.Builder wire = dev.assize.proto.v1.AttributeValue.newBuilder();
        return switch (value) {
            case AttributeValue.Text(String text) -> wire.setStringValue(text).build();
            case AttributeValue.Whole(long number) -> wire.setIntValue(number).build();
            case AttributeValue.Fraction(double number) ->
                wire.setDoubleValue(number).build();
            case AttributeValue.Truth(boolean truth) -> wire.setBoolValue(truth).build();
            case AttributeValue.Time(Instant instant) ->
                wire.setTimestampValue(Fields.timestamp(instant)).build();
            case AttributeValue.Many(List<AttributeValue> values) -> {
                AttributeList.Builder many = AttributeList.newBuilder();
                values.forEach(each -> many.addValues(attribute(each)));
                yield wire.setListValue(many).build();
            }
            case AttributeValue.Fields(var values) -> {
                AttributeMap.Builder fields = AttributeMap.newBuilder();
                values.forEach((name, each) -> fields.putValues(name, attribute(each)));
                yield wire.setMapValue(fields).build();
            }
        };
    }

    /**
     * An answer in full.
     *
     * @throws IllegalStateException where it says something that this version does not know, which is no answer
     */
    static Answer answer(CheckResponse response) {
        Reason reason = reason(response.getReason());
        if (reason.isAllow() != (response.getDecision() == Decision.DECISION_ALLOW)) {
            throw unknown("decision " + response.getDecision() + " for reason " + reason);
        }
        return new Answer(
                reason,
                decidedBy(response),
                new Revision(response.getRevision()),
                new Revision(response.getPlatformRevision()),
                response.hasValidUntil() && !response.getHistorical() ? instant(response.getValidUntil()) : null,
                response.getObligationsList().stream()
                        .map(CheckMessages::obligation)
                        .toList(),
                response.getDelegatorReason() == dev.assize.proto.v1.Reason.REASON_UNSPECIFIED
                        ? null
                        : reason(response.getDelegatorReason()),
                response.getApprovalId().isEmpty() ? null : response.getApprovalId());
    }

    private static Reason reason(dev.assize.proto.v1.Reason reason) {
        for (Reason known : Reason.values()) {
            if (reason.name().equals(REASON + known.name())) {
                return known;
            }
        }
        throw unknown("reason " + reason);
    }

    private static @Nullable DecidedBy decidedBy(CheckResponse response) {
        dev.assize.proto.v1.DecidedBy by = response.getDecidedBy();
        if (!response.hasDecidedBy()) {
            return null;
        }
        if (!by.getFreeze().isEmpty()) {
            return new DecidedBy.Freeze(by.getFreeze());
        }
        if (!by.getSeparationOfDuty().isEmpty()) {
            return new DecidedBy.Duty(by.getSeparationOfDuty());
        }
        if (!by.getApprovalRule().isEmpty()) {
            return new DecidedBy.Approval(by.getApprovalRule());
        }
        Matcher rule = RULE.matcher(by.getRule());
        if (!rule.matches()) {
            throw unknown("rule `" + by.getRule() + "`");
        }
        return new DecidedBy.Grant(by.getBinding(), by.getRole(), Integer.parseInt(rule.group(1)));
    }

    private static Obligation obligation(dev.assize.proto.v1.Obligation obligation) {
        Map<String, String> properties = obligation.getPropertiesMap();
        return new Obligation(obligation.getId(), obligation.getType(), new TreeMap<>(properties));
    }

    private static Instant instant(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    private static IllegalStateException unknown(String what) {
        return new IllegalStateException("the centre's answer has a " + what + ", which is not known here");
    }
}

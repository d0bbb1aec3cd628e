package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.BindingState;
import dev.assize.proto.v1.BindingTrace;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.Effect;
import dev.assize.proto.v1.Explanation;
import dev.assize.proto.v1.Obligation;
import dev.assize.proto.v1.PermissionState;
import dev.assize.proto.v1.PermissionTrace;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RuleTrace;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.policy.Document;
import java.time.Instant;
import java.util.stream.IntStream;

/** Writes the engine's answer as the wire has it. */
final class AnswerTranslator {

    /** Of the first permissions of roles, which most answers name. */
    private static final String[] RULES =
            IntStream.range(0, 64).mapToObj(AnswerTranslator::newRule).toArray(String[]::new);

    private AnswerTranslator() {}

    static CheckResponse.Builder response(Answer answer, String decisionId, Detail detail) {
        CheckResponse.Builder response = CheckResponse.newBuilder()
                .setDecision(decision(answer.reason()))
                .setReason(reason(answer.reason()))
                .setHistorical(answer.isHistorical());
        return detail == Detail.DETAIL_MINIMAL ? response : full(response, answer, decisionId);
    }

    static Explanation explanation(dev.assize.server.decision.check.Explanation explanation) {
        Explanation.Builder wire = Explanation.newBuilder()
                .setDecision(decision(explanation.answer().reason()))
                .setReason(reason(explanation.answer().reason()))
                .addAllGroups(explanation.groups())
                .addAllActiveRoles(explanation.activeRoles());
        explanation.freezes().forEach(freeze -> wire.addFreezes(rule(freeze)));
        explanation.bindings().forEach(binding -> wire.addBindings(binding(binding)));
        explanation.duties().forEach(duty -> wire.addSeparationsOfDuty(rule(duty)));
        explanation.approvals().forEach(approval -> wire.addApprovalRules(rule(approval)));
        if (explanation.delegator() != null) {
            wire.setDelegator(explanation(explanation.delegator()));
        }
        return wire.build();
    }

    private static CheckResponse.Builder full(CheckResponse.Builder response, Answer answer, String decisionId) {
        Answer.DecidedBy decidedBy = answer.decidedBy();
        if (decidedBy != null) {
            response.setDecidedBy(decidedBy(decidedBy));
        }
        answer.obligations().forEach(each -> response.addObligations(obligation(each)));
        Instant validUntil = answer.validUntil();
        if (validUntil != null) {
            response.setValidUntil(Fields.timestamp(validUntil));
        }
        if (answer.delegatorReason() != null) {
            response.setDelegatorReason(reason(answer.delegatorReason()));
        }
        if (answer.approvalId() != null) {
            response.setApprovalId(answer.approvalId());
        }
        return response.setRevision(answer.revision().value())
                .setPlatformRevision(answer.platformRevision().value())
                .setDecisionId(decisionId);
    }

    static Obligation obligation(Document.Obligation obligation) {
        return Obligation.newBuilder()
                .setId(obligation.id())
                .setType(obligation.type())
                .putAllProperties(obligation.properties())
                .build();
    }

    static DecidedBy decidedBy(Answer.DecidedBy decidedBy) {
        DecidedBy.Builder wire = DecidedBy.newBuilder();
        switch (decidedBy) {
            case Answer.DecidedBy.Grant(String binding, String role, int position) ->
                wire.setBinding(binding).setRole(role).setRule(rule(position));
            case Answer.DecidedBy.Freeze(String name) -> wire.setFreeze(name);
            case Answer.DecidedBy.Duty(String name) -> wire.setSeparationOfDuty(name);
            case Answer.DecidedBy.Approval(String name) -> wire.setApprovalRule(name);
        }
        return wire.build();
    }

    private static RuleTrace rule(dev.assize.server.decision.check.Explanation.RuleTrace trace) {
        return RuleTrace.newBuilder()
                .setName(trace.name())
                .setDenies(trace.denies())
                .setDetail(trace.detail())
                .setSource(trace.place().toString())
                .build();
    }

    private static BindingTrace binding(dev.assize.server.decision.check.Explanation.BindingTrace trace) {
        BindingTrace.Builder wire = BindingTrace.newBuilder()
                .setBinding(trace.binding())
                .setRole(trace.role())
                .setMatchedSubject(trace.matchedSubject())
                .setState(state(trace.state()))
                .setDetail(trace.detail())
                .setSource(trace.place().toString());
        trace.permissions()
                .forEach(permission -> wire.addPermissions(PermissionTrace.newBuilder()
                        .setRole(permission.role())
                        .setRule(rule(permission.position()))
                        .setEffect(effect(permission.effect()))
                        .setState(state(permission.state()))
                        .setDetail(permission.detail())
                        .addAllThrough(permission.through())
                        .setSource(permission.place().toString())));
        return wire.build();
    }

    static String rule(int position) {
        return position < RULES.length ? RULES[position] : newRule(position);
    }

    private static String newRule(int position) {
        return "permissions[" + position + "]";
    }

    private static BindingState state(dev.assize.server.decision.check.Explanation.BindingState state) {
        return switch (state) {
            case HOLDS -> BindingState.BINDING_STATE_HOLDS;
            case OUT_OF_SCOPE -> BindingState.BINDING_STATE_OUT_OF_SCOPE;
            case EXPIRED -> BindingState.BINDING_STATE_EXPIRED;
            case NOT_YET_VALID -> BindingState.BINDING_STATE_NOT_YET_VALID;
            case CONDITION_FALSE -> BindingState.BINDING_STATE_CONDITION_FALSE;
            case CONDITION_ERROR -> BindingState.BINDING_STATE_CONDITION_ERROR;
            case NOT_ACTIVE -> BindingState.BINDING_STATE_NOT_ACTIVE;
        };
    }

    private static PermissionState state(dev.assize.server.decision.check.Explanation.PermissionState state) {
        return switch (state) {
            case HOLDS -> PermissionState.PERMISSION_STATE_HOLDS;
            case CONDITION_FALSE -> PermissionState.PERMISSION_STATE_CONDITION_FALSE;
            case CONDITION_ERROR -> PermissionState.PERMISSION_STATE_CONDITION_ERROR;
            case ROLE_FROZEN -> PermissionState.PERMISSION_STATE_ROLE_FROZEN;
        };
    }

    private static Effect effect(Document.Effect effect) {
        return switch (effect) {
            case ALLOW -> Effect.EFFECT_ALLOW;
            case DENY -> Effect.EFFECT_DENY;
        };
    }

    static Decision decision(dev.assize.server.model.Reason reason) {
        return reason.isAllow() ? Decision.DECISION_ALLOW : Decision.DECISION_DENY;
    }

    static Reason reason(dev.assize.server.model.Reason reason) {
        return switch (reason) {
            case ALLOWED -> Reason.REASON_ALLOWED;
            case TENANT_UNKNOWN -> Reason.REASON_TENANT_UNKNOWN;
            case ENVIRONMENT_UNKNOWN -> Reason.REASON_ENVIRONMENT_UNKNOWN;
            case TYPE_UNKNOWN -> Reason.REASON_TYPE_UNKNOWN;
            case ACTION_UNKNOWN -> Reason.REASON_ACTION_UNKNOWN;
            case FROZEN -> Reason.REASON_FROZEN;
            case EXPLICIT_DENY -> Reason.REASON_EXPLICIT_DENY;
            case CONDITION_ERROR -> Reason.REASON_CONDITION_ERROR;
            case CONDITION_FALSE -> Reason.REASON_CONDITION_FALSE;
            case GRANT_EXPIRED -> Reason.REASON_GRANT_EXPIRED;
            case GRANT_NOT_YET_VALID -> Reason.REASON_GRANT_NOT_YET_VALID;
            case OUT_OF_SCOPE -> Reason.REASON_OUT_OF_SCOPE;
            case NO_GRANT -> Reason.REASON_NO_GRANT;
            case SEPARATION_OF_DUTY -> Reason.REASON_SEPARATION_OF_DUTY;
            case APPROVAL_REQUIRED -> Reason.REASON_APPROVAL_REQUIRED;
            case DELEGATOR_DENIED -> Reason.REASON_DELEGATOR_DENIED;
        };
    }
}

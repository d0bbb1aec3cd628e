package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.AnswerChange;
import dev.assize.proto.v1.Outlook;
import dev.assize.proto.v1.OutlookEffect;
import dev.assize.proto.v1.PolicyFinding;
import dev.assize.proto.v1.PolicyFindingType;
import dev.assize.proto.v1.SelfEscalation;
import dev.assize.proto.v1.TenantImpact;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.impact.Gains.Gain;
import dev.assize.server.decision.impact.Impact;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document;

/** Writes whose answers a change would alter, as far as one answer holds it. */
final class ImpactTranslator {

    /** Bytes of lines in one answer, of all tenants together. */
    static final int LINE_BYTES = 1_024 * 1_024;

    private int bytesLeft = LINE_BYTES;

    static SelfEscalation gain(Gain gain) {
        return SelfEscalation.newBuilder()
                .setTenant(gain.tenant().value())
                .setSubject(gain.subject().toString())
                .setMessage(message(gain))
                .build();
    }

    static String message(Gain gain) {
        return "in tenant `" + gain.tenant() + "` after this change its author " + gain.message();
    }

    TenantImpact impact(Impact impact) {
        TenantImpact.Builder wire = TenantImpact.newBuilder()
                .setTenant(impact.tenant().value())
                .setChangeCount(impact.lineCount())
                .setComplete(impact.complete())
                .setFindingCount(impact.findingCount());
        for (Impact.Line line : impact.lines()) {
            AnswerChange change = change(line);
            if (!fits(change.getSerializedSize())) {
                break;
            }
            wire.addChanges(change);
        }
        for (Impact.Finding finding : impact.findings()) {
            PolicyFinding found = finding(finding);
            if (!fits(found.getSerializedSize())) {
                break;
            }
            wire.addFindings(found);
        }
        return wire.setTruncated(!impact.complete()
                        || wire.getChangesCount() < impact.lineCount()
                        || wire.getFindingsCount() < impact.findingCount())
                .build();
    }

    /** Once something does not fit, nothing behind it does: what is listed is the first of what there is. */
    private boolean fits(int bytes) {
        bytesLeft = bytes > bytesLeft ? 0 : bytesLeft - bytes;
        return bytesLeft > 0;
    }

    private static AnswerChange change(Impact.Line line) {
        return AnswerChange.newBuilder()
                .setSubject(line.subject())
                .setSubjectTenant(line.home().value())
                .setAction(line.action())
                .setResource(line.resource())
                .setEnv(line.env().value())
                .setRunId(line.run() == null ? "" : line.run())
                .setFrom(outlook(line.from()))
                .setTo(outlook(line.to()))
                .build();
    }

    static Outlook outlook(Prospect prospect) {
        Outlook.Builder wire = Outlook.newBuilder()
                .setEffect(
                        switch (prospect.effect()) {
                            case ALLOW -> OutlookEffect.OUTLOOK_EFFECT_ALLOW;
                            case DENY -> OutlookEffect.OUTLOOK_EFFECT_DENY;
                            case CONDITIONAL -> OutlookEffect.OUTLOOK_EFFECT_CONDITIONAL;
                        })
                .addAllAllowedIf(prospect.allowsIf().values())
                .addAllDeniedIf(prospect.deniesIf().values());
        prospect.approvals().stream().map(Document::name).forEach(wire::addApprovalRules);
        prospect.histories().stream().map(Document::name).forEach(wire::addHistoryRules);
        Reason reason = prospect.reason();
        if (reason != null) {
            wire.setReason(AnswerTranslator.reason(reason));
        }
        Answer.DecidedBy decidedBy = prospect.decidedBy();
        if (decidedBy != null) {
            wire.setDecidedBy(AnswerTranslator.decidedBy(decidedBy));
        }
        return wire.build();
    }

    private static PolicyFinding finding(Impact.Finding finding) {
        return PolicyFinding.newBuilder()
                .setType(
                        switch (finding.type()) {
                            case ROLE_UNREACHED -> PolicyFindingType.POLICY_FINDING_TYPE_ROLE_UNREACHED;
                            case BINDING_WITHOUT_PERMISSION ->
                                PolicyFindingType.POLICY_FINDING_TYPE_BINDING_WITHOUT_PERMISSION;
                            case PERMISSION_SHADOWED -> PolicyFindingType.POLICY_FINDING_TYPE_PERMISSION_SHADOWED;
                            case ACTION_UNREACHED -> PolicyFindingType.POLICY_FINDING_TYPE_ACTION_UNREACHED;
                            case BINDING_TO_NOBODY -> PolicyFindingType.POLICY_FINDING_TYPE_BINDING_TO_NOBODY;
                        })
                .setKind(finding.document().kind().text())
                .setName(finding.document().name())
                .setMessage(finding.message())
                .build();
    }
}

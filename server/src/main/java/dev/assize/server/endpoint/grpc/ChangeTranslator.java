package dev.assize.server.endpoint.grpc;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.PolicyProblem;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeResult.DutyViolation;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles.Violation;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Problem;
import java.util.List;

/** Writes what a change set did, or would do, as the wire has it. */
final class ChangeTranslator {

    /** Bytes of the texts in one answer. */
    static final int TEXT_BYTES = 1_024 * 1_024;

    private ChangeTranslator() {}

    /** Of a change that was committed. */
    static ApplyPolicyResponse response(List<ChangeResult.ScopeChange> changes, List<DutyViolation> violations) {
        ApplyPolicyResponse.Builder response = ApplyPolicyResponse.newBuilder();
        changes.forEach(change -> response.addChanges(scope(change, new Texts(0))));
        violations.forEach(violation -> response.addViolations(violation(violation)));
        return response.build();
    }

    /** Of a change that an earlier request under the same key made. */
    static ApplyPolicyResponse replayed(List<ChangeResult.ScopeChange> changes) {
        return response(changes, List.of()).toBuilder().setReplayed(true).build();
    }

    /**
     * Of a dry run.
     *
     * @param problems its own, with their places found
     */
    static ApplyPolicyResponse response(ChangeResult.Compared compared, List<Problem> problems) {
        ApplyPolicyResponse.Builder response = ApplyPolicyResponse.newBuilder().setDryRun(true);
        Texts texts = new Texts(TEXT_BYTES);
        compared.changes().forEach(change -> response.addChanges(scope(change, texts)));
        compared.violations().forEach(violation -> response.addViolations(violation(violation)));
        compared.gains().forEach(gain -> response.addSelfEscalations(ImpactTranslator.gain(gain)));
        ImpactTranslator impacts = new ImpactTranslator();
        compared.impacts().forEach(impact -> response.addImpacts(impacts.impact(impact)));
        response.setImpactsLeftOut(compared.impactsLeftOut());
        response.setAcceptancesNeeded(compared.acceptancesNeeded());
        problems.forEach(problem -> response.addProblems(problem(problem)));
        return response.build();
    }

    private static dev.assize.proto.v1.DutyViolation violation(DutyViolation found) {
        Violation violation = found.violation();
        TenantId home = violation.home();
        return dev.assize.proto.v1.DutyViolation.newBuilder()
                .setTenant(found.tenant().value())
                .setRule(violation.rule().name())
                .setPlatformRule(violation.rule().scope().isPlatform())
                .setSubject(violation.subject().toString())
                .setSubjectTenant(home == null ? "" : home.value())
                .addAllRoles(violation.roles())
                .setLimit(violation.limit())
                .setExisting(violation.existing())
                .setMessage(violation.message())
                .build();
    }

    private static ScopeChange scope(ChangeResult.ScopeChange change, Texts texts) {
        ScopeChange.Builder wire = ScopeChange.newBuilder()
                .setTenant(change.scope().tenant().map(TenantId::value).orElse(""))
                .setBaseRevision(change.base().value())
                .setRevision(change.revision().value())
                .setChangeDigest(ByteString.copyFrom(change.changeDigest().bytes()))
                .setPolicyDigest(ByteString.copyFrom(change.policyDigest().bytes()));
        change.documents().forEach(document -> wire.addDocuments(document(document, texts)));
        if (change.seq() != null) {
            wire.setSeq(change.seq());
        }
        return wire.build();
    }

    private static DocumentChange document(ChangeResult.DocumentChange change, Texts texts) {
        DocumentChange.Builder wire = DocumentChange.newBuilder()
                .setKind(change.key().kind().text())
                .setName(change.key().name())
                .setType(type(change.type()));
        if (change.before() != null && change.after() != null && change.type() == ChangeResult.ChangeType.REPLACED) {
            texts.add(wire, change.before(), change.after());
        }
        return wire.build();
    }

    /** What is left of the texts that one answer may carry. */
    private static final class Texts {

        private final boolean wanted;
        private int bytesLeft;

        Texts(int bytes) {
            this.wanted = bytes > 0;
            this.bytesLeft = bytes;
        }

        void add(DocumentChange.Builder to, Document before, Document after) {
            if (!wanted) {
                return;
            }
            if (bytesLeft <= 0) {
                to.setTextsLeftOut(true);
                return;
            }
            ByteString was = ByteString.copyFromUtf8(DocumentText.write(before));
            ByteString becomes = ByteString.copyFromUtf8(DocumentText.write(after));
            bytesLeft -= was.size() + becomes.size();
            if (bytesLeft < 0) {
                to.setTextsLeftOut(true);
            } else {
                to.setBefore(was).setAfter(becomes);
            }
        }
    }

    static ChangeType type(ChangeResult.ChangeType type) {
        return switch (type) {
            case CREATED -> ChangeType.CHANGE_TYPE_CREATED;
            case REPLACED -> ChangeType.CHANGE_TYPE_REPLACED;
            case DELETED -> ChangeType.CHANGE_TYPE_DELETED;
            case UNCHANGED -> ChangeType.CHANGE_TYPE_UNCHANGED;
        };
    }

    private static PolicyProblem problem(Problem problem) {
        return PolicyProblem.newBuilder()
                .setFile(problem.place().file())
                .setLine(problem.place().line())
                .setColumn(problem.place().column())
                .setField(problem.field())
                .setValue(problem.value())
                .setExpected(problem.expected())
                .setMessage(problem.message())
                .build();
    }
}

package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.DutyViolation;
import dev.assize.proto.v1.PolicyProblem;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.ScopeChange;
import java.util.HexFormat;
import java.util.List;

/** Sends a change set and shows what became of it. */
final class PolicyChange {

    private PolicyChange() {}

    static ApplyPolicyResponse send(
            Connection connection,
            ApplyPolicyHeader header,
            List<PolicyFiles.Piece> puts,
            List<DocumentKey> deletes,
            ProgressBar bar)
            throws InterruptedException {
        int all = puts.size() + deletes.size();
        int sent = 0;
        Upload<ApplyPolicyRequest, ApplyPolicyResponse> answer = new Upload<>();
        connection.policyStreaming(all).applyPolicy(answer);
        answer.send(ApplyPolicyRequest.newBuilder().setHeader(header).build());
        for (PolicyFiles.Piece piece : puts) {
            answer.send(ApplyPolicyRequest.newBuilder()
                    .setPut(PolicySource.newBuilder()
                            .setFile(piece.file())
                            .setLine(piece.line())
                            .setYaml(ByteString.copyFrom(piece.yaml())))
                    .build());
            bar.update(++sent, all);
        }
        for (DocumentKey key : deletes) {
            answer.send(ApplyPolicyRequest.newBuilder().setDelete(key).build());
            bar.update(++sent, all);
        }
        bar.say(all + " documents sent; the server judges them");
        return answer.await();
    }

    static void print(ApplyPolicyResponse response, ClientCommand command) {
        for (ScopeChange scope : response.getChangesList()) {
            command.out().println(Printable.text(headline(scope, response.getDryRun())));
            scope.getDocumentsList().stream()
                    .filter(it -> it.getType() != ChangeType.CHANGE_TYPE_UNCHANGED)
                    .forEach(it -> print(it, command));
            long unchanged = scope.getDocumentsList().stream()
                    .filter(it -> it.getType() == ChangeType.CHANGE_TYPE_UNCHANGED)
                    .count();
            if (unchanged > 0) {
                command.out().println("  = " + unchanged + " unchanged");
            }
        }
        if (response.getReplayed()) {
            command.out().println("applied before under this key; nothing was changed now");
        }
        // What refuses the change is among the problems.
        response.getViolationsList().stream()
                .filter(it -> response.getProblemsCount() == 0)
                .forEach(it -> command.out()
                        .println(Printable.text("  ! tenant " + it.getTenant() + ": " + it.getMessage()
                                + (it.getExisting() ? ", held before" : ""))));
        PolicyImpact.print(response, command);
        if (response.getAcceptancesNeeded() > 0) {
            command.err()
                    .println("needs " + response.getAcceptancesNeeded()
                            + (response.getAcceptancesNeeded() == 1 ? " other" : " others")
                            + " to accept it: propose it with `assize policy propose`");
        }
        AgainstLedger.print(response, command);
        response.getProblemsList().forEach(it -> command.err().println(Printable.text(it.getMessage())));
        if (response.getProblemsCount() > 0) {
            command.err()
                    .println(
                            response.getProblemsCount() == 1
                                    ? "1 problem; nothing would be applied"
                                    : response.getProblemsCount() + " problems; nothing would be applied");
        }
    }

    /** Whether it was, or would be, applied. */
    static int exitCode(ApplyPolicyResponse response) {
        return response.getProblemsCount() == 0
                        && response.getSelfEscalationsCount() == 0
                        && response.getAcceptancesNeeded() == 0
                ? ExitCodes.DONE
                : ExitCodes.ERROR;
    }

    /** The same, and {@link ExitCodes#NO} where it is asked for and something would change. */
    static int exitCode(ApplyPolicyResponse response, boolean detailed) {
        boolean changes = response.getChangesList().stream()
                .flatMap(scope -> scope.getDocumentsList().stream())
                .anyMatch(it -> it.getType() != ChangeType.CHANGE_TYPE_UNCHANGED);
        int exitCode = exitCode(response);
        return detailed && changes && exitCode == ExitCodes.DONE ? ExitCodes.NO : exitCode;
    }

    static void print(DocumentChange change, ClientCommand command) {
        command.out()
                .println(Printable.text(
                        "  " + sign(change.getType()) + " " + change.getKind() + "/" + change.getName()));
        if (change.getTextsLeftOut()) {
            command.out().println("      (too much to show: compare with `policy export`)");
        }
        LineDiff.of(change.getBefore().toStringUtf8(), change.getAfter().toStringUtf8())
                .forEach(line -> command.out().println(Printable.text("      " + line)));
    }

    private static String headline(ScopeChange scope, boolean dryRun) {
        String name = scope.getTenant().isEmpty() ? "platform" : "tenant " + scope.getTenant();
        if (scope.getRevision() == scope.getBaseRevision()) {
            return dryRun ? name + " at revision " + scope.getBaseRevision() : name + ": nothing to change";
        }
        return name + ": revision " + scope.getBaseRevision() + " -> " + scope.getRevision()
                + (scope.hasSeq() ? ", recorded as entry " + scope.getSeq() : "") + (dryRun ? " (dry run)" : "");
    }

    static String sign(ChangeType type) {
        return switch (type) {
            case CHANGE_TYPE_CREATED -> "+";
            case CHANGE_TYPE_REPLACED -> "~";
            case CHANGE_TYPE_DELETED -> "-";
            case CHANGE_TYPE_UNCHANGED -> "=";
            case CHANGE_TYPE_UNSPECIFIED, UNRECOGNIZED -> "?";
        };
    }

    static ObjectNode json(ApplyPolicyResponse response) {
        ObjectNode json = ClientCommand.object()
                .put("dryRun", response.getDryRun())
                .put("replayed", response.getReplayed())
                .put("acceptancesNeeded", response.getAcceptancesNeeded());
        ArrayNode changes = json.putArray("changes");
        for (ScopeChange scope : response.getChangesList()) {
            ObjectNode to = changes.addObject()
                    .put("tenant", scope.getTenant())
                    .put("baseRevision", scope.getBaseRevision())
                    .put("revision", scope.getRevision())
                    .put("changeDigest", hex(scope.getChangeDigest()))
                    .put("policyDigest", hex(scope.getPolicyDigest()));
            if (scope.hasSeq()) {
                to.put("seq", scope.getSeq());
            }
            ArrayNode documents = to.putArray("documents");
            for (DocumentChange change : scope.getDocumentsList()) {
                documents.add(json(change));
            }
        }
        ArrayNode problems = json.putArray("problems");
        for (PolicyProblem problem : response.getProblemsList()) {
            problems.addObject()
                    .put("file", problem.getFile())
                    .put("line", problem.getLine())
                    .put("column", problem.getColumn())
                    .put("field", problem.getField())
                    .put("value", problem.getValue())
                    .put("expected", problem.getExpected())
                    .put("message", problem.getMessage());
        }
        ArrayNode violations = json.putArray("violations");
        for (DutyViolation violation : response.getViolationsList()) {
            ObjectNode to = violations
                    .addObject()
                    .put("tenant", violation.getTenant())
                    .put("rule", violation.getRule())
                    .put("platformRule", violation.getPlatformRule())
                    .put("subject", violation.getSubject())
                    .put("subjectTenant", violation.getSubjectTenant());
            violation.getRolesList().forEach(to.putArray("roles")::add);
            to.put("limit", violation.getLimit())
                    .put("existing", violation.getExisting())
                    .put("message", violation.getMessage());
        }
        PolicyImpact.addTo(json, response);
        AgainstLedger.addTo(json, response);
        return json;
    }

    static ObjectNode json(DocumentChange change) {
        ObjectNode document = ClientCommand.object()
                .put("kind", change.getKind())
                .put("name", change.getName())
                .put("change", Answers.bare(change.getType().name(), "CHANGE_TYPE_"));
        if (!change.getBefore().isEmpty() || !change.getAfter().isEmpty()) {
            document.put("before", change.getBefore().toStringUtf8())
                    .put("after", change.getAfter().toStringUtf8());
        } else if (change.getTextsLeftOut()) {
            document.put("textsLeftOut", true);
        }
        return document;
    }

    static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }
}

package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AnswerChange;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.DutyViolation;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.Outlook;
import dev.assize.proto.v1.OutlookEffect;
import dev.assize.proto.v1.PolicyFinding;
import dev.assize.proto.v1.PolicyProblem;
import dev.assize.proto.v1.PolicyRevision;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.proto.v1.SelfEscalation;
import dev.assize.proto.v1.TenantImpact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The commands on policy against a server that gives prepared answers. */
class PolicyCommandsTest extends CommandsFixture {

    @Test
    void policyThatIsInvalidIsNoMistakeInTheUsage() throws IOException {
        server.failure = refusal(3, "POLICY_INVALID", "1 problem");
        Path file = Files.writeString(home.resolve("p.yaml"), "kind: Role\n");

        assertThat(run("policy", "apply", file.toString())).isEqualTo(1);
    }

    @Test
    void diffShowsTheLinesThatChange() throws IOException {
        Path file = Files.writeString(home.resolve("p.yaml"), "kind: Role\n");
        server.apply = ApplyPolicyResponse.newBuilder()
                .setDryRun(true)
                .addChanges(ScopeChange.newBuilder()
                        .setTenant("acme")
                        .setBaseRevision(1)
                        .setRevision(2)
                        .addDocuments(DocumentChange.newBuilder()
                                .setKind("Role")
                                .setName("operator")
                                .setType(ChangeType.CHANGE_TYPE_REPLACED)
                                .setBefore(ByteString.copyFromUtf8("a: 1\nb: 2\nc: 3\nd: 4\n"))
                                .setAfter(ByteString.copyFromUtf8("a: 1\nb: 5\nc: 3\ne: 6\nd: 4\n")))
                        .addDocuments(DocumentChange.newBuilder()
                                .setKind("Role")
                                .setName("huge")
                                .setType(ChangeType.CHANGE_TYPE_REPLACED)
                                .setTextsLeftOut(true)))
                .build();

        assertThat(run("policy", "diff", file.toString())).isZero();
        assertThat(out.toString().lines())
                .containsExactly(
                        "tenant acme: revision 1 -> 2 (dry run)",
                        "  ~ Role/operator",
                        "      - b: 2",
                        "      + b: 5",
                        "      + e: 6",
                        "  ~ Role/huge",
                        "      (too much to show: compare with `policy export`)");
    }

    @Test
    void diffShowsWhoseAnswersChangeAndRefusesWhatGivesItsAuthorSomething() throws IOException {
        Path file = Files.writeString(home.resolve("p.yaml"), "kind: Role\n");
        server.apply = ApplyPolicyResponse.newBuilder()
                .setDryRun(true)
                .addImpacts(TenantImpact.newBuilder()
                        .setTenant("acme")
                        .setChangeCount(3)
                        .setComplete(true)
                        .setTruncated(true)
                        .addChanges(AnswerChange.newBuilder()
                                .setSubject("user:alice")
                                .setSubjectTenant("acme")
                                .setAction("read")
                                .setResource("doc")
                                .setEnv("prod")
                                .setFrom(Outlook.newBuilder()
                                        .setEffect(OutlookEffect.OUTLOOK_EFFECT_DENY)
                                        .setReason(Reason.REASON_NO_GRANT))
                                .setTo(Outlook.newBuilder()
                                        .setEffect(OutlookEffect.OUTLOOK_EFFECT_ALLOW)
                                        .addApprovalRules("two")
                                        .setDecidedBy(DecidedBy.newBuilder()
                                                .setBinding("b")
                                                .setRole("r")
                                                .setRule("permissions[0]"))))
                        .addChanges(AnswerChange.newBuilder()
                                .setSubject("*")
                                .setSubjectTenant("globex")
                                .setAction("read")
                                .setResource("doc")
                                .setEnv("prod")
                                .setRunId("7")
                                .setFrom(Outlook.newBuilder().setEffect(OutlookEffect.OUTLOOK_EFFECT_ALLOW))
                                .setTo(Outlook.newBuilder()
                                        .setEffect(OutlookEffect.OUTLOOK_EFFECT_CONDITIONAL)
                                        .addDeniedIf("`b`: context.night")))
                        .addFindings(PolicyFinding.newBuilder().setMessage("no binding gives role `x` to anybody")))
                .addSelfEscalations(SelfEscalation.newBuilder().setMessage("its author could"))
                .build();

        assertThat(run("policy", "diff", file.toString())).isOne();
        assertThat(out.toString().lines())
                .containsExactly(
                        "tenant acme: 3 answers change",
                        "SUBJECT      ACTION  RESOURCE  ENV          FROM           TO                   BY",
                        "user:alice   read    doc       prod         DENY NO_GRANT  ALLOW, approval two  b, r"
                                + " permissions[0]",
                        "* of globex  read    doc       prod, run 7  ALLOW          CONDITIONAL          not if `b`:"
                                + " context.night",
                        "  (1 or more answers are not shown)",
                        "  ! no binding gives role `x` to anybody");
        assertThat(err.toString()).contains("its author could", "nobody gives themselves anything");

        assertThat(run("policy", "diff", file.toString(), "--output", "json")).isOne();
        assertThat(out.toString()).contains("\"selfEscalations\"", "\"allowedIf\"");
    }

    @Test
    void tellsAViolationThatRefusesTheChangeOnce() throws IOException {
        Path file = Files.writeString(home.resolve("p.yaml"), "kind: Role\n");
        server.apply = ApplyPolicyResponse.newBuilder()
                .setDryRun(true)
                .addViolations(DutyViolation.newBuilder().setTenant("acme").setMessage("alice holds too much"))
                .addProblems(PolicyProblem.newBuilder().setMessage("p.yaml:1: alice holds too much"))
                .build();

        run("policy", "diff", file.toString());
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("p.yaml:1: alice holds too much");
    }

    @Test
    void showsTheDocumentsOfAChangeInOneRow() throws IOException {
        QueryAuditResponse.Builder entries = QueryAuditResponse.newBuilder();
        for (int i = 5; i > 0; i--) {
            entries.addEntries(AuditEntry.newBuilder()
                    .setSeq(i)
                    .setEvent(AuditEvent.newBuilder()
                            .setType("assize.policy.diff")
                            .setActor("user:admin")
                            .setPayload("{\"scope\":\"acme\",\"revision\":" + (i > 1 ? 2 : 1)
                                    + ",\"kind\":\"Role\",\"name\":\"r" + i + "\",\"change\":\"created\"}")));
        }
        entries.addEntries(AuditEntry.newBuilder()
                .setSeq(0)
                .setEvent(AuditEvent.newBuilder()
                        .setType("replay.executed")
                        .setActor("agent:feed")
                        .setActorTenant("partner")
                        .setOnBehalfOf("user:bob")));
        server.query = entries.build();

        assertThat(run("audit", "list")).isZero();
        assertThat(out.toString().lines()).hasSize(4);
        assertThat(out.toString())
                .contains(
                        "5..2",
                        "created Role/r5, created Role/r4, created Role/r3 and 1 more (4 entries, each in --output json)",
                        "created Role/r1",
                        "agent:feed of partner for user:bob");
        run("audit", "list", "--output", "json");
        assertThat(json().get("entries")).hasSize(6);
        assertThat(json().at("/entries/5/onBehalfOf").asText()).isEqualTo("user:bob");
        assertThat(json().at("/entries/5/actorTenant").asText()).isEqualTo("partner");
    }

    @Test
    void applySendsOneDocumentAMessageWithFileAndLine() throws IOException {
        Path dir = Files.createDirectories(home.resolve("pack"));
        Files.writeString(dir.resolve("b.yaml"), "# head\n---\nkind: Role\n---\n# nothing\n---\nkind: Group\n");
        Files.writeString(dir.resolve("a.yml"), "kind: Tenant\n");
        Files.writeString(dir.resolve("notes.txt"), "no policy");
        Files.createDirectories(dir.resolve("tests"));
        Files.writeString(dir.resolve("tests/roles.yaml"), "a: test\n");
        server.apply = ApplyPolicyResponse.newBuilder()
                .addChanges(ScopeChange.newBuilder()
                        .setTenant("acme")
                        .setRevision(1)
                        .setSeq(0)
                        .addDocuments(DocumentChange.newBuilder()
                                .setKind("Role")
                                .setName("operator")
                                .setType(ChangeType.CHANGE_TYPE_CREATED)))
                .build();

        assertThat(run("policy", "apply", dir.toString(), "--reason", "first", "--delete", "Role/old"))
                .isZero();

        assertThat(server.requests)
                .filteredOn(ApplyPolicyRequest.class::isInstance)
                .containsExactly(
                        ApplyPolicyRequest.newBuilder()
                                .setHeader(ApplyPolicyHeader.newBuilder().setReason("first"))
                                .build(),
                        put(dir.resolve("a.yml"), 1, "kind: Tenant\n"),
                        put(dir.resolve("b.yaml"), 2, "---\nkind: Role\n"),
                        put(dir.resolve("b.yaml"), 6, "---\nkind: Group\n"),
                        ApplyPolicyRequest.newBuilder()
                                .setDelete(DocumentKey.newBuilder()
                                        .setTenant("acme")
                                        .setKind("Role")
                                        .setName("old"))
                                .build());
        assertThat(out.toString()).contains("tenant acme: revision 0 -> 1, recorded as entry 0", "+ Role/operator");
    }

    @Test
    void aDryRunWithProblemsExitsWithOne() throws IOException {
        Path file = Files.writeString(home.resolve("p.yaml"), "kind: Role\n");
        server.apply = ApplyPolicyResponse.newBuilder()
                .setDryRun(true)
                .addProblems(PolicyProblem.newBuilder().setMessage("p.yaml:1:1: Role: expected a name"))
                .build();

        assertThat(run("policy", "diff", file.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("p.yaml:1:1: Role: expected a name", "1 problem");
    }

    @Test
    void pruningNeedsToKnowWhoseDocumentsGo() throws IOException {
        Path file = Files.writeString(home.resolve("p.yaml"), GROUP + "---\n" + managed("a", "ci"));
        String path = file.toString();

        misused("--prune: expected --manager NAME, or documents", "policy", "apply", path, "--prune");
        misused("--manager NAME goes with --prune", "policy", "apply", path, "--manager", "ci");
        misused("--prune-in TENANT goes with --prune", "policy", "apply", path, "--prune-in", "acme");
        misused(
                "give --expect TENANT=REVISION instead",
                "policy",
                "apply",
                path,
                "--prune",
                "--prune-in",
                "acme",
                "--idempotency-key",
                "k");
        assertThat(server.requests).isEmpty();
    }

    @Test
    void pruningGoesByTheManagerThatAllDocumentsName() throws IOException {
        Path dir = Files.createDirectories(home.resolve("policies"));
        Files.writeString(dir.resolve("a.yaml"), managed("a", "ci") + "---\n" + managed("b", "ci"));

        assertThat(run("policy", "apply", "--dir", dir.toString(), "--prune", "--dry-run"))
                .isZero();

        assertThat(server.requests)
                .filteredOn(ApplyPolicyRequest.class::isInstance)
                .hasSize(3)
                .first()
                .isEqualTo(ApplyPolicyRequest.newBuilder()
                        .setHeader(
                                ApplyPolicyHeader.newBuilder().setDryRun(true).setPruneManager("ci"))
                        .build());
    }

    @Test
    void prunesInATenantWhoseLastFileIsGone() throws IOException {
        Path dir = Files.createDirectories(home.resolve("policies"));
        server.revisions = ListRevisionsResponse.newBuilder()
                .addRevisions(PolicyRevision.newBuilder().setRevision(7))
                .build();

        assertThat(run("policy", "apply", dir.toString(), "--prune", "--manager", "ci"))
                .isOne();
        assertThat(err.toString()).contains("no policy files");
        assertThat(run(
                        "policy",
                        "apply",
                        "--dir",
                        dir.toString(),
                        "--prune",
                        "--manager",
                        "ci",
                        "--prune-in",
                        "acme",
                        "--prune-in",
                        "platform"))
                .isZero();

        assertThat(server.requests)
                .filteredOn(ApplyPolicyRequest.class::isInstance)
                .containsExactly(ApplyPolicyRequest.newBuilder()
                        .setHeader(ApplyPolicyHeader.newBuilder()
                                .setPruneManager("ci")
                                .addPreconditions(RevisionPrecondition.newBuilder()
                                        .setTenant("acme")
                                        .setRevision(7))
                                .addPreconditions(
                                        RevisionPrecondition.newBuilder().setRevision(7)))
                        .build());
    }

    @Test
    void aDryRunTellsByItsExitCodeWhetherSomethingWouldChange() throws IOException {
        String file = Files.writeString(home.resolve("p.yaml"), GROUP).toString();
        misused("goes with --dry-run", "policy", "apply", file, "--detailed-exitcode");

        server.apply = answerOf(ChangeType.CHANGE_TYPE_UNCHANGED);
        assertThat(run("policy", "apply", file, "--dry-run", "--detailed-exitcode"))
                .isZero();
        assertThat(run("policy", "diff", file, "--detailed-exitcode")).isZero();

        server.apply = answerOf(ChangeType.CHANGE_TYPE_DELETED);
        assertThat(run("policy", "apply", file, "--dry-run")).isZero();
        assertThat(run("policy", "apply", file, "--dry-run", "--detailed-exitcode"))
                .isEqualTo(3);
        assertThat(run("policy", "diff", file, "--detailed-exitcode")).isEqualTo(3);

        server.apply = server.apply.toBuilder()
                .addProblems(PolicyProblem.newBuilder().setMessage("p.yaml:1:1: wrong"))
                .build();
        assertThat(run("policy", "apply", file, "--dry-run", "--detailed-exitcode"))
                .isOne();
    }

    @Test
    void progressIsShownWhereItIsAskedForAndNeverAmongTheResult() throws IOException {
        String file = Files.writeString(home.resolve("p.yaml"), GROUP + "---\n" + GROUP)
                .toString();

        run("policy", "apply", file);
        assertThat(err.toString()).isEmpty();

        assertThat(run("policy", "apply", file, "--progress", "--output", "json"))
                .isZero();
        assertThat(err.toString()).contains("50% 1/2", "100% 2/2", "2 documents sent; the server judges them");
        assertThat(json().at("/dryRun").booleanValue()).isFalse();
    }

    private static ApplyPolicyResponse answerOf(ChangeType type) {
        return ApplyPolicyResponse.newBuilder()
                .setDryRun(true)
                .addChanges(ScopeChange.newBuilder()
                        .setTenant("acme")
                        .addDocuments(DocumentChange.newBuilder()
                                .setKind("Group")
                                .setName("noc")
                                .setType(type)))
                .build();
    }

    private static String managed(String name, String manager) {
        return GROUP.replace("name: noc", "name: " + name + ", manager: " + manager);
    }

    @Test
    void anOversizedDocumentIsRefusedBeforeItIsSent() throws IOException {
        Path file = Files.writeString(home.resolve("big.yaml"), "---\na: 1\n---\nb: " + "x".repeat(10_000_000));

        assertThat(run("policy", "apply", file.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("big.yaml:3: a document of 10000007 bytes: expected at most 262144");
        assertThat(server.requests).isEmpty();
    }

    @Test
    void historyListsRevisions() {
        server.revisions = ListRevisionsResponse.newBuilder()
                .addRevisions(PolicyRevision.newBuilder()
                        .setRevision(7)
                        .setActor("user:admin")
                        .setReason("first"))
                .build();

        assertThat(run("policy", "history")).isZero();
        assertThat(out.toString()).contains("REVISION", "7", "user:admin", "first");
    }

    private static ApplyPolicyRequest put(Path file, int line, String yaml) {
        return ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder()
                        .setFile(file.toString())
                        .setLine(line)
                        .setYaml(ByteString.copyFromUtf8(yaml)))
                .build();
    }
}

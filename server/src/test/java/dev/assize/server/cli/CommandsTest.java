package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import dev.assize.proto.v1.AnswerChange;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.BindingState;
import dev.assize.proto.v1.BindingTrace;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.DutyViolation;
import dev.assize.proto.v1.Effect;
import dev.assize.proto.v1.Explanation;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.Outlook;
import dev.assize.proto.v1.OutlookEffect;
import dev.assize.proto.v1.PermissionState;
import dev.assize.proto.v1.PermissionTrace;
import dev.assize.proto.v1.PolicyFinding;
import dev.assize.proto.v1.PolicyProblem;
import dev.assize.proto.v1.PolicyRevision;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.proto.v1.RuleTrace;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.SelfEscalation;
import dev.assize.proto.v1.TenantImpact;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyProgress;
import dev.assize.proto.v1.VerifyResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The commands against a server that gives prepared answers. */
class CommandsTest {

    @CommandLine.Command(
            name = "assize",
            subcommands = {
                CheckCommand.class,
                ExplainCommand.class,
                SearchCommand.class,
                PolicyCommand.class,
                ApprovalCommand.class,
                AuditCommand.class,
                KeyCommand.class
            })
    static final class Root {
        @CommandLine.Mixin(name = ConnectionOptions.MIXIN)
        ConnectionOptions connection = new ConnectionOptions();
    }

    private static final String GROUP = """
            kind: Group
            apiVersion: assize.dev/v1
            metadata: {name: noc, tenant: acme}
            spec: {members: [
              user:alice]} # on call
            """;

    @TempDir
    Path home = Path.of(".");

    private final FakeServer server = new FakeServer();
    private final Map<String, String> environment = new HashMap<>();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void knowTheServer() {
        environment.put("ASSIZE_HOME", home.toString());
        environment.put("ASSIZE_SERVER", server.address());
        environment.put("ASSIZE_KEY", "asz_test_key");
        environment.put("ASSIZE_TENANT", "acme");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void anAllowExitsWithZero() {
        server.check = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setDecidedBy(DecidedBy.newBuilder()
                        .setBinding("noc")
                        .setRole("operator")
                        .setRule("permissions[0]"))
                .setRevision(3)
                .build();

        assertThat(run("check", "user:alice", "incident:1", "read", "--env", "staging"))
                .isZero();

        assertThat(out.toString()).startsWith("ALLOW  ALLOWED").contains("noc", "operator", "permissions[0]");
        CheckRequest asked = server.request(CheckRequest.class);
        assertThat(asked.getSubject()).isEqualTo("user:alice");
        assertThat(asked.getResource()).isEqualTo("incident:1");
        assertThat(asked.getAction()).isEqualTo("read");
        assertThat(asked.getTenant()).isEqualTo("acme");
        assertThat(asked.getEnv()).isEqualTo("staging");
        assertThat(server.credentials).containsExactly("Bearer asz_test_key");
    }

    @Test
    void aDenyExitsWithThree() {
        server.check = deny(Reason.REASON_NO_GRANT);

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(3);
        assertThat(out.toString()).startsWith("DENY  NO_GRANT");
    }

    @Test
    void anUnspecifiedDecisionExitsWithThree() {
        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(3);
    }

    @Test
    void globalOptionsStandBeforeOrAfterTheCommand() throws IOException {
        server.check = deny(Reason.REASON_NO_GRANT);

        run("--tenant", "before", "--output", "json", "check", "user:alice", "incident:1", "read");
        assertThat(server.request(CheckRequest.class).getTenant()).isEqualTo("before");
        assertThat(json().get("reason").asText()).isEqualTo("NO_GRANT");

        run("--tenant", "before", "check", "--tenant", "after", "user:alice", "incident:1", "read");
        assertThat(server.request(CheckRequest.class).getTenant()).isEqualTo("after");
    }

    @Test
    void usageErrorsExitWithTwo() {
        assertThat(run("check", "user:alice")).isEqualTo(2);
        assertThat(run("check", "user:alice", "incident:1", "read", "--nonsense"))
                .isEqualTo(2);
        assertThat(run("nonsense")).isEqualTo(2);
        environment.remove("ASSIZE_TENANT");
        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(2);
        assertThat(err.toString()).contains("--tenant").doesNotContain("\tat ");
    }

    @Test
    void errorsAreOneLineAndOneForEachField() {
        server.failure = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(3)
                .setMessage("the request is malformed")
                .addDetails(Any.pack(
                        ErrorInfo.newBuilder().setReason("MALFORMED_REQUEST").build()))
                .addDetails(Any.pack(BadRequest.newBuilder()
                        .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                                .setField("subject")
                                .setDescription("`alice`: expected a subject"))
                        .build()))
                .build());

        assertThat(run("check", "alice", "incident:1", "read")).isEqualTo(2);
        assertThat(err.toString().lines())
                .containsExactly(
                        "assize: the request is malformed [MALFORMED_REQUEST]",
                        "  subject: `alice`: expected a subject");
    }

    @Test
    void saysWhenNoServerAnswers() {
        server.close();

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(1);
        assertThat(err.toString()).contains("no server answers at " + server.address());
    }

    @Test
    void readsTheCredentialsFile() throws IOException {
        environment.remove("ASSIZE_SERVER");
        environment.remove("ASSIZE_KEY");
        new Credentials(server.address(), new ServerTrust.PlainText(), "asz_file_key").write(home);
        server.check = deny(Reason.REASON_NO_GRANT);

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(3);

        assertThat(server.credentials).containsExactly("Bearer asz_file_key");
        assertThat(Files.getPosixFilePermissions(Credentials.fileIn(home))).hasSize(2);
    }

    @Test
    void theFilesKeyGoesToTheFilesServerOnly() throws IOException {
        environment.remove("ASSIZE_KEY");
        new Credentials("127.0.0.1:1", new ServerTrust.PlainText(), "asz_file_key").write(home);

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(1);

        assertThat(err.toString()).contains("is for 127.0.0.1:1");
        assertThat(server.credentials).isEmpty();
    }

    @Test
    void withoutAKeyItSaysHowToGiveOne() {
        environment.remove("ASSIZE_KEY");

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(1);
        assertThat(err.toString()).contains("ASSIZE_KEY");
    }

    @Test
    void asksEverythingThatAQuestionHas() {
        server.check = deny(Reason.REASON_NO_GRANT);

        run(
                "check",
                "agent:feed",
                "incident:1",
                "read",
                "--active-role",
                "operator",
                "--active-role",
                "viewer",
                "--on-behalf-of",
                "user:bob",
                "--on-behalf-of-tenant",
                "there",
                "--run",
                "run-1",
                "--at-revision",
                "7",
                "--as-of",
                "2026-02-22T14:02:00Z",
                "--subject-attr",
                "level=3",
                "--resource-attr",
                "tags=[\"a\",true]",
                "--context",
                "share=0.5",
                "--context",
                "at=@2026-02-22T14:02:00Z",
                "--context",
                "name=a=b",
                "--context",
                "number=\"3\"",
                "--context",
                "nothing=null");

        CheckRequest asked = server.request(CheckRequest.class);
        assertThat(asked.getActiveRolesList()).containsExactly("operator", "viewer");
        assertThat(asked.getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(asked.getOnBehalfOfTenant()).isEqualTo("there");
        assertThat(asked.getRunId()).isEqualTo("run-1");
        assertThat(asked.getAtRevision()).isEqualTo(7);
        assertThat(Answers.time(asked.getAsOf())).isEqualTo("2026-02-22T14:02:00Z");
        assertThat(asked.getSubjectAttributesOrThrow("level").getIntValue()).isEqualTo(3);
        assertThat(asked.getResourceAttributesOrThrow("tags").getListValue().getValuesList())
                .containsExactly(
                        dev.assize.proto.v1.AttributeValue.newBuilder()
                                .setStringValue("a")
                                .build(),
                        dev.assize.proto.v1.AttributeValue.newBuilder()
                                .setBoolValue(true)
                                .build());
        assertThat(asked.getContextOrThrow("share").getDoubleValue()).isEqualTo(0.5);
        assertThat(asked.getContextOrThrow("at").getTimestampValue()).isEqualTo(asked.getAsOf());
        assertThat(asked.getContextOrThrow("name").getStringValue()).isEqualTo("a=b");
        assertThat(asked.getContextOrThrow("number").getStringValue()).isEqualTo("3");
        assertThat(asked.getContextOrThrow("nothing").getStringValue()).isEqualTo("null");
    }

    @Test
    void aValueThatIsNotOfItsFormIsAMistakeInTheUsage() {
        misused("--as-of': `yesterday`: expected a time", "check", "user:a", "i:1", "read", "--as-of", "yesterday");
        misused("--as-of': `soon`: expected a time", "search", "actions", "user:a", "i:1", "--as-of", "soon");
        misused("`noon`: expected a time", "explain", "user:a", "i:1", "read", "--context", "at=@noon");
        misused("--from': `1.1.2026`: expected a time", "audit", "list", "--from", "1.1.2026");
        misused("--occurred-at': `now`: expected a time", "audit", "append", "--type", "t", "--occurred-at", "now");
        misused(
                "--expires-in': `soon`: expected a duration",
                "key",
                "create",
                "--subject",
                "s:x",
                "--expires-in",
                "soon");
        misused("--server `:::`: expected host:port", "--server", ":::", "check", "user:a", "i:1", "read");
        assertThat(server.requests).isEmpty();
    }

    private void misused(String message, String... command) {
        assertThat(run(command)).as(err.toString()).isEqualTo(2);
        assertThat(err.toString()).contains(message);
    }

    @Test
    void policyThatIsInvalidIsNoMistakeInTheUsage() throws IOException {
        server.failure = refusal(3, "POLICY_INVALID", "1 problem");
        Path file = Files.writeString(home.resolve("p.yaml"), "kind: Role\n");

        assertThat(run("policy", "apply", file.toString())).isEqualTo(1);
    }

    @Test
    void saysOnceWhatIsNotAsItWasThought() {
        server.failure = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(9)
                .setMessage("no approval rule covers it")
                .addDetails(Any.pack(PreconditionFailure.newBuilder()
                        .addViolations(PreconditionFailure.Violation.newBuilder()
                                .setSubject("approval rules of `acme`")
                                .setDescription("no approval rule covers it"))
                        .build()))
                .build());

        assertThat(run("approval", "approve", "a1")).isEqualTo(1);
        assertThat(err.toString().lines()).containsExactly("assize: no approval rule covers it");
    }

    @Test
    void suggestsOnlyWhatIsClose() {
        assertThat(run("frob")).isEqualTo(2);
        assertThat(err.toString()).contains("frob").doesNotContain("Did you mean");
        assertThat(run("chekc", "user:alice")).isEqualTo(2);
        assertThat(err.toString()).contains("Did you mean check?");
    }

    @Test
    void usesAnApprovalUp() {
        server.approval = Approval.newBuilder()
                .setApprovalId("a1")
                .setState(ApprovalState.APPROVAL_STATE_USED)
                .build();

        assertThat(run("approval", "use", "a1", "--idempotency-key", "k", "--subject", "agent:robot"))
                .isZero();
        assertThat(out.toString()).contains("used");
        assertThat(server.request(UseApprovalRequest.class))
                .isEqualTo(UseApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setApprovalId("a1")
                        .setIdempotencyKey("k")
                        .setSubject("agent:robot")
                        .build());
        assertThat(run("approval", "use", "a1")).isEqualTo(2);
        run("approval", "reject", "a1", "--idempotency-key", "once");
        assertThat(server.request(ResolveApprovalRequest.class).getIdempotencyKey())
                .isEqualTo("once");
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
    void saysThatNobodyMayActOnAnAnswerAboutThePast() throws IOException {
        server.check = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setHistorical(true)
                .build();

        assertThat(run("check", "user:alice", "incident:1", "read")).isZero();
        assertThat(out.toString()).contains("HISTORICAL", "Nobody may act on it");
        run("--output", "json", "check", "user:alice", "incident:1", "read");
        assertThat(json().get("historical").asBoolean()).isTrue();
    }

    @Test
    void searchPrintsNamesAndThatThereAreMore() throws IOException {
        server.subjects = List.of(
                SearchSubjectsResponse.newBuilder()
                        .addSubjects("user:alice")
                        .addWildcards("user:*")
                        .setCursor("one")
                        .build(),
                SearchSubjectsResponse.newBuilder()
                        .addSubjects("user:b\u001bob")
                        .addWildcards("user:*")
                        .setCursor("two")
                        .setTruncated(true)
                        .build());

        assertThat(run("search", "subjects", "incident:1", "read", "--type", "user", "--limit", "2"))
                .isZero();

        assertThat(out.toString().lines())
                .containsExactly(
                        "SUBJECTS",
                        "user:alice",
                        "user:b\\u001bob",
                        "Besides, bindings name user:*: subjects that no document names may be allowed, too.",
                        "TRUNCATED: there may be more. Go on with --cursor two");
        SearchSubjectsRequest asked = server.request(SearchSubjectsRequest.class);
        assertThat(asked.getCheck().getTenant()).isEqualTo("acme");
        assertThat(asked.getSubjectType()).isEqualTo("user");
        assertThat(asked.getLimit()).isEqualTo(2);
        run("--output", "json", "search", "subjects", "incident:1", "read", "--cursor", "one");
        assertThat(json().get("subjects")).hasSize(2);
        assertThat(json().get("truncated").asBoolean()).isTrue();
        assertThat(json().get("cursor").asText()).isEqualTo("two");
        assertThat(server.request(SearchSubjectsRequest.class).getCursor()).isEqualTo("one");
    }

    @Test
    void searchesForResourcesAndActions() {
        server.resources = List.of(
                SearchResourcesResponse.newBuilder().addResources("incident:1").build());
        server.actions =
                List.of(SearchActionsResponse.newBuilder().addActions("read").build());

        assertThat(run("search", "resources", "user:alice", "read", "incident")).isZero();
        assertThat(out.toString().lines()).containsExactly("RESOURCES", "incident:1");
        assertThat(server.request(SearchResourcesRequest.class).getResourceType())
                .isEqualTo("incident");
        assertThat(run("search", "actions", "user:alice", "incident:1")).isZero();
        assertThat(out.toString().lines()).containsExactly("ACTIONS", "read");
        assertThat(run("search", "actions", "user:alice")).isEqualTo(2);
    }

    @Test
    void explainTellsEverythingThatHadASay() throws IOException {
        Explanation delegator = Explanation.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(Reason.REASON_NO_GRANT)
                .build();
        server.check = deny(Reason.REASON_DELEGATOR_DENIED).toBuilder()
                .setDelegatorReason(Reason.REASON_NO_GRANT)
                .setDecidedBy(DecidedBy.newBuilder().setFreeze("stop"))
                .setExplanation(Explanation.newBuilder()
                        .addActiveRoles("operator")
                        .addFreezes(RuleTrace.newBuilder()
                                .setName("stop")
                                .setDenies(true)
                                .setDetail("It has been active since noon.")
                                .setSource("freezes.yaml:3"))
                        .addSeparationsOfDuty(RuleTrace.newBuilder().setName("four-eyes"))
                        .addApprovalRules(
                                RuleTrace.newBuilder().setName("approve-it").setDenies(true))
                        .addBindings(BindingTrace.newBuilder()
                                .setBinding("noc")
                                .setState(BindingState.BINDING_STATE_HOLDS)
                                .addPermissions(PermissionTrace.newBuilder()
                                        .setRole("operator")
                                        .setRule("permissions[1]")
                                        .setEffect(Effect.EFFECT_ALLOW)
                                        .setState(PermissionState.PERMISSION_STATE_CONDITION_FALSE)
                                        .setDetail("`subject.attr.level > 3` is false")))
                        .setDelegator(delegator))
                .build();

        run("explain", "agent:feed", "replay:1", "execute", "--on-behalf-of", "user:bob");

        assertThat(out.toString().lines().map(String::stripTrailing))
                .contains(
                        "DENY  DELEGATOR_DENIED",
                        "Decided by freeze stop  (freezes.yaml:3).",
                        "agent:feed, in no group",
                        "|- Freezes",
                        "|  `- [stops this] stop  (freezes.yaml:3)",
                        "|        It has been active since noon.",
                        "|- Active roles, held against separations of duty: operator",
                        "|     `- [condition false] allow by role operator permissions[1]",
                        "|           `subject.attr.level > 3` is false",
                        "|  `- [no objection] four-eyes",
                        "|  `- [missing] approve-it",
                        "`- On behalf of user:bob, in no group: DENY NO_GRANT",
                        "   |- Bindings: no binding of the tenant names this subject");
        assertThat(out.toString()).isASCII();
        run("--output", "json", "explain", "agent:feed", "replay:1", "execute", "--on-behalf-of", "user:bob");
        JsonNode trace = json().get("explanation");
        assertThat(trace.at("/freezes/0/source").asText()).isEqualTo("freezes.yaml:3");
        assertThat(trace.at("/bindings/0/permissions/0/state").asText()).isEqualTo("CONDITION_FALSE");
        assertThat(trace.at("/delegator/reason").asText()).isEqualTo("NO_GRANT");
        assertThat(json().get("delegatorReason").asText()).isEqualTo("NO_GRANT");
    }

    @Test
    void explainShowsWhatBecameOfEachBinding() {
        environment.put("LANG", "en_GB.UTF-8");
        server.check = deny(Reason.REASON_OUT_OF_SCOPE).toBuilder()
                .setExplanation(Explanation.newBuilder()
                        .addGroups("group:noc")
                        .addBindings(BindingTrace.newBuilder()
                                .setBinding("noc-operators")
                                .setRole("operator")
                                .setMatchedSubject("group:noc")
                                .setState(BindingState.BINDING_STATE_OUT_OF_SCOPE)
                                .setDetail("environment `production` is not among `staging`")
                                .setSource("bindings.yaml:12")
                                .addPermissions(PermissionTrace.newBuilder()
                                        .setRole("viewer")
                                        .setRule("permissions[0]")
                                        .setEffect(Effect.EFFECT_ALLOW)
                                        .addThrough("operator")
                                        .addThrough("viewer")
                                        .setSource("roles.yaml:3"))))
                .build();

        assertThat(run("explain", "user:alice", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);

        assertThat(server.request(CheckRequest.class).getExplain()).isTrue();
        assertThat(out.toString())
                .contains(
                        "user:alice may not execute replay:1 in environment production of tenant acme.",
                        "│  └─ [out of scope] binding noc-operators gives role operator to group:noc  (bindings.yaml:12)",
                        "environment `production` is not among `staging`",
                        "allow by role viewer permissions[0], inherited: operator < viewer  (roles.yaml:3)");
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
    void schemaKnowsNoOtherKinds() {
        misused("KIND `Rule`: expected one of `Tenant`, `ResourceType`, `Role`,", "policy", "schema", "Rule");
    }

    @Test
    void schemaPrintsThatOfAllKindsOrOfOne() throws IOException {
        environment.clear();
        assertThat(run("policy", "schema")).isZero();
        assertThat(json().at("/definitions/Role/description").textValue())
                .isEqualTo("A role: what those may do who hold it.");
        assertThat(json().at("/properties/kind/enum")).hasSize(10);

        assertThat(run("policy", "schema", "Group")).isZero();
        assertThat(json().at("/properties/kind/const").textValue()).isEqualTo("Group");
        assertThat(json().at("/definitions/Role").isMissingNode()).isTrue();
    }

    @Test
    void fmtLeavesAFileInWhichSomethingIsWrongAsItIs() throws IOException {
        Path bad = Files.writeString(home.resolve("bad.yaml"), GROUP + "---\nkind: Role\n");
        Path good = Files.writeString(home.resolve("good.yaml"), GROUP);

        assertThat(run("policy", "fmt", bad.toString(), good.toString())).isOne();

        assertThat(bad).hasContent(GROUP + "---\nkind: Role\n");
        assertThat(err.toString()).contains("bad.yaml:7:");
        assertThat(out.toString().strip()).isEqualTo(good.toString());
        assertThat(run("policy", "fmt", "--check", bad.toString(), good.toString()))
                .isOne();
    }

    @Test
    void fmtChecksWithoutWritingThenWritesOnce() throws IOException {
        Path dir = home.resolve("pack");
        Files.createDirectories(dir.resolve("tests"));
        Path file = Files.writeString(dir.resolve("a.yaml"), "# ours\n" + GROUP + "---\n" + GROUP.replace("noc", "a"));
        Files.writeString(dir.resolve("tests/a.yaml"), "a:   test\n");
        String before = Files.readString(file);

        assertThat(run("policy", "fmt", "--check", dir.toString())).isEqualTo(3);
        assertThat(out.toString().strip()).isEqualTo(file.toString());
        assertThat(Files.readString(file)).isEqualTo(before);

        assertThat(run("policy", "fmt", dir.toString())).isZero();
        String laid = """
                ---
                apiVersion: assize.dev/v1
                kind: Group
                metadata:
                  tenant: acme
                  name: noc
                spec:
                  members:
                  - user:alice # on call
                """;
        assertThat(Files.readString(file)).isEqualTo("# ours\n" + laid + laid.replace("noc", "a"));

        assertThat(run("policy", "fmt", "--check", dir.toString())).isZero();
        assertThat(out.toString()).isEmpty();
        assertThat(dir.toFile().list()).containsExactlyInAnyOrder("a.yaml", "tests");
    }

    @Test
    void exportPrintsAMultiDocumentStream() {
        server.export = List.of(
                ExportPolicyResponse.newBuilder()
                        .setYaml(ByteString.copyFromUtf8("kind: Role\n"))
                        .build(),
                ExportPolicyResponse.newBuilder()
                        .setYaml(ByteString.copyFromUtf8("kind: Group\n"))
                        .build());

        assertThat(run("policy", "export")).isZero();
        assertThat(out.toString())
                .isEqualTo("---\nkind: Role\n---\nkind: Group\n".replace("\n", System.lineSeparator()));
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

    @Test
    void appendSendsTheEventOfTheOptions() throws IOException {
        assertThat(run(
                        "audit",
                        "append",
                        "--type",
                        "replay.executed",
                        "--action",
                        "execute",
                        "--resource",
                        "replay:1",
                        "--outcome",
                        "partial",
                        "--payload",
                        "{\"n\":1}",
                        "--actor",
                        "agent:feed",
                        "--actor-tenant",
                        "partner",
                        "--on-behalf-of",
                        "user:bob",
                        "--idempotency-key",
                        "once",
                        "--output",
                        "json"))
                .isZero();

        AppendAuditRequest sent = server.request(AppendAuditRequest.class);
        assertThat(sent.getTenant()).isEqualTo("acme");
        assertThat(sent.getIdempotencyKey()).isEqualTo("once");
        assertThat(sent.getEvents(0).getType()).isEqualTo("replay.executed");
        assertThat(sent.getEvents(0).getPayload()).isEqualTo("{\"n\":1}");
        assertThat(sent.getEvents(0).getActorTenant()).isEqualTo("partner");
        assertThat(sent.getEvents(0).getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(json().get("entries").get(0).get("entryHash").asText()).isEqualTo("ab");
    }

    @Test
    void appendReadsEventsFromAFile() throws IOException {
        Path file = Files.writeString(home.resolve("events.jsonl"), """
                {"type":"a","action":"x","resource":"r:1","outcome":"denied"}

                {"type":"b","action":"y","resource":"r:2","payload":{"k":[1]},"onBehalfOf":"user:bob","actorTenant":"partner"}
                """);

        assertThat(run("audit", "append", "--file", file.toString())).isZero();
        assertThat(server.request(AppendAuditRequest.class).getEventsList())
                .extracting(AuditEvent::getType, AuditEvent::getPayload)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("a", ""),
                        org.assertj.core.groups.Tuple.tuple("b", "{\"k\":[1]}"));
        AuditEvent second = server.request(AppendAuditRequest.class).getEvents(1);
        assertThat(second.getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(second.getActorTenant()).isEqualTo("partner");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "{'type':'a','occurredAt':'noon'} | occurredAt `noon`: expected a time",
                "{'type':'a','actr':'user:x'}     | unknown name `actr`",
                "{'type':'a','outcome':'maybe'}   | outcome `maybe`: expected success, failure, denied or partial",
                "{'type':7}                       | type `7`: expected a string",
                "{'override':'yes'}               | override `'yes'`: expected true or false",
                "{'reads':'dna:1'}                | reads `'dna:1'`: expected an array of strings",
                "{'writes':[1]}                   | writes `[1]`: expected an array of strings",
                "['a']                            | expected a JSON object",
                "{'type':                         | expected a JSON object",
                "{'type':'a'} {'type':'b'}        | expected a JSON object",
                "{'type':'a','type':'b'}          | expected a JSON object"
            })
    void appendNamesTheLineOfWhatIsMalformedAndEndsWithTwo(String line, String expected) throws IOException {
        Path file = Files.writeString(home.resolve("events.jsonl"), "\n" + line.replace('\'', '"') + "\n");

        assertThat(run("audit", "append", "--file", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("events.jsonl:2: " + expected.replace('\'', '"'));
    }

    @Test
    void appendReadsNothingButUtf8() throws IOException {
        Path file = Files.write(home.resolve("events.jsonl"), new byte[] {'{', (byte) 0xff, '}'});

        assertThat(run("audit", "append", "--file", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("events.jsonl: expected UTF-8");
    }

    @Test
    void appendFailsWhereThereIsNoFile() {
        assertThat(run("audit", "append", "--file", home.resolve("missing").toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("cannot read");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "2147483648"})
    void aNumberOfWhatIsWantedIsOneAtLeast(String number) {
        for (List<String> command : List.of(
                List.of("audit", "list", "--limit"),
                List.of("approval", "list", "--limit"),
                List.of("policy", "history", "--limit"),
                List.of("audit", "list", "--timeout"))) {
            assertThat(run(Stream.concat(command.stream(), Stream.of(number)).toArray(String[]::new)))
                    .as("%s", command)
                    .isEqualTo(2);
            assertThat(err.toString()).contains("`" + number + "`: expected a number from 1 to 2147483647");
        }
    }

    @Test
    void oneIsEnough() {
        server.query = QueryAuditResponse.newBuilder()
                .addEntries(AuditEntry.newBuilder().setSeq(5))
                .setNextPageToken("more")
                .build();

        assertThat(run("audit", "list", "--limit", "1", "--timeout", "1")).isZero();
        assertThat(server.request(QueryAuditRequest.class).getPageSize()).isEqualTo(1);
    }

    @Test
    void listShowsNoControlCharacters() {
        server.query = QueryAuditResponse.newBuilder()
                .addEntries(AuditEntry.newBuilder()
                        .setSeq(5)
                        .setEvent(AuditEvent.newBuilder().setReason("\u001b[2Jgone")))
                .build();

        assertThat(run("audit", "list")).isZero();
        assertThat(out.toString()).contains("\\u001b[2Jgone").doesNotContain("\u001b");
    }

    @Test
    void aBrokenChainExitsWithThree() {
        server.verification = List.of(
                VerifyChainResponse.newBuilder()
                        .setProgress(VerifyProgress.newBuilder().setVerified(1).setTotal(2))
                        .build(),
                result(VerifyResult.newBuilder()
                        .setFirstBadSeq(4)
                        .setFault(ChainFault.CHAIN_FAULT_ENTRY_HASH)
                        .setMessage("the stored hash is not the frame's")));

        assertThat(run("audit", "verify")).isEqualTo(3);
        assertThat(out.toString()).contains("first bad entry 4: ENTRY_HASH", "the stored hash is not the frame's");
    }

    @Test
    void aWholeChainExitsWithZero() throws IOException {
        server.verification = List.of(
                result(VerifyResult.newBuilder().setValid(true).setVerified(5).setToSeq(4)));

        assertThat(run("audit", "verify", "--output", "json")).isZero();
        assertThat(json().get("valid").asBoolean()).isTrue();
        assertThat(json().get("verified").asLong()).isEqualTo(5);
    }

    @Test
    void aVerificationWithoutResultIsAnError() {
        assertThat(run("audit", "verify")).isEqualTo(1);
    }

    @Test
    void aNewKeyIsAllThatIsPrintedToStdout() {
        assertThat(run(
                        "key",
                        "create",
                        "--subject",
                        "service:replay",
                        "--tenants",
                        "acme,other",
                        "--expires-in",
                        "90d"))
                .isZero();

        assertThat(out.toString().strip()).isEqualTo("asz_k1_secret");
        CreateKeyRequest sent = server.request(CreateKeyRequest.class);
        assertThat(sent.getTenantsList()).containsExactly("acme", "other");
        assertThat(sent.hasExpiresAt()).isTrue();
    }

    @Test
    void keysAreListedAndRevoked() {
        assertThat(run("key", "list")).isZero();
        assertThat(out.toString()).contains("k1", "service:replay");
        assertThat(run("key", "revoke", "k1")).isZero();
        assertThat(out.toString()).contains("revoked k1 of service:replay");
    }

    @Test
    void aRefusalIsOneLine() {
        server.failure = Status.PERMISSION_DENIED
                .withDescription("may not apply policy in tenant `acme`")
                .asRuntimeException();

        assertThat(run("key", "list")).isEqualTo(1);
        assertThat(err.toString().strip()).isEqualTo("assize: not permitted: may not apply policy in tenant `acme`");
    }

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        Surroundings surroundings = new Surroundings(environment, false, InstantSource.system());
        CommandLine commandLine = new CommandLine(new Root(), new CommandFactory(surroundings));
        CommandErrors.install(commandLine);
        return commandLine
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private JsonNode json() throws IOException {
        return new ObjectMapper().readTree(out.toString());
    }

    private static CheckResponse deny(Reason reason) {
        return CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(reason)
                .build();
    }

    private static VerifyChainResponse result(VerifyResult.Builder result) {
        return VerifyChainResponse.newBuilder().setResult(result).build();
    }

    private static ApplyPolicyRequest put(Path file, int line, String yaml) {
        return ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder()
                        .setFile(file.toString())
                        .setLine(line)
                        .setYaml(ByteString.copyFromUtf8(yaml)))
                .build();
    }

    private static StatusRuntimeException refusal(int code, String reason, String message) {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(code)
                .setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).build()))
                .build());
    }
}

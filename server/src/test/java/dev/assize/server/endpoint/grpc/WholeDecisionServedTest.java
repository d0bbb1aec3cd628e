package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.DutyViolation;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.Obligation;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.OutlookEffect;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.server.administration.Bootstrap;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.Appender;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.Database;
import dev.assize.server.testing.ChangeCall;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Parts of the whole decision that only a server with a database and the real engine can show. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WholeDecisionServedTest {

    private static final int CROWD = 10_000;

    private final TestDatabase database = TestDatabase.migrated();
    private Injector node = Guice.createInjector();
    private String admin = "";
    private ManagedChannel channel = ManagedChannelBuilder.forTarget("unused").build();

    @BeforeAll
    void start(@TempDir Path directory) {
        node = Guice.createInjector(Stage.PRODUCTION, ServedNode.modules(database, directory, 0));
        node.getInstance(Database.class).start();
        node.getInstance(Anchor.class).start();
        node.getInstance(Bootstrap.class).run();
        node.getInstance(PolicyWatch.class).start();
        node.getInstance(GrpcServer.class).start();
        channel.shutdownNow();
        channel = ManagedChannelBuilder.forAddress(
                        "127.0.0.1", node.getInstance(GrpcServer.class).port())
                .usePlaintext()
                .build();
        admin = node.getInstance(ApiKeys.class)
                .create(
                        new KeyGrant(
                                Subject.parse("user:admin"),
                                TenantId.ASSIZE,
                                true,
                                Set.of(),
                                Set.of(),
                                Set.of(),
                                "",
                                null),
                        Recorder.ASSIZE)
                .credential();
    }

    @AfterAll
    void stop() {
        channel.shutdownNow();
        node.getInstance(GrpcServer.class).close();
        node.getInstance(PolicyWatch.class).close();
        node.getInstance(Appender.class).close();
        node.getInstance(Anchor.class).close();
        node.getInstance(Database.class).close();
        database.close();
    }

    @Test
    void recordsWhatWasApprovedAndNothingAfterItWasUsedUp() {
        apply(header(), tenant("bank"), clerks("bank", "pay"), """
                apiVersion: assize.dev/v1
                kind: ApprovalRule
                metadata: {tenant: bank, name: payments}
                spec:
                  resources: [order]
                  actions: [pay]
                  approverRole: clerk
                  singleUse: true
                  pendingTtl: 1h
                  ttl: 1h
                """);
        CheckAndAppendResponse early = execute("bank", "pay", "early");
        assertThat(early.getResponse().getReason()).isEqualTo(Reason.REASON_APPROVAL_REQUIRED);
        assertThat(early.getResponse().getDecidedBy().getApprovalRule()).isEqualTo("payments");
        assertThat(early.hasEntry()).isFalse();

        String id = approvals()
                .requestApproval(RequestApprovalRequest.newBuilder()
                        .setTenant("bank")
                        .setRequester("user:alice")
                        .setSubject("user:alice")
                        .setAction("pay")
                        .setResource("order:1")
                        .build())
                .getApproval()
                .getApprovalId();
        approvals()
                .resolveApproval(ResolveApprovalRequest.newBuilder()
                        .setTenant("bank")
                        .setApprovalId(id)
                        .setApprove(true)
                        .setApprover("user:bob")
                        .build());
        CheckAndAppendResponse allowed = execute("bank", "pay", "first");
        assertThat(allowed.hasEntry()).isTrue();
        assertThat(allowed.getResponse().getApprovalId()).isEqualTo(id);
        assertThat(allowed.getResponse().getObligationsList())
                .extracting(Obligation::getType)
                .containsExactly("assize/use-approval");

        assertThat(approvals()
                        .useApproval(UseApprovalRequest.newBuilder()
                                .setTenant("bank")
                                .setApprovalId(id)
                                .setIdempotencyKey("deed")
                                .setSubject("user:alice")
                                .build())
                        .getApproval()
                        .getState())
                .isEqualTo(ApprovalState.APPROVAL_STATE_USED);
        assertThat(execute("bank", "pay", "second").getResponse().getReason())
                .isEqualTo(Reason.REASON_APPROVAL_REQUIRED);
        CheckAndAppendResponse retried = execute("bank", "pay", "first");
        assertThat(retried.getReplayed()).isTrue();
        assertThat(retried.getResponse().getApprovalId()).isEqualTo(id);
    }

    @Test
    void saysNothingOfApprovalsWhereLittleIsAskedFor() {
        apply(header(), tenant("terse"), clerks("terse", "pay"));
        CheckResponse answer = decisions()
                .check(check("terse", "pay").toBuilder()
                        .setDetail(Detail.DETAIL_MINIMAL)
                        .build());
        assertThat(answer.getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(answer.getApprovalId()).isEmpty();
        assertThat(answer.getObligationsList()).isEmpty();
    }

    @Test
    void knowsNoTenantBeforeItWasThere() {
        apply(header(), tenant("young"), clerks("young", "read"));
        Timestamp committed = policies()
                .listRevisions(
                        ListRevisionsRequest.newBuilder().setTenant("young").build())
                .getRevisions(0)
                .getCommittedAt();
        CheckResponse before = decisions()
                .check(check("young", "read").toBuilder()
                        .setAsOf(committed.toBuilder().setSeconds(committed.getSeconds() - 1))
                        .build());
        assertThat(before.getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
        assertThat(before.getHistorical()).isTrue();
        assertThat(before.hasValidUntil()).isFalse();
        CheckResponse then = decisions()
                .check(check("young", "read").toBuilder().setAsOf(committed).build());
        assertThat(then.getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(then.getHistorical()).isTrue();
    }

    @Test
    void judgesNoRevisionByAMomentBeforeIt() {
        apply(header(), tenant("timely"), clerks("timely", "read"));
        apply(header(), clerks("timely", "write"));
        Timestamp second = policies()
                .listRevisions(
                        ListRevisionsRequest.newBuilder().setTenant("timely").build())
                .getRevisions(0)
                .getCommittedAt();
        Refusal refusal = Refusal.of(() -> decisions()
                        .check(check("timely", "read").toBuilder()
                                .setAtRevision(2)
                                .setAsOf(second.toBuilder().setSeconds(second.getSeconds() - 1))
                                .build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("as_of");
        assertThat(refusal.status().getMessage()).contains("at_revision");
    }

    @Test
    void acceptsByForceWhoHoldsTooMuchAndNobodyWhoIsGivenMore() {
        apply(
                header(),
                tenant("duties"),
                role("duties", "a", "read"),
                role("duties", "b", "read"),
                role("duties", "c", "read"),
                binding("duties", "alice-a", "a"),
                binding("duties", "alice-b", "b"));
        String duty = """
                apiVersion: assize.dev/v1
                kind: SeparationOfDuty
                metadata: {tenant: duties, name: apart}
                spec: {type: assigned-roles, roles: [a, b, c], limit: 1}
                """;
        Refusal.of(() -> apply(header(), duty)).is(ErrorReason.POLICY_INVALID);
        ApplyPolicyResponse forced = apply(header().toBuilder().setForce(true).build(), duty);
        assertThat(forced.getViolationsList())
                .extracting(DutyViolation::getSubject)
                .containsExactly("user:alice");
        Refusal larger = Refusal.of(
                        () -> apply(header().toBuilder().setForce(true).build(), binding("duties", "alice-c", "c")))
                .is(ErrorReason.POLICY_INVALID);
        assertThat(larger.status().getMessage())
                .contains("RoleBinding/alice-c", "user:alice", "a, b, c", "separation of duty `apart`");
    }

    /** The administrator may do everything, so also what is only declared now. */
    @Test
    void refusesWhatGivesItsAuthorAnythingAndSaysSoInADryRun() {
        String type = "apiVersion: assize.dev/v1\nkind: ResourceType\nmetadata: {tenant: assize, name: toaster}\n"
                + "spec: {actions: [toast]}\n";
        Refusal refused = Refusal.of(() -> apply(header(), type)).is(ErrorReason.SELF_ESCALATION);
        assertThat(refused.status().getMessage()).contains("`user:admin` could `toast` on `toaster`");

        ApplyPolicyResponse dry = apply(header().toBuilder().setDryRun(true).build(), type);
        assertThat(dry.getSelfEscalationsList())
                .singleElement()
                .satisfies(found -> assertThat(found.getMessage()).contains("`user:admin` could `toast`"));
        assertThat(dry.getImpacts(0).getChangesList())
                .filteredOn(change -> change.getSubject().equals("user:admin"))
                .singleElement()
                .satisfies(change -> {
                    assertThat(change.getFrom().getReason()).isEqualTo(Reason.REASON_TYPE_UNKNOWN);
                    assertThat(change.getTo().getEffect()).isEqualTo(OutlookEffect.OUTLOOK_EFFECT_ALLOW);
                    assertThat(change.getTo().getDecidedBy().getBinding()).isEqualTo("first-administrator");
                });
    }

    @Test
    void showsADryRunsTextsBeforeAndAfter() {
        apply(header(), tenant("texts"), role("texts", "a", "read"));
        DocumentChange change = apply(header().toBuilder().setDryRun(true).build(), role("texts", "a", "write"))
                .getChanges(0)
                .getDocuments(0);
        assertThat(change.getBefore().toStringUtf8()).contains("read").doesNotContain("write");
        assertThat(change.getAfter().toStringUtf8()).contains("write").doesNotContain("read");
        DocumentChange committed =
                apply(header(), role("texts", "a", "write")).getChanges(0).getDocuments(0);
        assertThat(committed.getBefore().isEmpty() && committed.getAfter().isEmpty())
                .isTrue();
    }

    /** Each of the crowd is asked about in the ledger, which takes longer than the caller waits. */
    @Test
    void saysWhereTheDeadlineCutASearchOff() {
        String members = IntStream.range(0, CROWD)
                .mapToObj(i -> "user:u" + i)
                .collect(Collectors.joining("\", \"", "[\"", "\"]"));
        apply(
                header(),
                tenant("crowd"),
                role("crowd", "clerk", "read"),
                "apiVersion: assize.dev/v1\nkind: Group\nmetadata: {tenant: crowd, name: all}\nspec: {members: "
                        + members + "}\n",
                """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: crowd, name: clerks}
                spec: {subjects: ["group:all"], role: clerk}
                """,
                """
                apiVersion: assize.dev/v1
                kind: SeparationOfDuty
                metadata: {tenant: crowd, name: apart}
                spec: {type: performed-actions, actions: [read, write], resources: [order]}
                """);
        SearchSubjectsRequest search = SearchSubjectsRequest.newBuilder()
                .setCheck(check("crowd", "read").toBuilder().clearSubject())
                .setSubjectType("user")
                .setPageSize(1_000)
                .build();
        decisions().check(check("crowd", "read"));
        List<SearchSubjectsResponse> pages = pagesWithin(Duration.ofMillis(600), search);
        SearchSubjectsResponse last = pages.getLast();
        List<String> found =
                pages.stream().flatMap(page -> page.getSubjectsList().stream()).toList();
        assertThat(last.getTruncated()).isTrue();
        assertThat(last.getCursor()).isNotEmpty();
        assertThat(found).hasSizeLessThan(CROWD);
        SearchSubjectsResponse next = decisions()
                .searchSubjects(search.toBuilder()
                        .setCursor(last.getCursor())
                        .setLimit(1)
                        .build())
                .next();
        assertThat(next.getSubjectsList()).hasSize(1).doesNotContainAnyElementsOf(found);
    }

    /** With more time where a busy machine does not even say in it how far it came. */
    private List<SearchSubjectsResponse> pagesWithin(Duration time, SearchSubjectsRequest search) {
        List<SearchSubjectsResponse> pages = new ArrayList<>();
        try {
            decisions().withDeadlineAfter(time).searchSubjects(search).forEachRemaining(pages::add);
            return pages;
        } catch (StatusRuntimeException late) {
            if (late.getStatus().getCode() != Status.Code.DEADLINE_EXCEEDED || time.toSeconds() > 5) {
                throw late;
            }
            return pagesWithin(time.multipliedBy(2), search);
        }
    }

    private CheckAndAppendResponse execute(String tenant, String action, String key) {
        CheckAndAppendResponse answer = decisions()
                .checkAndAppend(CheckAndAppendRequest.newBuilder()
                        .setCheck(check(tenant, action))
                        .setEvent(
                                AuditEvent.newBuilder().setType("order.changed").setOutcome(Outcome.OUTCOME_SUCCESS))
                        .setIdempotencyKey(key)
                        .build());
        assertThat(answer.hasEntry()).isEqualTo(answer.getResponse().getDecision() == Decision.DECISION_ALLOW);
        return answer;
    }

    private static CheckRequest check(String tenant, String action) {
        return CheckRequest.newBuilder()
                .setTenant(tenant)
                .setSubject("user:alice")
                .setResource("order:1")
                .setAction(action)
                .build();
    }

    private ApplyPolicyResponse apply(ApplyPolicyHeader header, String... documents) {
        return ChangeCall.put(with(PolicyServiceGrpc.newStub(channel)), header, documents);
    }

    private static ApplyPolicyHeader header() {
        return ApplyPolicyHeader.newBuilder().setReason("for the test").build();
    }

    private static String tenant(String name) {
        return """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: %s}
                spec: {environments: [default]}
                """.formatted(name);
    }

    private static String role(String tenant, String name, String action) {
        return """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: %s, name: %s}
                spec: {permissions: [{resources: [order], actions: [%s]}]}
                """.formatted(tenant, name, action);
    }

    private static String binding(String tenant, String name, String role) {
        return """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: %s, name: %s}
                spec: {subjects: ["user:alice"], role: %s}
                """.formatted(tenant, name, role);
    }

    /** Alice and Bob may do the action on orders. */
    private static String clerks(String tenant, String action) {
        return role(tenant, "clerk", action) + "---\n" + """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: %s, name: clerks}
                spec: {subjects: ["user:alice", "user:bob"], role: clerk}
                """.formatted(tenant);
    }

    private DecisionServiceGrpc.DecisionServiceBlockingStub decisions() {
        return with(DecisionServiceGrpc.newBlockingStub(channel));
    }

    private ApprovalServiceGrpc.ApprovalServiceBlockingStub approvals() {
        return with(ApprovalServiceGrpc.newBlockingStub(channel));
    }

    private PolicyServiceGrpc.PolicyServiceBlockingStub policies() {
        return with(PolicyServiceGrpc.newBlockingStub(channel));
    }

    private <S extends AbstractStub<S>> S with(S stub) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + admin);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
}

package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.UnknownFieldSet;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.ListApprovalsResponse;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Reason;
import dev.assize.server.testing.FakeApprovalPolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApprovalEndpointTest {

    @TempDir
    Path directory;

    private GrpcFixture door;
    private String alice = "";
    private String bob = "";

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        door.approvalPolicy
                .with(FakeApprovalPolicy.rule("payments", "pay", 1, true))
                .holds("user:bob", "acme", "approver");
        alice = key("user:alice");
        bob = key("user:bob");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesWhatIsMalformedByItsField() {
        refused(request().setAction("")).is(ErrorReason.REQUEST_INVALID).naming("action");
        refused(request().setResource("INVOICE"))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("resource");
        refused(request().setEnv("no env")).is(ErrorReason.REQUEST_INVALID).naming("env");
        refused(request().setSubject("group:all"))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("subject");
        refused(request().setSubjectTenant("~")).is(ErrorReason.REQUEST_INVALID).naming("subject_tenant");
        refused(request().setRequester("nobody"))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("requester");
        String pseudonym = "pseudonym:" + "0".repeat(64);
        refused(request().setRequester(pseudonym))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("requester");
        refused(request().setSubject(pseudonym)).is(ErrorReason.REQUEST_INVALID).naming("subject");
        refused(request().setReason("x".repeat(1_025)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("reason");
        refused(request().setIdempotencyKey("x".repeat(129)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("idempotency_key");
        Refusal.of(() -> resolve(bob, "")).is(ErrorReason.REQUEST_INVALID).naming("approval_id");
        Refusal.of(() -> use(alice, "a", "")).is(ErrorReason.REQUEST_INVALID).naming("idempotency_key");
        Refusal.of(() -> door.approvals(alice)
                        .listApprovals(list().setStateValue(99).build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("state");
    }

    @Test
    void takesReasonsAndCommentsUpToTheirBound() {
        Approval approval = request(alice, request().setReason("x".repeat(1_024)));
        assertThat(approval.getReason()).hasSize(1_024);
        Refusal.of(() -> door.approvals(bob)
                        .resolveApproval(ResolveApprovalRequest.newBuilder()
                                .setTenant("acme")
                                .setApprovalId(approval.getApprovalId())
                                .setComment("x".repeat(1_025))
                                .build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("comment");
    }

    @Test
    void takesCommentsUpToTheirBoundAndShowsThem() {
        String id = request(alice, request()).getApprovalId();
        Refusal.of(() -> comment(bob, id, "")).is(ErrorReason.REQUEST_INVALID).naming("comment");
        Refusal.of(() -> comment(bob, id, "x".repeat(1_025)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("comment");
        Refusal.of(() -> comment(bob, "nothing", "why?")).is(ErrorReason.APPROVAL_NOT_FOUND);
        Refusal.of(() -> door.approvals(alice)
                        .commentApproval(CommentApprovalRequest.newBuilder()
                                .setTenant("acme")
                                .setApprovalId(id)
                                .setComment("why?")
                                .setAuthor("user:carol")
                                .build()))
                .is(ErrorReason.ACT_AS_MISSING);
        Approval said = comment(bob, id, "x".repeat(1_024));
        assertThat(said.getState()).isEqualTo(ApprovalState.APPROVAL_STATE_PENDING);
        assertThat(said.getComments(0).getAuthor()).isEqualTo("user:bob");
        assertThat(door.approvals(alice)
                        .listApprovals(list().setApprovalId(id).build())
                        .getApprovalsList())
                .containsExactly(said);
        assertThat(door.approvals(alice)
                        .listApprovals(list().setApprovalId(id)
                                .setState(ApprovalState.APPROVAL_STATE_USED)
                                .build())
                        .getApprovalsList())
                .isEmpty();
        Refusal.of(() -> door.approvals(alice)
                        .listApprovals(list().setApprovalId("nothing").build()))
                .is(ErrorReason.APPROVAL_NOT_FOUND);
        for (int i = 1; i < 100; i++) {
            comment(bob, id, "and " + i);
        }
        Refusal.of(() -> comment(bob, id, "once more")).is(ErrorReason.COMMENTS_FULL);
    }

    @Test
    void endsAPageBeforeItIsLongerThanClientsRead() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 33; i++) {
            String id = request(alice, request()).getApprovalId();
            ids.add(id);
            for (int j = 0; j < 100; j++) {
                comment(bob, id, "x".repeat(1_024));
            }
        }
        List<String> found = new ArrayList<>();
        String token = "";
        int pages = 0;
        do {
            ListApprovalsResponse page = door.approvals(alice)
                    .listApprovals(list().setPageSize(1_000).setPageToken(token).build());
            assertThat(page.getSerializedSize()).isLessThan(4 << 20);
            page.getApprovalsList().forEach(one -> found.add(one.getApprovalId()));
            token = page.getNextPageToken();
            pages++;
        } while (!token.isEmpty());
        assertThat(found).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(pages).isEqualTo(2);
    }

    private Approval comment(String key, String id, String text) {
        return door.approvals(key)
                .commentApproval(CommentApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setApprovalId(id)
                        .setComment(text)
                        .build())
                .getApproval();
    }

    @Test
    void refusesWhatPolicyDoesNotKnow() {
        door.approvalPolicy.answerUnknown(Reason.ENVIRONMENT_UNKNOWN);
        refused(request()).is(ErrorReason.REQUEST_INVALID).naming("env");
        door.approvalPolicy.answerUnknown(Reason.TYPE_UNKNOWN);
        refused(request()).is(ErrorReason.REQUEST_INVALID).naming("resource");
        door.approvalPolicy.answerUnknown(Reason.ACTION_UNKNOWN);
        refused(request()).is(ErrorReason.REQUEST_INVALID).naming("action");
        door.approvalPolicy.answerUnknown(null);
        refused(request().setAction("read")).is(ErrorReason.APPROVAL_NOT_NEEDED);
    }

    @Test
    void refusesToSpeakForOthersWithoutActAs() {
        Approval approval = request(alice, request());
        refused(request().setRequester("user:carol")).is(ErrorReason.ACT_AS_MISSING);
        Refusal.of(() -> door.approvals(alice)
                        .resolveApproval(resolution(approval.getApprovalId())
                                .setApprover("user:bob")
                                .build()))
                .is(ErrorReason.ACT_AS_MISSING);
        Refusal.of(() -> door.approvals(bob)
                        .cancelApproval(CancelApprovalRequest.newBuilder()
                                .setTenant("acme")
                                .setApprovalId(approval.getApprovalId())
                                .setRequester("user:alice")
                                .build()))
                .is(ErrorReason.ACT_AS_MISSING);
        Refusal.of(() -> door.approvals(bob)
                        .useApproval(UseApprovalRequest.newBuilder()
                                .setTenant("acme")
                                .setApprovalId(approval.getApprovalId())
                                .setIdempotencyKey("k")
                                .setSubject("user:alice")
                                .build()))
                .is(ErrorReason.ACT_AS_MISSING);
    }

    @Test
    void takesWhoeverNamesItselfForItselfAndNotForItsNamesake() {
        String foreign = key("user:bob", "partner");
        String id = request(alice, request()).getApprovalId();
        Refusal.of(() -> door.approvals(foreign)
                        .resolveApproval(resolution(id).setApprover("user:bob").build()))
                .is(ErrorReason.APPROVER_NOT_ELIGIBLE);
    }

    @Test
    void letsAServiceSpeakForItsUsers() {
        String gate = key("service:gate");
        door.decisions.grant("service:gate", "act-as", "tenant:acme/subject:user");
        Approval approval = request(gate, request().setRequester("user:alice").setSubject("agent:robot"));
        assertThat(approval.getRequester()).isEqualTo("user:alice");
        assertThat(approval.getSubject()).isEqualTo("agent:robot");
        Approval resolved = door.approvals(gate)
                .resolveApproval(resolution(approval.getApprovalId())
                        .setApprover("user:bob")
                        .build())
                .getApproval();
        assertThat(resolved.getVotes(0).getApprover()).isEqualTo("user:bob");
        Refusal.of(() -> use(gate, approval.getApprovalId(), "k"))
                .is(ErrorReason.APPROVAL_NOT_THEIRS)
                .saying("`agent:robot`, as the one who uses it");
    }

    @Test
    void refusesEnvironmentsThatTheCredentialMayNotAskAbout() {
        String limited = limited("user:alice", "production");
        refused(limited, request().setEnv("staging")).is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        String id = request(alice, request().setEnv("staging")).getApprovalId();
        String limitedBob = limited("user:bob", "production");
        Refusal.of(() -> resolve(limitedBob, id)).is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        assertThat(door.approvals(limitedBob).listApprovals(list().build()).getApprovalsList())
                .isEmpty();
    }

    @Test
    void saysWhatStandsAgainstAnApprover() {
        String id = request(alice, request()).getApprovalId();
        Refusal.of(() -> resolve(alice, id)).is(ErrorReason.APPROVAL_OWN);
        Refusal.of(() -> resolve(key("user:mallory"), id)).is(ErrorReason.APPROVER_NOT_ELIGIBLE);
        Refusal.of(() -> resolve(bob, "unknown")).is(ErrorReason.APPROVAL_NOT_FOUND);
        door.approvalPolicy.with(FakeApprovalPolicy.rule("payments", "pay", 2, true));
        resolve(bob, id);
        Refusal.of(() -> resolve(bob, id)).is(ErrorReason.APPROVAL_VOTED);
    }

    @Test
    void answersARetryAsItDidAtFirst() {
        Approval first = request(alice, request().setIdempotencyKey("key"));
        assertThat(request(alice, request().setIdempotencyKey("key"))).isEqualTo(first);
        refused(request().setIdempotencyKey("key").setResource("invoice:8")).is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
    }

    @Test
    void answersARetriedResolutionAsItDidAtFirst() {
        String id = request(alice, request()).getApprovalId();
        ResolveApprovalRequest.Builder keyed = resolution(id).setIdempotencyKey("key");
        Approval first = door.approvals(bob).resolveApproval(keyed.build()).getApproval();
        assertThat(door.approvals(bob).resolveApproval(keyed.build()).getApproval())
                .isEqualTo(first);
        Refusal.of(() -> door.approvals(bob)
                        .resolveApproval(keyed.setApprove(false).build()))
                .is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
        Refusal.of(() -> door.approvals(bob)
                        .resolveApproval(resolution(id)
                                .setIdempotencyKey("x".repeat(129))
                                .build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("idempotency_key");
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        UnknownFieldSet later = UnknownFieldSet.newBuilder()
                .addField(99, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build();
        for (Runnable call : List.<Runnable>of(
                () -> request(alice, request().setUnknownFields(later)),
                () -> door.approvals(bob)
                        .resolveApproval(
                                resolution("id").setUnknownFields(later).build()),
                () -> door.approvals(bob)
                        .listApprovals(list().setUnknownFields(later).build()),
                () -> door.approvals(alice)
                        .cancelApproval(CancelApprovalRequest.newBuilder()
                                .setTenant("acme")
                                .setUnknownFields(later)
                                .build()),
                () -> door.approvals(alice)
                        .useApproval(UseApprovalRequest.newBuilder()
                                .setTenant("acme")
                                .setUnknownFields(later)
                                .build()))) {
            Refusal.of(call::run).is(ErrorReason.REQUEST_INVALID).naming("request");
        }
    }

    @Test
    void leadsARequestFromItsBeginningToItsUse() {
        Approval pending = request(alice, request().setEnv("production").setReason("quarter end"));
        assertThat(pending.getState()).isEqualTo(ApprovalState.APPROVAL_STATE_PENDING);
        assertThat(pending.getSubject()).isEqualTo("user:alice");
        assertThat(pending.getSubjectTenant()).isEqualTo("acme");
        assertThat(pending.getRules(0).getApproverRole()).isEqualTo("approver");
        assertThat(pending.getRules(0).getTtl().getSeconds()).isEqualTo(FakeApprovalPolicy.HOLD.toSeconds());
        assertThat(pending.hasExpiresAt()).isTrue();

        Refusal.of(() -> use(alice, pending.getApprovalId(), "k")).is(ErrorReason.APPROVAL_STATE);
        Approval approved = resolve(bob, pending.getApprovalId());
        assertThat(approved.getState()).isEqualTo(ApprovalState.APPROVAL_STATE_APPROVED);
        assertThat(approved.getVotes(0).getRulesList()).containsExactly("payments");

        Refusal.of(() -> use(bob, pending.getApprovalId(), "k")).is(ErrorReason.APPROVAL_NOT_THEIRS);
        Approval used = use(alice, pending.getApprovalId(), "k");
        assertThat(used.getState()).isEqualTo(ApprovalState.APPROVAL_STATE_USED);
        assertThat(used.hasExpiresAt()).isFalse();
        assertThat(use(alice, pending.getApprovalId(), "k")).isEqualTo(used);
        Refusal.of(() -> use(alice, pending.getApprovalId(), "other")).is(ErrorReason.APPROVAL_STATE);
    }

    @Test
    void cancelsForItsRequesterOnly() {
        String id = request(alice, request()).getApprovalId();
        Refusal.of(() -> cancel(bob, id)).is(ErrorReason.APPROVAL_NOT_THEIRS);
        assertThat(cancel(alice, id).getState()).isEqualTo(ApprovalState.APPROVAL_STATE_CANCELLED);
        Refusal.of(() -> cancel(alice, id)).is(ErrorReason.APPROVAL_STATE);
    }

    @Test
    void listsPagesAndRefusesTheirTokensForAnotherList() {
        for (int i = 0; i < 3; i++) {
            request(alice, request());
        }
        ListApprovalsResponse first =
                door.approvals(bob).listApprovals(list().setPageSize(2).build());
        assertThat(first.getApprovalsList()).hasSize(2);
        ListApprovalsRequest.Builder next = list().setPageToken(first.getNextPageToken());
        ListApprovalsResponse second = door.approvals(bob).listApprovals(next.build());
        assertThat(second.getApprovalsList()).hasSize(1).doesNotContainAnyElementsOf(first.getApprovalsList());
        assertThat(second.getNextPageToken()).isEmpty();
        Refusal.of(() -> door.approvals(bob)
                        .listApprovals(next.setState(ApprovalState.APPROVAL_STATE_PENDING)
                                .build()))
                .is(ErrorReason.PAGE_TOKEN_INVALID);
    }

    private Refusal refused(RequestApprovalRequest.Builder request) {
        return refused(alice, request);
    }

    private Refusal refused(String key, RequestApprovalRequest.Builder request) {
        return Refusal.of(() -> request(key, request));
    }

    private Approval request(String key, RequestApprovalRequest.Builder request) {
        return door.approvals(key).requestApproval(request.build()).getApproval();
    }

    private Approval resolve(String key, String id) {
        return door.approvals(key).resolveApproval(resolution(id).build()).getApproval();
    }

    private Approval cancel(String key, String id) {
        return door.approvals(key)
                .cancelApproval(CancelApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setApprovalId(id)
                        .build())
                .getApproval();
    }

    private Approval use(String key, String id, String idempotencyKey) {
        return door.approvals(key)
                .useApproval(UseApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setApprovalId(id)
                        .setIdempotencyKey(idempotencyKey)
                        .build())
                .getApproval();
    }

    private static RequestApprovalRequest.Builder request() {
        return RequestApprovalRequest.newBuilder()
                .setTenant("acme")
                .setAction("pay")
                .setResource("invoice:7");
    }

    private static ResolveApprovalRequest.Builder resolution(String id) {
        return ResolveApprovalRequest.newBuilder()
                .setTenant("acme")
                .setApprovalId(id)
                .setApprove(true);
    }

    private static ListApprovalsRequest.Builder list() {
        return ListApprovalsRequest.newBuilder().setTenant("acme");
    }

    private String key(String subject) {
        return key(subject, "acme");
    }

    private String key(String subject, String home) {
        grantAll(subject);
        return door.key(subject, home, false, "acme");
    }

    private String limited(String subject, String env) {
        grantAll(subject);
        return door.key(subject, "acme", false, Set.of(env), Set.of(), "acme");
    }

    private void grantAll(String subject) {
        for (String action : Set.of("request", "resolve", "comment", "read", "cancel", "use")) {
            door.decisions.grant(subject, action, "tenant:acme/approval");
        }
    }
}

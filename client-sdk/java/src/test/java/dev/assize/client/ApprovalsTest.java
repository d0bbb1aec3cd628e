package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.ApprovalComment;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.ApprovalVote;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.PinnedApprovalRule;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ApprovalsTest {

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client = server.client(
            AssizeClient.builder().tenant("acme").env("production").appendDeadline(Duration.ofSeconds(3)));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void asksInTheClientsTenantAndEnvironment() {
        client.approvals().request("agent:robot", "invoice:7", "pay", "quarter end", "key");

        assertThat(server.approvalCalls)
                .containsExactly(RequestApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setEnv("production")
                        .setSubject("agent:robot")
                        .setResource("invoice:7")
                        .setAction("pay")
                        .setReason("quarter end")
                        .setIdempotencyKey("key")
                        .build());
    }

    @Test
    void triesAgainUnderTheSameKey() {
        server.approvalFailures.add(Status.UNAVAILABLE.asRuntimeException());
        client.approvals().request("invoice:7", "pay", "");
        server.approvalFailures.add(Status.UNAVAILABLE.asRuntimeException());
        client.approvals().approve("a1", "fine");
        server.approvalFailures.add(Status.UNAVAILABLE.asRuntimeException());
        client.approvals().use("a1", "deed");
        server.approvalFailures.add(Status.UNAVAILABLE.asRuntimeException());
        client.approvals().comment("a1", "why?");

        assertThat(calls(CommentApprovalRequest.class))
                .extracting(CommentApprovalRequest::getIdempotencyKey)
                .hasSize(2)
                .doesNotContain("")
                .containsOnly(calls(CommentApprovalRequest.class).getFirst().getIdempotencyKey());
        assertThat(calls(RequestApprovalRequest.class))
                .extracting(RequestApprovalRequest::getIdempotencyKey)
                .hasSize(2)
                .doesNotContain("")
                .containsOnly(calls(RequestApprovalRequest.class).getFirst().getIdempotencyKey());
        assertThat(calls(ResolveApprovalRequest.class))
                .extracting(ResolveApprovalRequest::getIdempotencyKey)
                .hasSize(2)
                .doesNotContain("")
                .containsOnly(calls(ResolveApprovalRequest.class).getFirst().getIdempotencyKey());
        assertThat(calls(UseApprovalRequest.class))
                .extracting(UseApprovalRequest::getIdempotencyKey)
                .containsExactly("deed", "deed");
    }

    @Test
    void speaksForOthersInOtherTenants() {
        ApprovalsClient approvals =
                client.approvals().inTenant("bank").inEnv("staging").as("user:carol");
        approvals.request("invoice:7", "pay", "");
        approvals.reject("a1", "no");
        approvals.cancel("a1", "paid by hand");
        approvals.use("a1", "deed");

        RequestApprovalRequest request = calls(RequestApprovalRequest.class).getFirst();
        assertThat(request.getTenant()).isEqualTo("bank");
        assertThat(request.getEnv()).isEqualTo("staging");
        assertThat(request.getRequester()).isEqualTo("user:carol");
        ResolveApprovalRequest resolution = calls(ResolveApprovalRequest.class).getFirst();
        assertThat(resolution.getApprove()).isFalse();
        assertThat(resolution.getComment()).isEqualTo("no");
        assertThat(resolution.getApprover()).isEqualTo("user:carol");
        assertThat(calls(CancelApprovalRequest.class).getFirst().getRequester()).isEqualTo("user:carol");
        assertThat(calls(UseApprovalRequest.class).getFirst().getSubject()).isEqualTo("user:carol");
    }

    @Test
    void readsWhatBecameOfARequest() {
        server.approval = dev.assize.proto.v1.Approval.newBuilder()
                .setApprovalId("a1")
                .setState(ApprovalState.APPROVAL_STATE_APPROVED)
                .setSubject("agent:robot")
                .setExpiresAt(Timestamp.newBuilder().setSeconds(60))
                .addRules(PinnedApprovalRule.newBuilder()
                        .setName("payments")
                        .setTtl(com.google.protobuf.Duration.newBuilder().setSeconds(900))
                        .setSingleUse(true))
                .addVotes(ApprovalVote.newBuilder().setApprover("user:bob").setApprove(true))
                .addComments(
                        ApprovalComment.newBuilder().setAuthor("user:carol").setComment("why?"))
                .build();

        Approval approval = client.approvals().approve("a1", "");

        assertThat(approval.state()).isEqualTo(Approval.State.APPROVED);
        assertThat(approval.expiresAt()).contains(Instant.ofEpochSecond(60));
        assertThat(approval.rules().getFirst().ttl()).isEqualTo(Duration.ofMinutes(15));
        assertThat(approval.rules().getFirst().singleUse()).isTrue();
        assertThat(approval.votes().getFirst().approver()).isEqualTo("user:bob");
        assertThat(approval.comments().getFirst().author()).isEqualTo("user:carol");
        assertThat(approval.comments().getFirst().comment()).isEqualTo("why?");
    }

    @Test
    void listsPageByPage() {
        List<String> ids = new ArrayList<>();
        client.approvals().list(Approval.State.PENDING, "agent:robot").forEach(it -> ids.add(it.id()));

        assertThat(ids).containsExactly("a2", "a1");
        assertThat(calls(ListApprovalsRequest.class))
                .extracting(ListApprovalsRequest::getPageToken)
                .containsExactly("", "more");
        assertThat(calls(ListApprovalsRequest.class).getLast().getState())
                .isEqualTo(ApprovalState.APPROVAL_STATE_PENDING);
        assertThat(calls(ListApprovalsRequest.class).getLast().getSubject()).isEqualTo("agent:robot");
    }

    @Test
    void throwsWhatTheServerRefuses() {
        server.approvalFailures.add(Status.FAILED_PRECONDITION.asRuntimeException());
        assertThatThrownBy(() -> client.approvals().use("a1", "deed")).isInstanceOf(AssizeException.class);
        server.approvalFailures.add(Status.PERMISSION_DENIED.asRuntimeException());
        assertThatThrownBy(() -> client.approvals().cancel("a1", "")).isInstanceOf(AssizeException.class);
        assertThat(server.approvalCalls).hasSize(2);
    }

    private <T> List<T> calls(Class<T> type) {
        return server.approvalCalls.stream()
                .filter(type::isInstance)
                .map(type::cast)
                .toList();
    }
}

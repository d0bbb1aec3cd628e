package dev.assize.client;

import dev.assize.proto.v1.ApprovalServiceGrpc.ApprovalServiceBlockingStub;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.ListApprovalsResponse;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Has actions approved by others before they are done. From {@link AssizeClient#approvals}; thread-safe.
 *
 * <pre>{@code
 * Approval approval = assize.approvals().request("payment:17", "approve", "quarter end");
 * …                                                              // somebody else: approvals().approve(approval.id(), "")
 * CheckResult result = assize.check("user:alice@acme.com", "payment:17", "approve");
 * if (result.allowed() && !result.approvalId().isEmpty()) {       // it is for a single use
 *     assize.approvals().use(result.approvalId(), "payment-17");  // throws where somebody else was faster
 * }
 * }</pre>
 *
 * <p>Every method throws {@link AssizeException} where the server refuses or did not answer in time. What has an
 * idempotency key is tried again until the append deadline.
 */
public final class ApprovalsClient {

    private static final int PAGE_SIZE = 500;

    private final ApprovalServiceBlockingStub stub;
    private final String tenant;
    private final String env;
    private final String speaker;
    private final Patience patience;
    private final Duration readDeadline;

    ApprovalsClient(
            ApprovalServiceBlockingStub stub,
            String tenant,
            String env,
            String speaker,
            Patience patience,
            Duration readDeadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.env = env;
        this.speaker = speaker;
        this.patience = patience;
        this.readDeadline = readDeadline;
    }

    /** The approvals of another tenant. */
    public ApprovalsClient inTenant(String tenant) {
        return new ApprovalsClient(stub, tenant, env, speaker, patience, readDeadline);
    }

    /** Requests in another environment. */
    public ApprovalsClient inEnv(String env) {
        return new ApprovalsClient(stub, tenant, env, speaker, patience, readDeadline);
    }

    /** Speaks for somebody else, who then asks, approves, comments, cancels or uses; needs the permission {@code act-as}. */
    public ApprovalsClient as(String subject) {
        return new ApprovalsClient(stub, tenant, env, subject, patience, readDeadline);
    }

    /** Asks for an approval of what the one who asks would do itself. */
    public Approval request(String resource, String action, String reason) {
        return request("", resource, action, reason, UUID.randomUUID().toString());
    }

    /**
     * Asks for an approval of what a subject would do.
     *
     * @param subject who would do it; empty means the caller
     * @param reason for those who approve; may be empty
     * @param idempotencyKey of at most 128 bytes; a retry has the first answer, whatever policy says by then
     */
    public Approval request(String subject, String resource, String action, String reason, String idempotencyKey) {
        RequestApprovalRequest request = RequestApprovalRequest.newBuilder()
                .setTenant(tenant)
                .setSubject(subject)
                .setAction(action)
                .setResource(resource)
                .setEnv(env)
                .setReason(reason)
                .setRequester(speaker)
                .setIdempotencyKey(idempotencyKey)
                .build();
        return untilKnown(it -> it.requestApproval(request).getApproval());
    }

    /** Approves, with a comment that may be empty. */
    public Approval approve(String approvalId, String comment) {
        return resolve(approvalId, true, comment);
    }

    /** Rejects, which ends the request; with a comment that may be empty. */
    public Approval reject(String approvalId, String comment) {
        return resolve(approvalId, false, comment);
    }

    private Approval resolve(String approvalId, boolean approve, String comment) {
        ResolveApprovalRequest request = ResolveApprovalRequest.newBuilder()
                .setTenant(tenant)
                .setApprovalId(approvalId)
                .setApprove(approve)
                .setComment(comment)
                .setApprover(speaker)
                .setIdempotencyKey(UUID.randomUUID().toString())
                .build();
        return untilKnown(it -> it.resolveApproval(request).getApproval());
    }

    /**
     * Says something to a request that is pending or approved, and decides nothing.
     *
     * @param comment of 1 to 1,024 bytes
     */
    public Approval comment(String approvalId, String comment) {
        CommentApprovalRequest request = CommentApprovalRequest.newBuilder()
                .setTenant(tenant)
                .setApprovalId(approvalId)
                .setComment(comment)
                .setAuthor(speaker)
                .setIdempotencyKey(UUID.randomUUID().toString())
                .build();
        return untilKnown(it -> it.commentApproval(request).getApproval());
    }

    /** Takes a request back; for its requester only. */
    public Approval cancel(String approvalId, String comment) {
        CancelApprovalRequest request = CancelApprovalRequest.newBuilder()
                .setTenant(tenant)
                .setApprovalId(approvalId)
                .setComment(comment)
                .setRequester(speaker)
                .build();
        return once(() ->
                stub.withDeadlineAfter(readDeadline).cancelApproval(request).getApproval());
    }

    /**
     * Uses up an approval for a single use, as the obligation {@code assize/use-approval} of an allow asks: of any number
     * of calls with different keys one succeeds. Do what was approved behind it, and call it again with the same key
     * where its outcome is unknown.
     *
     * @param approvalId as {@link CheckResult#approvalId} gives it
     * @param idempotencyKey of 1 to 128 bytes, best one that names the deed
     */
    public Approval use(String approvalId, String idempotencyKey) {
        UseApprovalRequest request = UseApprovalRequest.newBuilder()
                .setTenant(tenant)
                .setApprovalId(approvalId)
                .setIdempotencyKey(idempotencyKey)
                .setSubject(speaker)
                .build();
        return untilKnown(it -> it.useApproval(request).getApproval());
    }

    /** All requests, newest first, fetched page by page while iterating. */
    public Iterable<Approval> list() {
        return list(null, "");
    }

    /**
     * Requests, newest first, fetched page by page while iterating.
     *
     * @param state null for every state
     * @param subject who would do it; empty for everybody
     */
    public Iterable<Approval> list(Approval.@Nullable State state, String subject) {
        ListApprovalsRequest request = ListApprovalsRequest.newBuilder()
                .setTenant(tenant)
                .setState(ApprovalWire.state(state))
                .setSubject(subject)
                .setPageSize(PAGE_SIZE)
                .build();
        return () -> new Pages<>(
                token -> page(request.toBuilder().setPageToken(token).build()));
    }

    private Pages.Page<Approval> page(ListApprovalsRequest request) {
        ListApprovalsResponse response = stub.withDeadlineAfter(readDeadline).listApprovals(request);
        return new Pages.Page<>(
                response.getApprovalsList().stream().map(ApprovalWire::approval).toList(), response.getNextPageToken());
    }

    private Approval untilKnown(Function<ApprovalServiceBlockingStub, dev.assize.proto.v1.Approval> call) {
        return ApprovalWire.approval(patience.untilKnown(left -> call.apply(stub.withDeadlineAfter(left))));
    }

    private static Approval once(Supplier<dev.assize.proto.v1.Approval> call) {
        try {
            return ApprovalWire.approval(call.get());
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
    }
}

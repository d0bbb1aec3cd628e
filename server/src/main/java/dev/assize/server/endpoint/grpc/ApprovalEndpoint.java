package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalServiceGrpc.ApprovalServiceImplBase;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CancelApprovalResponse;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.CommentApprovalResponse;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.ListApprovalsResponse;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.RequestApprovalResponse;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalResponse;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.proto.v1.UseApprovalResponse;
import dev.assize.server.administration.ApprovalRepository.Position;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.Approvals;
import dev.assize.server.administration.Approvals.Page;
import dev.assize.server.administration.Approvals.Party;
import dev.assize.server.administration.Approvals.Ruling;
import dev.assize.server.administration.Approvals.Wish;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.grpc.stub.StreamObserver;

/** Serves `ApprovalService`. */
final class ApprovalEndpoint extends ApprovalServiceImplBase {

    /** Bytes of a reason or a comment. */
    static final int COMMENT_BYTES = 1_024;

    /** Bytes of an id; ours are shorter. */
    private static final int ID_BYTES = 64;

    private final Approvals approvals;
    private final Gate gate;
    private final TenantDirectory tenants;
    private final PageTokens tokens;
    private final Replies replies;

    @Inject
    ApprovalEndpoint(Approvals approvals, Gate gate, TenantDirectory tenants, PageTokens tokens, Replies replies) {
        this.approvals = approvals;
        this.gate = gate;
        this.tenants = tenants;
        this.tokens = tokens;
        this.replies = replies;
    }

    @Override
    public void requestApproval(RequestApprovalRequest request, StreamObserver<RequestApprovalResponse> observer) {
        replies.reply(observer, () -> requestApproval(request));
    }

    @Override
    public void resolveApproval(ResolveApprovalRequest request, StreamObserver<ResolveApprovalResponse> observer) {
        replies.reply(observer, () -> resolveApproval(request));
    }

    @Override
    public void commentApproval(CommentApprovalRequest request, StreamObserver<CommentApprovalResponse> observer) {
        replies.reply(observer, () -> commentApproval(request));
    }

    @Override
    public void listApprovals(ListApprovalsRequest request, StreamObserver<ListApprovalsResponse> observer) {
        replies.reply(observer, () -> listApprovals(request));
    }

    @Override
    public void cancelApproval(CancelApprovalRequest request, StreamObserver<CancelApprovalResponse> observer) {
        replies.reply(observer, () -> cancelApproval(request));
    }

    @Override
    public void useApproval(UseApprovalRequest request, StreamObserver<UseApprovalResponse> observer) {
        replies.reply(observer, () -> useApproval(request));
    }

    private RequestApprovalResponse requestApproval(RequestApprovalRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Party requester = party(tenant, "requester", request.getRequester());
        ProposedAction proposed = new ProposedAction(
                tenant,
                Fields.read("action", request.getAction(), Action::new),
                Fields.read("resource", request.getResource(), ResourcePath::parse),
                Fields.read("env", request.getEnv(), Environment::ofRequest));
        Wish wish = new Wish(
                requester,
                beneficiary(tenant, request),
                proposed,
                Fields.text("reason", request.getReason(), COMMENT_BYTES),
                Fields.text("idempotency_key", request.getIdempotencyKey(), Limits.IDEMPOTENCY_KEY_BYTES));
        gate.requireEnvironment(proposed.env());
        tenants.requireExists(tenant);
        return RequestApprovalResponse.newBuilder()
                .setApproval(ApprovalTranslator.newApproval(
                        approvals.request(wish, CallContext.current().recorder()), proposed))
                .build();
    }

    private ResolveApprovalResponse resolveApproval(ResolveApprovalRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Party approver = party(tenant, "approver", request.getApprover());
        Ruling ruling = new Ruling(
                request.getApprove(),
                Fields.text("comment", request.getComment(), COMMENT_BYTES),
                Fields.text("idempotency_key", request.getIdempotencyKey(), Limits.IDEMPOTENCY_KEY_BYTES));
        String id = reachable(tenant, request.getApprovalId());
        return ResolveApprovalResponse.newBuilder()
                .setApproval(ApprovalTranslator.approval(
                        approvals.resolve(
                                tenant,
                                id,
                                approver,
                                ruling,
                                CallContext.current().recorder()),
                        id))
                .build();
    }

    private CommentApprovalResponse commentApproval(CommentApprovalRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Party author = party(tenant, "author", request.getAuthor());
        String text = words(request.getComment());
        String key = Fields.text("idempotency_key", request.getIdempotencyKey(), Limits.IDEMPOTENCY_KEY_BYTES);
        String id = reachable(tenant, request.getApprovalId());
        return CommentApprovalResponse.newBuilder()
                .setApproval(ApprovalTranslator.approval(
                        approvals.comment(
                                tenant,
                                id,
                                author,
                                text,
                                key,
                                CallContext.current().recorder()),
                        id))
                .build();
    }

    /** What is said in a comment by itself. */
    static String words(String comment) {
        String words = Fields.text("comment", comment, COMMENT_BYTES);
        if (words == null) {
            throw RefusedException.invalid("comment", "", "1 to " + COMMENT_BYTES + " bytes");
        }
        return words;
    }

    private ListApprovalsResponse listApprovals(ListApprovalsRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        if (!request.getApprovalId().isEmpty()) {
            return only(tenant, request);
        }
        byte[] conditions = conditions(request);
        Page page = approvals.list(
                tenant,
                ApprovalTranslator.state("state", request.getStateValue()),
                Fields.readOptional("subject", request.getSubject(), Subject::parseOfRequest),
                CallContext.current().caller().envs(),
                ApprovalTranslator.position(tokens.position(request.getPageToken(), conditions)),
                Fields.pageSize(request.getPageSize()));
        if (page.approvals().isEmpty()) {
            tenants.requireExists(tenant);
        }
        ListApprovalsResponse.Builder response = ListApprovalsResponse.newBuilder();
        PageBytes bytes = new PageBytes();
        Position next = page.next();
        for (Done done : page.approvals()) {
            Approval approval = ApprovalTranslator.wire(done);
            if (!bytes.takes(approval)) {
                ApprovalRequest last = page.approvals()
                        .get(response.getApprovalsCount() - 1)
                        .approval()
                        .request();
                next = new Position(last.requestedAt(), last.id());
                break;
            }
            response.addApprovals(approval);
        }
        if (next != null) {
            response.setNextPageToken(tokens.of(ApprovalTranslator.text(next), conditions));
        }
        return response.build();
    }

    /** The one that is named, where it fits what else is asked for. */
    private ListApprovalsResponse only(TenantId tenant, ListApprovalsRequest request) {
        var state = ApprovalTranslator.state("state", request.getStateValue());
        Subject subject = Fields.readOptional("subject", request.getSubject(), Subject::parseOfRequest);
        String id = reachable(tenant, request.getApprovalId());
        ListApprovalsResponse.Builder response = ListApprovalsResponse.newBuilder();
        approvals
                .find(tenant, id)
                .filter(done -> state == null || done.standing().state() == state)
                .filter(done -> subject == null
                        || subject.equals(done.approval().request().subject()))
                .ifPresent(done -> response.addApprovals(ApprovalTranslator.wire(done)));
        return response.build();
    }

    private CancelApprovalResponse cancelApproval(CancelApprovalRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Party requester = party(tenant, "requester", request.getRequester());
        String comment = Fields.text("comment", request.getComment(), COMMENT_BYTES);
        String id = reachable(tenant, request.getApprovalId());
        return CancelApprovalResponse.newBuilder()
                .setApproval(ApprovalTranslator.approval(
                        approvals.cancel(
                                tenant,
                                id,
                                requester,
                                comment,
                                CallContext.current().recorder()),
                        id))
                .build();
    }

    private UseApprovalResponse useApproval(UseApprovalRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Party subject = party(tenant, "subject", request.getSubject());
        String key = Fields.text("idempotency_key", request.getIdempotencyKey(), Limits.IDEMPOTENCY_KEY_BYTES);
        if (key == null) {
            throw RefusedException.invalid("idempotency_key", "", "1 to " + Limits.IDEMPOTENCY_KEY_BYTES + " bytes");
        }
        String id = reachable(tenant, request.getApprovalId());
        return UseApprovalResponse.newBuilder()
                .setApproval(ApprovalTranslator.approval(
                        approvals.use(
                                tenant, id, subject, key, CallContext.current().recorder()),
                        id))
                .build();
    }

    /**
     * Who acts: the caller, with its own home, or a subject of the tenant that the caller may speak for. Whoever names
     * itself is itself, not its namesake in the tenant.
     */
    private Party party(TenantId tenant, String field, String named) {
        Caller caller = CallContext.current().caller();
        Subject subject = named.isEmpty() ? caller.subject() : Fields.read(field, named, Subject::parseOfActor);
        gate.requireActAs(tenant, subject);
        return subject.equals(caller.subject()) ? new Party(subject, caller.home()) : new Party(subject, tenant);
    }

    /** For whom the approval is: as in a Check, a subject of the tenant unless another home is named. */
    private static Party beneficiary(TenantId tenant, RequestApprovalRequest request) {
        Caller caller = CallContext.current().caller();
        TenantId home = Fields.readOptional("subject_tenant", request.getSubjectTenant(), TenantId::new);
        if (request.getSubject().isEmpty()) {
            return new Party(caller.subject(), home == null ? caller.home() : home);
        }
        Subject subject = Fields.read("subject", request.getSubject(), Subject::parseOfActor);
        return new Party(subject, home == null ? tenant : home);
    }

    /** A request that there is, in an environment the credential may ask about. */
    private String reachable(TenantId tenant, String id) {
        if (id.isEmpty()) {
            throw RefusedException.invalid("approval_id", id, "the id of a request");
        }
        Fields.text("approval_id", id, ID_BYTES);
        Environment env = approvals
                .find(tenant, id)
                .orElseThrow(() -> ApprovalTranslator.notFound(id))
                .approval()
                .request()
                .env();
        gate.requireEnvironment(env);
        return id;
    }

    /** What the list is a list of, whatever the page. */
    private static byte[] conditions(ListApprovalsRequest request) {
        return request.toBuilder()
                .clearPageSize()
                .clearPageToken()
                .build()
                .toByteString()
                .concat(ByteString.copyFromUtf8("ListApprovals"))
                .toByteArray();
    }
}

package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.AcceptProposalResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.CommentProposalResponse;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GetProposalResponse;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListProposalsResponse;
import dev.assize.proto.v1.Proposal;
import dev.assize.proto.v1.ProposalAcceptance;
import dev.assize.proto.v1.ProposalComment;
import dev.assize.proto.v1.ProposalOutlook;
import dev.assize.proto.v1.ProposalState;
import dev.assize.proto.v1.ProposeChangeHeader;
import dev.assize.proto.v1.ProposeChangeResponse;
import dev.assize.proto.v1.ProposedDocument;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.RejectProposalResponse;
import dev.assize.proto.v1.WithdrawProposalRequest;
import dev.assize.proto.v1.WithdrawProposalResponse;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.FiledProposal;
import dev.assize.server.administration.FiledProposal.Acceptance;
import dev.assize.server.administration.FiledProposal.End;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.ProposalRepository.Content;
import dev.assize.server.administration.ProposalResult;
import dev.assize.server.administration.ProposalResult.Done;
import dev.assize.server.administration.Proposals;
import dev.assize.server.administration.Proposals.Page;
import dev.assize.server.administration.Proposals.Seen;
import dev.assize.server.administration.Proposals.View;
import dev.assize.server.administration.Proposals.Wish;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.FieldPlaces;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Serves proposals in `PolicyService`. An acceptance or a rejection is always the caller's own: no act-as stands for it. */
final class ProposalCalls {

    static final int COMMENT_BYTES = 1_024;

    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

    private final Proposals proposals;
    private final Gate gate;
    private final PageTokens tokens;
    private final Replies replies;

    @Inject
    ProposalCalls(Proposals proposals, Gate gate, PageTokens tokens, Replies replies) {
        this.proposals = proposals;
        this.gate = gate;
        this.tokens = tokens;
        this.replies = replies;
    }

    ProposeChangeResponse propose(PolicyScope scope, ProposeChangeHeader header, ChangeParts parts) {
        Fields.requireKnown("header", header);
        Recorder caller = CallContext.current().recorder();
        Wish wish = new Wish(
                scope,
                new Content(parts.puts(), parts.deletes()),
                header.getForce(),
                Fields.text("header.prune_manager", header.getPruneManager(), ApplyPolicyCall.MANAGER_BYTES),
                Fields.text("header.reason", header.getReason(), ApplyPolicyCall.REASON_BYTES),
                ttl(header),
                proposer(scope, header, caller),
                Fields.text("header.idempotency_key", header.getIdempotencyKey(), ApplyPolicyCall.KEY_BYTES));
        if (!parts.problems().isEmpty()) {
            throw ApplyPolicyCall.refusal(parts.problems());
        }
        if (wish.content().puts().isEmpty() && wish.content().deletes().isEmpty() && wish.prunedManager() == null) {
            throw RefusedException.invalid(
                    "part", "nothing", "at least one document or deletion, or a manager to prune");
        }
        Done done = done("", proposals.propose(wish, caller), parts.places());
        return ProposeChangeResponse.newBuilder()
                .setProposal(wire(done))
                .setReplayed(done.replayed())
                .build();
    }

    ListProposalsResponse list(ListProposalsRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        int size = Fields.pageSize(request.getPageSize());
        State state = state(request.getState());
        byte[] conditions = ("ListProposals/" + scope.key() + "/" + request.getState()).getBytes(UTF_8);
        String before = tokens.position(request.getPageToken(), conditions);
        Page page = proposals.list(scope, state, before, size);
        ListProposalsResponse.Builder response = ListProposalsResponse.newBuilder();
        PageBytes bytes = new PageBytes();
        String next = page.next();
        for (Done done : page.proposals()) {
            Proposal proposal = wire(done);
            if (!bytes.takes(proposal)) {
                next = response.getProposals(response.getProposalsCount() - 1).getId();
                break;
            }
            response.addProposals(proposal);
        }
        if (next != null) {
            response.setNextPageToken(tokens.of(next, conditions));
        }
        return response.build();
    }

    void get(GetProposalRequest request, StreamObserver<GetProposalResponse> observer) {
        try {
            PolicyScope scope = gate.admitToScope(request.getTenant());
            String id = id(request.getId());
            View view =
                    proposals.view(scope, id, CallContext.current().recorder()).orElseThrow(() -> notFound(id));
            ProposalOutlook.Builder outlook = ProposalOutlook.newBuilder().setProposal(wire(view.proposal()));
            Compared outcome = view.outcome();
            if (outcome != null) {
                outlook.setOutcome(ChangeTranslator.response(outcome, outcome.problems()));
            }
            observer.onNext(GetProposalResponse.newBuilder().setOutlook(outlook).build());
            Iterator<ProposedDocument> documents = documents(view).iterator();
            while (documents.hasNext()) {
                Deadlines.requireListener();
                observer.onNext(GetProposalResponse.newBuilder()
                        .setDocument(documents.next())
                        .build());
            }
        } catch (RuntimeException | Error failure) {
            replies.fail(observer, failure);
            return;
        }
        observer.onCompleted();
    }

    AcceptProposalResponse accept(AcceptProposalRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        Fields.requireKnown("request", request);
        gate.requireEveryEnvironment("what is accepted");
        String id = id(request.getId());
        if (request.getDigest().size() != Digest.LENGTH) {
            throw RefusedException.invalid(
                    "digest", request.getDigest().size() + " bytes", "the digest that GetProposal showed, 32 bytes");
        }
        if (request.getBaseRevision() < 0) {
            throw RefusedException.invalid(
                    "base_revision", Long.toString(request.getBaseRevision()), "a revision, 0 or more");
        }
        Seen seen = new Seen(Digest.of(request.getDigest().toByteArray()), new Revision(request.getBaseRevision()));
        ProposalResult result = proposals.accept(
                scope,
                id,
                CallContext.current().recorder(),
                seen,
                Fields.text("comment", request.getComment(), COMMENT_BYTES));
        return AcceptProposalResponse.newBuilder()
                .setProposal(wire(done(id, result, new FieldPlaces())))
                .build();
    }

    RejectProposalResponse reject(RejectProposalRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        Fields.requireKnown("request", request);
        gate.requireEveryEnvironment("what is rejected");
        String id = id(request.getId());
        ProposalResult result = proposals.reject(
                scope,
                id,
                CallContext.current().recorder(),
                Fields.text("comment", request.getComment(), COMMENT_BYTES));
        return RejectProposalResponse.newBuilder()
                .setProposal(wire(done(id, result, new FieldPlaces())))
                .build();
    }

    CommentProposalResponse comment(CommentProposalRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        Fields.requireKnown("request", request);
        String id = id(request.getId());
        ProposalResult result = proposals.comment(
                scope,
                id,
                CallContext.current().recorder(),
                ApprovalEndpoint.words(request.getComment()),
                Fields.text("idempotency_key", request.getIdempotencyKey(), ApplyPolicyCall.KEY_BYTES));
        return CommentProposalResponse.newBuilder()
                .setProposal(wire(done(id, result, new FieldPlaces())))
                .build();
    }

    WithdrawProposalResponse withdraw(WithdrawProposalRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        Fields.requireKnown("request", request);
        String id = id(request.getId());
        ProposalResult result = proposals.withdraw(
                scope,
                id,
                CallContext.current().recorder(),
                Fields.text("comment", request.getComment(), COMMENT_BYTES));
        return WithdrawProposalResponse.newBuilder()
                .setProposal(wire(done(id, result, new FieldPlaces())))
                .build();
    }

    private Recorder proposer(PolicyScope scope, ProposeChangeHeader header, Recorder caller) {
        if (header.getProposer().isEmpty()) {
            return caller;
        }
        Subject proposer = Fields.read("header.proposer", header.getProposer(), Subject::parseOfActor);
        gate.requireActAs(scope.ledgerTenant(), proposer);
        return new Recorder(proposer, caller.home());
    }

    private static Duration ttl(ProposeChangeHeader header) {
        if (!header.hasTtl()) {
            return Proposals.DEFAULT_TTL;
        }
        Duration ttl =
                Duration.ofSeconds(header.getTtl().getSeconds(), header.getTtl().getNanos());
        if (ttl.compareTo(Proposals.SHORTEST_TTL) < 0 || ttl.compareTo(Proposals.LONGEST_TTL) > 0) {
            throw RefusedException.invalid(
                    "header.ttl",
                    ttl.toString(),
                    Proposals.SHORTEST_TTL.toMinutes() + " min to " + Proposals.LONGEST_TTL.toDays() + " days");
        }
        return ttl;
    }

    private static String id(String id) {
        if (!ID.matcher(id).matches()) {
            throw RefusedException.invalid("id", id, "the id of a proposal, 32 characters");
        }
        return id;
    }

    private static RefusedException notFound(String id) {
        return RefusedException.notFound(ErrorReason.PROPOSAL_NOT_FOUND, "proposal", id);
    }

    private static Done done(String id, ProposalResult result, FieldPlaces places) {
        return switch (result) {
            case Done done -> done;
            case ProposalResult.NotFound() -> throw notFound(id);
            case ProposalResult.KeyReused(String key) -> throw LedgerEndpoint.keyReused(key);
            case ProposalResult.Full(int limit) ->
                throw RefusedException.of(
                        ErrorReason.PROPOSALS_FULL,
                        limit + " proposals wait already: accept, reject or withdraw some of them",
                        Map.of("limit", Integer.toString(limit)));
            case ProposalResult.CommentsFull() -> throw ApprovalTranslator.commentsFull("proposal", id);
            case ProposalResult.NothingToChange() ->
                throw RefusedException.of(
                        ErrorReason.PROPOSAL_EMPTY, "it would change nothing: policy is like that already", Map.of());
            case ProposalResult.Refused(ChangeResult.Invalid(var problems)) ->
                throw ApplyPolicyCall.refusal(places.refine(problems));
            case ProposalResult.Refused(ChangeResult.SelfEscalation(var gain)) ->
                throw RefusedException.of(
                        ErrorReason.SELF_ESCALATION,
                        ImpactTranslator.message(gain)
                                + "; whoever accepts a proposal must not gain by it: let somebody" + " else accept it",
                        Map.of("tenant", gain.tenant().value()));
            case ProposalResult.Refused(ChangeResult.TenantCreationRefused(TenantId tenant)) ->
                throw RefusedException.invalid(
                        "put.yaml",
                        "Tenant " + tenant,
                        "documents of a tenant that is there: make tenants with ApplyPolicy");
            case ProposalResult.Refused(ChangeResult refused) ->
                throw new IllegalStateException("A proposal has neither preconditions nor a key: " + refused);
            case ProposalResult.Own() ->
                throw RefusedException.of(
                        ErrorReason.PROPOSAL_OWN,
                        "nobody accepts or rejects what they proposed or wrote down for somebody; take it back with"
                                + " WithdrawProposal",
                        Map.of());
            case ProposalResult.NotTheirs() ->
                throw RefusedException.of(
                        ErrorReason.PROPOSAL_NOT_THEIRS, "only whoever proposed it takes it back", Map.of());
            case ProposalResult.NotEligible(List<String> why) ->
                throw RefusedException.of(ErrorReason.ACCEPTOR_NOT_ELIGIBLE, String.join("; ", why), Map.of());
            case ProposalResult.Moved(Digest digest, FiledProposal.Base base) ->
                throw RefusedException.of(
                        ErrorReason.PROPOSAL_MOVED,
                        "policy is at revision " + base.revision() + " (of the platform " + base.platform()
                                + ") by now, so the proposal is another one, with digest " + digest
                                + ": look at what it does now, and accept that",
                        Map.of(
                                "digest",
                                digest.toString(),
                                "base_revision",
                                base.revision().toString()));
            case ProposalResult.WrongState(State state) ->
                throw RefusedException.of(
                        ErrorReason.PROPOSAL_STATE,
                        "the proposal is " + state.name().toLowerCase(Locale.ROOT) + ", expected a pending one",
                        Map.of("state", state.name()));
        };
    }

    private static @Nullable State state(ProposalState state) {
        return switch (state) {
            case PROPOSAL_STATE_UNSPECIFIED -> null;
            case PROPOSAL_STATE_PENDING -> State.PENDING;
            case PROPOSAL_STATE_APPLIED -> State.APPLIED;
            case PROPOSAL_STATE_REJECTED -> State.REJECTED;
            case PROPOSAL_STATE_WITHDRAWN -> State.WITHDRAWN;
            case PROPOSAL_STATE_EXPIRED -> State.EXPIRED;
            case UNRECOGNIZED -> throw RefusedException.invalid("state", "unknown", "a state, or none");
        };
    }

    private static ProposalState wire(State state) {
        return switch (state) {
            case PENDING -> ProposalState.PROPOSAL_STATE_PENDING;
            case APPLIED -> ProposalState.PROPOSAL_STATE_APPLIED;
            case REJECTED -> ProposalState.PROPOSAL_STATE_REJECTED;
            case WITHDRAWN -> ProposalState.PROPOSAL_STATE_WITHDRAWN;
            case EXPIRED -> ProposalState.PROPOSAL_STATE_EXPIRED;
        };
    }

    private static Proposal wire(Done done) {
        FiledProposal filed = done.proposal();
        List<Acceptance> acceptances = filed.acceptances(done.base());
        Proposal.Builder wire = Proposal.newBuilder()
                .setId(filed.id())
                .setTenant(filed.scope().tenant().map(TenantId::value).orElse(""))
                .setState(wire(done.state()))
                .setProposer(filed.proposer().caller().toString())
                .setProposerTenant(filed.proposer().home().value())
                .setRecordedBy(filed.recordedBy().caller().toString())
                .setReason(Optional.ofNullable(filed.reason()).orElse(""))
                .setProposedAt(Fields.timestamp(filed.proposedAt()))
                .setExpiresAt(Fields.timestamp(filed.expiresAt()))
                .setDocumentCount(filed.documentCount())
                .setDigest(ByteString.copyFrom(filed.digest(done.base()).bytes()))
                .setBaseRevision(done.base().revision().value())
                .setBasePlatformRevision(done.base().platform().value())
                .setAcceptancesNeeded(done.needed())
                .setAcceptancesVoid(filed.acceptances().size() - acceptances.size());
        acceptances.forEach(acceptance -> wire.addAcceptances(ProposalAcceptance.newBuilder()
                .setAcceptor(acceptance.acceptor().caller().toString())
                .setAcceptorTenant(acceptance.acceptor().home().value())
                .setAcceptedAt(Fields.timestamp(acceptance.at()))
                .setComment(Optional.ofNullable(acceptance.comment()).orElse(""))));
        filed.comments()
                .forEach(comment -> wire.addComments(ProposalComment.newBuilder()
                        .setAuthor(comment.author().caller().toString())
                        .setAuthorTenant(comment.author().home().value())
                        .setSaidAt(Fields.timestamp(comment.at()))
                        .setComment(comment.text())));
        End end = filed.end();
        if (end != null) {
            wire.setEndedBy(end.by().caller().toString())
                    .setEndedByTenant(end.by().home().value())
                    .setEndedAt(Fields.timestamp(end.at()))
                    .setComment(Optional.ofNullable(end.comment()).orElse(""));
            if (end.revision() != null) {
                wire.setRevision(end.revision().value());
            }
        }
        return wire.build();
    }

    /** Against policy as it is, or where that does not matter any more as it was proposed. */
    private static Stream<ProposedDocument> documents(View view) {
        Compared outcome = view.outcome();
        if (outcome != null && outcome.problems().isEmpty()) {
            return outcome.changes().stream()
                    .flatMap(change -> change.documents().stream())
                    .map(ProposalCalls::document);
        }
        return Stream.concat(
                view.content().puts().stream()
                        .map(put -> ProposedDocument.newBuilder()
                                .setKind(put.kind().text())
                                .setName(put.name())
                                .setType(ChangeType.CHANGE_TYPE_CREATED)
                                .setAfter(text(put))
                                .build()),
                view.content().deletes().stream()
                        .map(key -> ProposedDocument.newBuilder()
                                .setKind(key.kind().text())
                                .setName(key.name())
                                .setType(ChangeType.CHANGE_TYPE_DELETED)
                                .build()));
    }

    private static ProposedDocument document(DocumentChange change) {
        ProposedDocument.Builder wire = ProposedDocument.newBuilder()
                .setKind(change.key().kind().text())
                .setName(change.key().name())
                .setType(ChangeTranslator.type(change.type()));
        if (change.before() != null) {
            wire.setBefore(text(change.before()));
        }
        if (change.after() != null) {
            wire.setAfter(text(change.after()));
        }
        return wire.build();
    }

    private static ByteString text(Document document) {
        return ByteString.copyFromUtf8(DocumentText.write(document));
    }
}

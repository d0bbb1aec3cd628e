package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.AcceptProposalResponse;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.CommentProposalResponse;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DiffRevisionsResponse;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GetProposalResponse;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.GrantResponse;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListFreezesResponse;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListProposalsResponse;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceImplBase;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.ProposeChangeResponse;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.RejectProposalResponse;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.RevokeResponse;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UnfreezeResponse;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.proto.v1.WithdrawProposalRequest;
import dev.assize.proto.v1.WithdrawProposalResponse;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** Serves `PolicyService`. */
final class PolicyEndpoint extends PolicyServiceImplBase {

    private final PolicyAdministration administration;
    private final ShorthandCalls shorthands;
    private final WatchCalls watches;
    private final ProposalCalls proposals;
    private final LedgerComparisons ledger;
    private final HistoryCalls history;
    private final ReplayCalls replays;
    private final Gate gate;
    private final Replies replies;

    @Inject
    PolicyEndpoint(
            PolicyAdministration administration,
            ShorthandCalls shorthands,
            WatchCalls watches,
            ProposalCalls proposals,
            LedgerComparisons ledger,
            HistoryCalls history,
            ReplayCalls replays,
            Gate gate,
            Replies replies) {
        this.administration = administration;
        this.shorthands = shorthands;
        this.watches = watches;
        this.proposals = proposals;
        this.ledger = ledger;
        this.history = history;
        this.replays = replays;
        this.gate = gate;
        this.replies = replies;
    }

    @Override
    public StreamObserver<ApplyPolicyRequest> applyPolicy(StreamObserver<ApplyPolicyResponse> observer) {
        return new ApplyPolicyCall(administration, ledger, gate, replies, observer);
    }

    @Override
    public void exportPolicy(ExportPolicyRequest request, StreamObserver<ExportPolicyResponse> observer) {
        if (HistoryCalls.isOfPast(request)) {
            history.export(request, (ServerCallStreamObserver<ExportPolicyResponse>) observer);
            return;
        }
        try {
            PolicySet set = export(request);
            for (Document document : set.documents()) {
                Deadlines.requireListener();
                observer.onNext(ExportPolicyResponse.newBuilder()
                        .setRevision(set.revision().value())
                        .setKind(document.kind().text())
                        .setName(document.name())
                        .setYaml(ByteString.copyFromUtf8(DocumentText.write(document)))
                        .build());
            }
        } catch (RuntimeException | Error failure) {
            replies.fail(observer, failure);
            return;
        }
        observer.onCompleted();
    }

    @Override
    public void listRevisions(ListRevisionsRequest request, StreamObserver<ListRevisionsResponse> observer) {
        replies.reply(observer, () -> history.list(request));
    }

    @Override
    public void grant(GrantRequest request, StreamObserver<GrantResponse> observer) {
        replies.reply(observer, () -> shorthands.grant(request));
    }

    @Override
    public void revoke(RevokeRequest request, StreamObserver<RevokeResponse> observer) {
        replies.reply(observer, () -> shorthands.revoke(request));
    }

    @Override
    public void freeze(FreezeRequest request, StreamObserver<FreezeResponse> observer) {
        replies.reply(observer, () -> shorthands.freeze(request));
    }

    @Override
    public void unfreeze(UnfreezeRequest request, StreamObserver<UnfreezeResponse> observer) {
        replies.reply(observer, () -> shorthands.unfreeze(request));
    }

    @Override
    public void listFreezes(ListFreezesRequest request, StreamObserver<ListFreezesResponse> observer) {
        replies.reply(observer, () -> shorthands.list(request));
    }

    @Override
    public void watchPolicy(WatchPolicyRequest request, StreamObserver<WatchPolicyResponse> observer) {
        watches.policy(request, observer);
    }

    @Override
    public StreamObserver<ProposeChangeRequest> proposeChange(StreamObserver<ProposeChangeResponse> observer) {
        return new ProposeChangeCall(proposals, gate, replies, observer);
    }

    @Override
    public void listProposals(ListProposalsRequest request, StreamObserver<ListProposalsResponse> observer) {
        replies.reply(observer, () -> proposals.list(request));
    }

    @Override
    public void getProposal(GetProposalRequest request, StreamObserver<GetProposalResponse> observer) {
        proposals.get(request, observer);
    }

    @Override
    public void acceptProposal(AcceptProposalRequest request, StreamObserver<AcceptProposalResponse> observer) {
        replies.reply(observer, () -> proposals.accept(request));
    }

    @Override
    public void rejectProposal(RejectProposalRequest request, StreamObserver<RejectProposalResponse> observer) {
        replies.reply(observer, () -> proposals.reject(request));
    }

    @Override
    public void commentProposal(CommentProposalRequest request, StreamObserver<CommentProposalResponse> observer) {
        replies.reply(observer, () -> proposals.comment(request));
    }

    @Override
    public void withdrawProposal(WithdrawProposalRequest request, StreamObserver<WithdrawProposalResponse> observer) {
        replies.reply(observer, () -> proposals.withdraw(request));
    }

    @Override
    public void diffRevisions(DiffRevisionsRequest request, StreamObserver<DiffRevisionsResponse> observer) {
        history.diff(request, (ServerCallStreamObserver<DiffRevisionsResponse>) observer);
    }

    @Override
    public void replayPolicy(ReplayPolicyRequest request, StreamObserver<ReplayPolicyResponse> observer) {
        ServerCallStreamObserver<ReplayPolicyResponse> stream =
                (ServerCallStreamObserver<ReplayPolicyResponse>) observer;
        replies.reply(observer, () -> replays.replay(request, stream));
    }

    private PolicySet export(ExportPolicyRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        return known(administration.export(scope));
    }

    /** A tenant that never had policy does not exist; the platform always does. */
    private static PolicySet known(PolicySet set) {
        if (set.revision().equals(Revision.NONE) && !set.scope().isPlatform()) {
            throw RefusedException.notFound(
                    ErrorReason.TENANT_NOT_FOUND, "tenant", set.scope().key());
        }
        return set;
    }
}

package dev.assize.client;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.AcceptProposalResponse;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CancelApprovalResponse;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.CommentApprovalResponse;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.CommentProposalResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DiffRevisionsResponse;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.FreezeEntry;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GetProposalResponse;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.GrantResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.ListApprovalsResponse;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListFreezesResponse;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListProposalsResponse;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.NodeConfirmations;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.PolicyDrift;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.Proposal;
import dev.assize.proto.v1.ProposalOutlook;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.ProposeChangeResponse;
import dev.assize.proto.v1.ProposedDocument;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.RejectProposalResponse;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayResult;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.RequestApprovalResponse;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalResponse;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.RevokeResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UnfreezeResponse;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.proto.v1.UseApprovalResponse;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import dev.assize.proto.v1.WithdrawProposalRequest;
import dev.assize.proto.v1.WithdrawProposalResponse;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A server that does what a test tells it, over a real in-process transport. */
final class FakeAssize implements AutoCloseable {

    final List<SuspendTenantRequest> suspensions = new CopyOnWriteArrayList<>();
    final List<ReviewAccessRequest> reviews = new CopyOnWriteArrayList<>();
    final Deque<List<ReviewAccessResponse>> answers = new ArrayDeque<>();
    final List<CheckRequest> checks = new CopyOnWriteArrayList<>();
    final List<AppendAuditRequest> appends = new CopyOnWriteArrayList<>();
    final List<QueryAuditRequest> queries = new CopyOnWriteArrayList<>();
    final List<GetLineageRequest> lineages = new CopyOnWriteArrayList<>();
    final List<CheckAndAppendRequest> executions = new CopyOnWriteArrayList<>();

    /** Failures of the coming calls of CheckAndAppend, in their order; then they are answered. */
    final Deque<StatusRuntimeException> executionFailures = new ArrayDeque<>();

    Function<CheckAndAppendRequest, CheckAndAppendResponse> executionAnswer =
            request -> CheckAndAppendResponse.getDefaultInstance();
    List<SearchSubjectsResponse> subjects = List.of();

    @Nullable
    StatusRuntimeException searchFailure;

    /** How many searches of the coming ones find nobody there. */
    int searchesUnanswered;

    final AtomicInteger searches = new AtomicInteger();

    final CountDownLatch searchCancelled = new CountDownLatch(1);
    boolean endless;

    /** Failures of the coming appends, in their order; then they succeed. An OK status means silence. */
    final Deque<StatusRuntimeException> appendFailures = new ArrayDeque<>();

    /** What an append is answered; null where it is confirmed. */
    @Nullable
    AppendAuditResponse appendAnswer;

    /** Refusals of the coming calls for a checkpoint, in their order. */
    final Deque<StatusRuntimeException> checkpointFailures = new ArrayDeque<>();

    final List<Object> approvalCalls = new CopyOnWriteArrayList<>();

    /** Failures of the coming calls about approvals, in their order; then they are answered. */
    final Deque<StatusRuntimeException> approvalFailures = new ArrayDeque<>();

    final List<WatchDecisionRequest> watched = new CopyOnWriteArrayList<>();
    final BlockingQueue<StreamObserver<WatchDecisionResponse>> watchers = new LinkedBlockingQueue<>();
    volatile StreamObserver<WatchDecisionResponse> lastWatcher = new Nobody();

    final List<Object> policyCalls = new CopyOnWriteArrayList<>();

    /** Failures of the coming changes of policy, in their order; then they are answered. */
    final Deque<StatusRuntimeException> policyFailures = new ArrayDeque<>();

    PolicyCommit commit = PolicyCommit.getDefaultInstance();
    NodeConfirmations nodes = NodeConfirmations.getDefaultInstance();
    List<FreezeEntry> freezes = List.of();

    dev.assize.proto.v1.Approval approval = dev.assize.proto.v1.Approval.getDefaultInstance();

    Function<CheckRequest, CheckResponse> checkAnswer = request -> CheckResponse.getDefaultInstance();
    Function<CheckBatchRequest, CheckBatchResponse> batchAnswer = request -> CheckBatchResponse.getDefaultInstance();
    Function<QueryAuditRequest, QueryAuditResponse> queryAnswer = request -> QueryAuditResponse.getDefaultInstance();
    Function<GetLineageRequest, GetLineageResponse> lineageAnswer = request -> GetLineageResponse.getDefaultInstance();
    List<VerifyChainResponse> verification = List.of();

    @Nullable
    StatusRuntimeException checkFailure;

    boolean silent;

    private final CountDownLatch closing = new CountDownLatch(1);
    private final String name = "assize-" + UUID.randomUUID();
    private final Server server;

    FakeAssize() {
        try {
            server = InProcessServerBuilder.forName(name)
                    .addService(new Decisions())
                    .addService(new Ledger())
                    .addService(new Approvals())
                    .addService(new Policy())
                    .addService(new Access())
                    .build()
                    .start();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    AssizeClient client(AssizeClient.Builder builder) {
        return builder.build(InProcessChannelBuilder.forName(name)
                .intercept(builder.authorization())
                .build());
    }

    void stop() {
        server.shutdownNow();
    }

    @Override
    public void close() {
        closing.countDown();
        server.shutdownNow();
    }

    private void silence() {
        try {
            closing.await();
        } catch (InterruptedException over) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Decisions extends DecisionServiceGrpc.DecisionServiceImplBase {

        @Override
        public void watchDecision(WatchDecisionRequest request, StreamObserver<WatchDecisionResponse> observer) {
            watched.add(request);
            lastWatcher = observer;
            ((ServerCallStreamObserver<WatchDecisionResponse>) observer).setOnCancelHandler(() -> {});
            watchers.add(observer);
        }

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> answer) {
            checks.add(request);
            if (silent) {
                silence();
            }
            if (checkFailure != null) {
                answer.onError(checkFailure);
                return;
            }
            answer.onNext(checkAnswer.apply(request));
            answer.onCompleted();
        }

        @Override
        public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> answer) {
            answer.onNext(batchAnswer.apply(request));
            answer.onCompleted();
        }

        @Override
        public void checkAndAppend(CheckAndAppendRequest request, StreamObserver<CheckAndAppendResponse> answer) {
            executions.add(request);
            StatusRuntimeException failure = executionFailures.poll();
            if (failure != null) {
                answer.onError(failure);
                return;
            }
            answer.onNext(executionAnswer.apply(request));
            answer.onCompleted();
        }

        @Override
        public void searchSubjects(SearchSubjectsRequest request, StreamObserver<SearchSubjectsResponse> answer) {
            ((ServerCallStreamObserver<SearchSubjectsResponse>) answer).setOnCancelHandler(searchCancelled::countDown);
            if (searches.incrementAndGet() <= searchesUnanswered) {
                answer.onError(Status.UNAVAILABLE.asRuntimeException());
                return;
            }
            subjects.forEach(answer::onNext);
            if (searchFailure != null) {
                answer.onError(searchFailure);
            } else if (!endless) {
                answer.onCompleted();
            }
        }
    }

    /** Before anybody watches. */
    private static final class Nobody implements StreamObserver<WatchDecisionResponse> {

        @Override
        public void onNext(WatchDecisionResponse message) {
            throw new IllegalStateException("Nobody watches");
        }

        @Override
        public void onError(Throwable failure) {
            throw new IllegalStateException("Nobody watches", failure);
        }

        @Override
        public void onCompleted() {
            throw new IllegalStateException("Nobody watches");
        }
    }

    /** How many parts of a change were taken, while they are asked for one by one. */
    final AtomicInteger partsTaken = new AtomicInteger();

    /** How many parts of a change may come in before they are waited with; null for all. */
    volatile @Nullable Semaphore partsWanted;

    ApplyPolicyResponse applied = ApplyPolicyResponse.getDefaultInstance();
    Proposal proposal = Proposal.getDefaultInstance();

    private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {

        @Override
        public StreamObserver<ProposeChangeRequest> proposeChange(StreamObserver<ProposeChangeResponse> observer) {
            List<ProposeChangeRequest> taken = new ArrayList<>();
            return new StreamObserver<>() {
                @Override
                public void onNext(ProposeChangeRequest request) {
                    taken.add(request);
                }

                @Override
                public void onError(Throwable cancelled) {}

                @Override
                public void onCompleted() {
                    answer(
                            List.copyOf(taken),
                            ProposeChangeResponse.newBuilder()
                                    .setProposal(proposal)
                                    .build(),
                            observer);
                }
            };
        }

        @Override
        public void getProposal(GetProposalRequest request, StreamObserver<GetProposalResponse> observer) {
            observer.onNext(GetProposalResponse.newBuilder()
                    .setOutlook(ProposalOutlook.newBuilder().setProposal(proposal))
                    .build());
            answer(
                    request,
                    GetProposalResponse.newBuilder()
                            .setDocument(ProposedDocument.newBuilder()
                                    .setKind("Role")
                                    .setName("r")
                                    .setAfter(ByteString.copyFromUtf8("yaml")))
                            .build(),
                    observer);
        }

        @Override
        public void listProposals(ListProposalsRequest request, StreamObserver<ListProposalsResponse> observer) {
            answer(
                    request,
                    ListProposalsResponse.newBuilder().addProposals(proposal).build(),
                    observer);
        }

        @Override
        public void acceptProposal(AcceptProposalRequest request, StreamObserver<AcceptProposalResponse> observer) {
            answer(
                    request,
                    AcceptProposalResponse.newBuilder().setProposal(proposal).build(),
                    observer);
        }

        @Override
        public void rejectProposal(RejectProposalRequest request, StreamObserver<RejectProposalResponse> observer) {
            answer(
                    request,
                    RejectProposalResponse.newBuilder().setProposal(proposal).build(),
                    observer);
        }

        @Override
        public void commentProposal(CommentProposalRequest request, StreamObserver<CommentProposalResponse> observer) {
            answer(
                    request,
                    CommentProposalResponse.newBuilder().setProposal(proposal).build(),
                    observer);
        }

        @Override
        public void withdrawProposal(
                WithdrawProposalRequest request, StreamObserver<WithdrawProposalResponse> observer) {
            answer(
                    request,
                    WithdrawProposalResponse.newBuilder().setProposal(proposal).build(),
                    observer);
        }

        @Override
        public StreamObserver<ApplyPolicyRequest> applyPolicy(StreamObserver<ApplyPolicyResponse> observer) {
            List<ApplyPolicyRequest> taken = new ArrayList<>();
            return new StreamObserver<>() {
                @Override
                public void onNext(ApplyPolicyRequest request) {
                    Semaphore wanted = partsWanted;
                    if (wanted != null) {
                        wanted.acquireUninterruptibly();
                    }
                    partsTaken.incrementAndGet();
                    taken.add(request);
                }

                @Override
                public void onError(Throwable cancelled) {}

                @Override
                public void onCompleted() {
                    answer(List.copyOf(taken), applied, observer);
                }
            };
        }

        @Override
        public void grant(GrantRequest request, StreamObserver<GrantResponse> observer) {
            answer(
                    request,
                    GrantResponse.newBuilder()
                            .setName("made-up")
                            .setCommit(commit)
                            .build(),
                    observer);
        }

        @Override
        public void revoke(RevokeRequest request, StreamObserver<RevokeResponse> observer) {
            answer(request, RevokeResponse.newBuilder().setCommit(commit).build(), observer);
        }

        @Override
        public void freeze(FreezeRequest request, StreamObserver<FreezeResponse> observer) {
            answer(
                    request,
                    FreezeResponse.newBuilder()
                            .setName("made-up")
                            .setCommit(commit)
                            .setNodes(nodes)
                            .build(),
                    observer);
        }

        @Override
        public void unfreeze(UnfreezeRequest request, StreamObserver<UnfreezeResponse> observer) {
            answer(
                    request,
                    UnfreezeResponse.newBuilder()
                            .setCommit(commit)
                            .setNodes(nodes)
                            .build(),
                    observer);
        }

        @Override
        public void listFreezes(ListFreezesRequest request, StreamObserver<ListFreezesResponse> observer) {
            answer(
                    request,
                    ListFreezesResponse.newBuilder().addAllFreezes(freezes).build(),
                    observer);
        }

        @Override
        public void listRevisions(ListRevisionsRequest request, StreamObserver<ListRevisionsResponse> observer) {
            answer(
                    request,
                    ListRevisionsResponse.newBuilder()
                            .addRevisions(dev.assize.proto.v1.PolicyRevision.newBuilder()
                                    .setRevision(2)
                                    .setActor("user:alice")
                                    .setOrigin("grant")
                                    .addApprovers("user:bob"))
                            .build(),
                    observer);
        }

        @Override
        public void exportPolicy(ExportPolicyRequest request, StreamObserver<ExportPolicyResponse> observer) {
            answer(
                    request,
                    ExportPolicyResponse.newBuilder()
                            .setRevision(2)
                            .setKind("Role")
                            .setName("reader")
                            .setYaml(ByteString.copyFromUtf8("yaml"))
                            .build(),
                    observer);
        }

        @Override
        public void diffRevisions(DiffRevisionsRequest request, StreamObserver<DiffRevisionsResponse> observer) {
            answer(
                    request,
                    DiffRevisionsResponse.newBuilder()
                            .setDocument(DocumentChange.newBuilder()
                                    .setKind("Role")
                                    .setName("reader")
                                    .setAfter(ByteString.copyFromUtf8("new")))
                            .build(),
                    observer);
        }

        @Override
        public void replayPolicy(ReplayPolicyRequest request, StreamObserver<ReplayPolicyResponse> observer) {
            answer(
                    request,
                    ReplayPolicyResponse.newBuilder()
                            .setResult(ReplayResult.newBuilder()
                                    .setRevision(2)
                                    .setDriftCount(1)
                                    .addDrifts(PolicyDrift.newBuilder().setMessage("Role/reader is not stored")))
                            .build(),
                    observer);
        }

        private <R> void answer(Object request, R response, StreamObserver<R> observer) {
            policyCalls.add(request);
            StatusRuntimeException failure = policyFailures.poll();
            if (failure != null) {
                observer.onError(failure);
                return;
            }
            observer.onNext(response);
            observer.onCompleted();
        }
    }

    private final class Access extends AccessServiceGrpc.AccessServiceImplBase {

        @Override
        public void suspendTenant(SuspendTenantRequest request, StreamObserver<SuspendTenantResponse> observer) {
            suspensions.add(request);
            if (suspensions.size() == 1) {
                observer.onError(Status.UNAVAILABLE.asRuntimeException());
                return;
            }
            observer.onNext(SuspendTenantResponse.newBuilder()
                    .setCommit(PolicyCommit.newBuilder().setRevision(4).setReplayed(true))
                    .setNodes(NodeConfirmations.newBuilder().setConfirmed(2))
                    .build());
            observer.onCompleted();
        }

        @Override
        public void reviewAccess(ReviewAccessRequest request, StreamObserver<ReviewAccessResponse> observer) {
            reviews.add(request);
            answers.remove().forEach(observer::onNext);
            observer.onCompleted();
        }
    }

    private final class Approvals extends ApprovalServiceGrpc.ApprovalServiceImplBase {

        @Override
        public void requestApproval(RequestApprovalRequest request, StreamObserver<RequestApprovalResponse> answer) {
            answer(
                    request,
                    answer,
                    RequestApprovalResponse.newBuilder().setApproval(approval).build());
        }

        @Override
        public void resolveApproval(ResolveApprovalRequest request, StreamObserver<ResolveApprovalResponse> answer) {
            answer(
                    request,
                    answer,
                    ResolveApprovalResponse.newBuilder().setApproval(approval).build());
        }

        @Override
        public void commentApproval(CommentApprovalRequest request, StreamObserver<CommentApprovalResponse> answer) {
            answer(
                    request,
                    answer,
                    CommentApprovalResponse.newBuilder().setApproval(approval).build());
        }

        @Override
        public void cancelApproval(CancelApprovalRequest request, StreamObserver<CancelApprovalResponse> answer) {
            answer(
                    request,
                    answer,
                    CancelApprovalResponse.newBuilder().setApproval(approval).build());
        }

        @Override
        public void useApproval(UseApprovalRequest request, StreamObserver<UseApprovalResponse> answer) {
            answer(
                    request,
                    answer,
                    UseApprovalResponse.newBuilder().setApproval(approval).build());
        }

        @Override
        public void listApprovals(ListApprovalsRequest request, StreamObserver<ListApprovalsResponse> answer) {
            boolean isFirst = request.getPageToken().isEmpty();
            answer(
                    request,
                    answer,
                    ListApprovalsResponse.newBuilder()
                            .addApprovals(approval.toBuilder().setApprovalId(isFirst ? "a2" : "a1"))
                            .setNextPageToken(isFirst ? "more" : "")
                            .build());
        }

        private <T> void answer(Object request, StreamObserver<T> to, T response) {
            approvalCalls.add(request);
            StatusRuntimeException failure = approvalFailures.poll();
            if (failure != null) {
                to.onError(failure);
                return;
            }
            to.onNext(response);
            to.onCompleted();
        }
    }

    private final class Ledger extends LedgerServiceGrpc.LedgerServiceImplBase {

        @Override
        public void appendAudit(AppendAuditRequest request, StreamObserver<AppendAuditResponse> answer) {
            appends.add(request);
            StatusRuntimeException failure = appendFailures.poll();
            if (failure != null && failure.getStatus().getCode() == Status.Code.OK) {
                return; // no answer, ever
            }
            if (failure != null) {
                answer.onError(failure);
                return;
            }
            answer.onNext(appendAnswer == null ? confirmed(request) : appendAnswer);
            answer.onCompleted();
        }

        private AppendAuditResponse confirmed(AppendAuditRequest request) {
            return AppendAuditResponse.newBuilder()
                    .addAllEntries(Collections.nCopies(
                            request.getEventsCount(),
                            AppendedEntry.newBuilder().setSeq(7).build()))
                    .setReplayed(appends.size() > 1)
                    .build();
        }

        @Override
        public void getCheckpoint(GetCheckpointRequest request, StreamObserver<GetCheckpointResponse> answer) {
            answer.onError(checkpointFailures.remove());
        }

        @Override
        public void verifyChain(VerifyChainRequest request, StreamObserver<VerifyChainResponse> answer) {
            verification.forEach(answer::onNext);
            answer.onCompleted();
        }

        @Override
        public void getLineage(GetLineageRequest request, StreamObserver<GetLineageResponse> answer) {
            lineages.add(request);
            answer.onNext(lineageAnswer.apply(request));
            answer.onCompleted();
        }

        @Override
        public void queryAudit(QueryAuditRequest request, StreamObserver<QueryAuditResponse> answer) {
            queries.add(request);
            answer.onNext(queryAnswer.apply(request));
            answer.onCompleted();
        }
    }
}

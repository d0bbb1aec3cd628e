package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import dev.assize.proto.v1.GetDecisionProofRequest;
import dev.assize.proto.v1.GetDecisionProofResponse;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.QueryDecisionsResponse;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import io.grpc.stub.StreamObserver;

/**
 * Serves `DecisionService`, but for what {@link CheckMethods} does. A deny is an answer; an error is for the caller to read
 * as a deny.
 */
final class DecisionEndpoint extends DecisionServiceImplBase {

    private final Checks checks;
    private final ExecutionEndpoint executions;
    private final SearchEndpoint searches;
    private final WatchCalls watches;
    private final DecisionRecordCalls records;
    private final Replies replies;

    @Inject
    DecisionEndpoint(
            Checks checks,
            ExecutionEndpoint executions,
            SearchEndpoint searches,
            WatchCalls watches,
            DecisionRecordCalls records,
            Replies replies) {
        this.checks = checks;
        this.executions = executions;
        this.searches = searches;
        this.watches = watches;
        this.records = records;
        this.replies = replies;
    }

    @Override
    public void checkAndAppend(CheckAndAppendRequest request, StreamObserver<CheckAndAppendResponse> observer) {
        replies.replyLater(observer, () -> executions.checkAndAppend(request, checks));
    }

    @Override
    public void watchDecision(WatchDecisionRequest request, StreamObserver<WatchDecisionResponse> observer) {
        watches.decision(request, observer, checks);
    }

    @Override
    public void searchSubjects(SearchSubjectsRequest request, StreamObserver<SearchSubjectsResponse> observer) {
        searches.subjects(request, observer);
    }

    @Override
    public void searchResources(SearchResourcesRequest request, StreamObserver<SearchResourcesResponse> observer) {
        searches.resources(request, observer);
    }

    @Override
    public void searchActions(SearchActionsRequest request, StreamObserver<SearchActionsResponse> observer) {
        searches.actions(request, observer);
    }

    @Override
    public void queryDecisions(QueryDecisionsRequest request, StreamObserver<QueryDecisionsResponse> observer) {
        replies.reply(observer, () -> records.query(request));
    }

    @Override
    public void getDecisionProof(GetDecisionProofRequest request, StreamObserver<GetDecisionProofResponse> observer) {
        replies.reply(observer, () -> records.prove(request));
    }
}

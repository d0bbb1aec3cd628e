package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import dev.assize.proto.v1.Detail;
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
import dev.assize.server.access.Permission;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.InstantSource;
import java.util.List;

/** Serves `DecisionService`. A deny is an answer; an error is for the caller to read as a deny. */
final class DecisionEndpoint extends DecisionServiceImplBase {

    private final DecisionService decisions;
    private final Gate gate;
    private final RevisionWaits revisions;
    private final DecisionIds ids;
    private final ExecutionEndpoint executions;
    private final SearchEndpoint searches;
    private final WatchCalls watches;
    private final AnswersOnRecord onRecord;
    private final DecisionRecordCalls records;
    private final ErrorMapper errors;
    private final Replies replies;
    private final InstantSource clock;

    @Inject
    DecisionEndpoint(
            DecisionService decisions,
            Gate gate,
            RevisionWaits revisions,
            DecisionIds ids,
            ExecutionEndpoint executions,
            SearchEndpoint searches,
            WatchCalls watches,
            AnswersOnRecord onRecord,
            DecisionRecordCalls records,
            ErrorMapper errors,
            Replies replies,
            InstantSource clock) {
        this.decisions = decisions;
        this.gate = gate;
        this.revisions = revisions;
        this.ids = ids;
        this.executions = executions;
        this.searches = searches;
        this.watches = watches;
        this.onRecord = onRecord;
        this.records = records;
        this.errors = errors;
        this.replies = replies;
        this.clock = clock;
    }

    @Override
    public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
        replies.reply(observer, () -> check(request));
    }

    @Override
    public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> observer) {
        replies.reply(
                observer,
                () -> new BatchCheck(this, decisions, onRecord, ids, errors)
                        .answer(request, gate.admit(request.getTenant())));
    }

    @Override
    public void checkAndAppend(CheckAndAppendRequest request, StreamObserver<CheckAndAppendResponse> observer) {
        replies.replyLater(observer, () -> executions.checkAndAppend(request, this));
    }

    @Override
    public StreamObserver<CheckStreamRequest> checkStream(StreamObserver<CheckStreamResponse> observer) {
        return new CheckStreamCall(
                        this, gate, errors, replies, (ServerCallStreamObserver<CheckStreamResponse>) observer)
                .start();
    }

    @Override
    public void watchDecision(WatchDecisionRequest request, StreamObserver<WatchDecisionResponse> observer) {
        watches.decision(request, observer, this);
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

    private CheckResponse check(CheckRequest request) {
        return decide("", request, gate.admit(request.getTenant()));
    }

    /** Answers one request, and puts the answer on record where the tenant wants that. */
    CheckResponse decide(String prefix, CheckRequest request, TenantId tenant) {
        Asked asked = read(prefix, request, tenant, Environment.DEFAULT);
        String id = ids.next();
        if (asked.explain()) {
            Explanation explanation = decisions.explain(asked.query(), asked.at());
            record(asked, explanation.answer(), id);
            return explained(explanation, id, asked.detail());
        }
        Answer answer = decisions.evaluate(asked.query(), asked.at());
        record(asked, answer, id);
        return answered(answer, id, asked.detail());
    }

    /** What was asked about the past nobody may act on, and it is not on record. */
    private void record(Asked asked, Answer answer, String id) {
        if (asked.at() instanceof PointInTime.Now) {
            onRecord.put(asked.query().tenant(), List.of(onRecord.given(id, asked.query(), answer)));
        }
    }

    /** Reads a question, holds it against what the caller may ask, and waits for the revision it asks for. */
    Asked read(String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv) {
        if (request.getExplain()) {
            gate.require(tenant, Permission.EXPLAIN);
        }
        if (request.getAtRevision() != 0 || request.hasAsOf()) {
            gate.require(tenant, Permission.READ_HISTORY);
        }
        CheckQuery query = CheckTranslator.query(prefix, request, tenant, defaultEnv);
        PointInTime at = CheckTranslator.pointInTime(prefix, request, clock.instant());
        Detail detail = CheckTranslator.detail(prefix + "detail", request.getDetailValue());
        gate.requireEnvironment(query.env());
        revisions.await(prefix, tenant, request.getMinRevision());
        return new Asked(query, at, request.getExplain(), detail);
    }

    static CheckResponse answered(Answer answer, String id, Detail detail) {
        return AnswerTranslator.response(answer, id, detail).build();
    }

    static CheckResponse explained(Explanation explanation, String id, Detail detail) {
        return AnswerTranslator.response(explanation.answer(), id, detail)
                .setExplanation(AnswerTranslator.explanation(explanation))
                .build();
    }

    /** A question as it was read. */
    record Asked(CheckQuery query, PointInTime at, boolean explain, Detail detail) {}
}

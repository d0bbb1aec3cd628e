package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import dev.assize.proto.v1.Detail;
import dev.assize.server.access.Permission;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Serves `DecisionService`. A deny is an answer; an error is for the caller to read as a deny. */
final class DecisionEndpoint extends DecisionServiceImplBase {

    /** How long a request waits for `min_revision` where its deadline allows more, or where it has none. */
    static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    /** What is left of a deadline for the answer's way back. */
    private static final Duration WAY_BACK = Duration.ofMillis(20);

    /** How often a batch is decided anew because policy changed between its answers and their traces. */
    private static final int EXPLAIN_ATTEMPTS = 3;

    private final DecisionService decisions;
    private final Gate gate;
    private final DecisionIds ids;
    private final ErrorMapper errors;
    private final Replies replies;

    @Inject
    DecisionEndpoint(DecisionService decisions, Gate gate, DecisionIds ids, ErrorMapper errors, Replies replies) {
        this.decisions = decisions;
        this.gate = gate;
        this.ids = ids;
        this.errors = errors;
        this.replies = replies;
    }

    @Override
    public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
        replies.reply(observer, () -> check(request));
    }

    @Override
    public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> observer) {
        replies.reply(observer, () -> checkBatch(request));
    }

    private CheckResponse check(CheckRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        if (request.getExplain()) {
            gate.require(tenant, Permission.EXPLAIN);
        }
        CheckQuery query = CheckTranslator.query("", request, tenant, Environment.DEFAULT);
        Detail detail = CheckTranslator.detail("detail", request.getDetailValue());
        gate.requireEnvironment(query.env());
        awaitRevision("", tenant, request.getMinRevision());
        if (!request.getExplain()) {
            return AnswerTranslator.response(decisions.evaluate(query), ids.next(), detail)
                    .build();
        }
        return explained(decisions.explain(query, PointInTime.NOW), detail);
    }

    private CheckResponse explained(Explanation explanation, Detail detail) {
        return AnswerTranslator.response(explanation.answer(), ids.next(), detail)
                .setExplanation(AnswerTranslator.explanation(explanation))
                .build();
    }

    private CheckBatchResponse checkBatch(CheckBatchRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        int count = request.getItemsCount();
        if (count == 0 || count > Limits.BATCH_ITEMS) {
            throw RefusedException.invalid("items", Integer.toString(count), "1 to " + Limits.BATCH_ITEMS + " items");
        }
        Fields.requireKnown("request", request);
        Environment env = Fields.read("env", request.getEnv(), Environment::ofRequest);
        Detail detail = CheckTranslator.detail("detail", request.getDetailValue());
        List<Item> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(item("items[" + i + "].", request.getItems(i), tenant, env, detail));
        }
        decide(tenant, items);
        CheckBatchResponse.Builder response = CheckBatchResponse.newBuilder();
        items.forEach(item -> response.addResults(result(item)));
        return response.build();
    }

    /** An item that cannot be asked fails alone; broken surroundings fail the batch. */
    private Item item(
            String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv, Detail defaultDetail) {
        try {
            if (!request.getTenant().isEmpty() && !request.getTenant().equals(tenant.value())) {
                throw RefusedException.invalid(
                        prefix + "tenant", request.getTenant(), "the batch's tenant `" + tenant + "`, or none");
            }
            if (request.getExplain()) {
                gate.require(tenant, Permission.EXPLAIN);
            }
            CheckQuery query = CheckTranslator.query(prefix, request, tenant, defaultEnv);
            Detail own = CheckTranslator.detail(prefix + "detail", request.getDetailValue());
            Detail detail = own == Detail.DETAIL_UNSPECIFIED ? defaultDetail : own;
            gate.requireEnvironment(query.env());
            awaitRevision(prefix, tenant, request.getMinRevision());
            return new Item(query, request.getExplain(), detail, null);
        } catch (RefusedException refused) {
            if (refused.reason() == ErrorReason.REVISION_NOT_REACHED) {
                throw refused;
            }
            return new Item(null, false, defaultDetail, refused);
        }
    }

    /** Answers all from one revision; a trace taken later that rests on another makes it begin again. */
    private void decide(TenantId tenant, List<Item> items) {
        List<Item> asked = items.stream().filter(item -> item.query != null).toList();
        List<CheckQuery> queries = asked.stream().map(Item::queryOrThrow).toList();
        for (int attempt = 0; attempt < EXPLAIN_ATTEMPTS; attempt++) {
            List<Answer> answers = decisions.evaluateAll(tenant, queries);
            boolean agreed = true;
            for (int i = 0; i < asked.size(); i++) {
                agreed &= asked.get(i).answer(answers.get(i), decisions);
            }
            if (agreed) {
                return;
            }
        }
        throw RefusedException.retry(
                ErrorReason.REVISION_NOT_REACHED,
                "policy changed while the batch was explained; ask again",
                Duration.ofSeconds(1));
    }

    private CheckBatchResult result(Item item) {
        if (item.refused != null) {
            return CheckBatchResult.newBuilder()
                    .setError(errors.toStatus(item.refused))
                    .build();
        }
        CheckResponse response = item.explanation != null
                ? explained(item.explanation, item.detail)
                : AnswerTranslator.response(item.answerOrThrow(), ids.next(), item.detail)
                        .build();
        return CheckBatchResult.newBuilder().setResponse(response).build();
    }

    private void awaitRevision(String prefix, TenantId tenant, long revision) {
        if (revision == 0) {
            return;
        }
        switch (decisions.awaitRevision(tenant, new Revision(revision), patience())) {
            case REACHED -> {}
            case NEVER_COMMITTED ->
                throw RefusedException.violated(
                        ErrorReason.REVISION_NEVER_COMMITTED,
                        prefix + "min_revision",
                        Long.toString(revision),
                        "a revision that was committed in tenant `" + tenant + "`");
            case TIMED_OUT ->
                throw RefusedException.retry(
                        ErrorReason.REVISION_NOT_REACHED,
                        "this node has not seen revision " + revision + " of tenant `" + tenant + "` yet",
                        Duration.ofSeconds(1));
        }
    }

    private static Duration patience() {
        Deadline deadline = Context.current().getDeadline();
        if (deadline == null) {
            return LONGEST_WAIT;
        }
        Duration left =
                Duration.ofNanos(deadline.timeRemaining(TimeUnit.NANOSECONDS)).minus(WAY_BACK);
        return left.isNegative() ? Duration.ZERO : left.compareTo(LONGEST_WAIT) < 0 ? left : LONGEST_WAIT;
    }

    /** An item of a batch on its way from question to answer. */
    private static final class Item {

        private final @Nullable CheckQuery query;
        private final boolean explain;
        private final Detail detail;
        private final @Nullable RefusedException refused;
        private @Nullable Answer answer;
        private @Nullable Explanation explanation;

        Item(@Nullable CheckQuery query, boolean explain, Detail detail, @Nullable RefusedException refused) {
            this.query = query;
            this.explain = explain;
            this.detail = detail;
            this.refused = refused;
        }

        /** Whether the trace, where one is wanted, rests on the same revisions as the answer. */
        boolean answer(Answer given, DecisionService decisions) {
            answer = given;
            if (!explain) {
                return true;
            }
            Explanation traced = decisions.explain(queryOrThrow(), PointInTime.NOW);
            explanation = traced;
            return traced.answer().revision().equals(given.revision())
                    && traced.answer().platformRevision().equals(given.platformRevision());
        }

        CheckQuery queryOrThrow() {
            if (query == null) {
                throw new IllegalStateException("Refused items are not asked");
            }
            return query;
        }

        Answer answerOrThrow() {
            if (answer == null) {
                throw new IllegalStateException("Every item asked is answered");
            }
            return answer;
        }
    }
}

package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Detail;
import dev.assize.server.access.Permission;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a question as the wire has it, has it decided, and writes the answer. */
final class Checks {

    private final DecisionService decisions;
    private final Gate gate;
    private final RevisionWaits revisions;
    private final DecisionIds ids;
    private final AnswersOnRecord onRecord;
    private final Elsewhere elsewhere;
    private final InstantSource clock;

    @Inject
    Checks(
            DecisionService decisions,
            Gate gate,
            RevisionWaits revisions,
            DecisionIds ids,
            AnswersOnRecord onRecord,
            Elsewhere elsewhere,
            InstantSource clock) {
        this.decisions = decisions;
        this.gate = gate;
        this.revisions = revisions;
        this.ids = ids;
        this.onRecord = onRecord;
        this.elsewhere = elsewhere;
        this.clock = clock;
    }

    /** Answers one request, and puts the answer on record where the tenant wants that. */
    Reply decide(String prefix, CheckRequest request, TenantId tenant) {
        if (elsewhere.isFor(request, tenant)) {
            return new Reply.Relayed(elsewhere.check(request, tenant));
        }
        try {
            return decideHere(prefix, request, tenant);
        } catch (FactsElsewhereException theirs) {
            return new Reply.Relayed(elsewhere.check(request, tenant));
        }
    }

    private Reply decideHere(String prefix, CheckRequest request, TenantId tenant) {
        Asked asked = read(prefix, request, tenant, Environment.DEFAULT);
        onRecord.requireTimeToWait(tenant);
        String id = ids.next();
        if (asked.explain()) {
            Explanation explanation = decisions.explain(asked.query(), asked.at());
            record(asked, explanation.answer(), id);
            return new Reply.Own(explanation.answer(), explanation, id, asked.detail());
        }
        Answer answer = decisions.evaluate(asked.query(), asked.at());
        record(asked, answer, id);
        return new Reply.Own(answer, null, id, asked.detail());
    }

    /** What was asked about the past nobody may act on, and it is not on record. */
    private void record(Asked asked, Answer answer, String id) {
        if (asked.at() instanceof PointInTime.Now) {
            requireRecordedHere(asked.query().tenant(), answer);
            onRecord.put(asked.query().tenant(), List.of(onRecord.given(id, asked.query(), answer)));
        }
    }

    /**
     * That an answer may be given here, for all that is to go on record.
     *
     * @throws FactsElsewhereException where it is the centre's to give
     */
    void requireRecordedHere(TenantId tenant, Answer answer) {
        if (elsewhere.isThere()) {
            elsewhere.requireRecordedHere(
                    decisions.decisionLog(tenant), answer.reason().isAllow());
        }
    }

    /** Reads a question, holds it against what the caller may ask, and waits for the revision it asks for. */
    Asked read(String prefix, CheckRequest request, TenantId tenant, Environment defaultEnv) {
        if (request.getExplain() || request.getAtRevision() != 0 || request.hasAsOf()) {
            Prompt.requireTime();
        }
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

    /** A question as it was read. */
    record Asked(CheckQuery query, PointInTime at, boolean explain, Detail detail) {}

    /** An answer as it is given. */
    sealed interface Reply {

        CheckResponse message();

        /** A `CheckResponse`. */
        MessageBytes bytes();

        /**
         * One that was decided here.
         *
         * @param explanation where one was asked for
         */
        record Own(Answer answer, @Nullable Explanation explanation, String id, Detail detail) implements Reply {

            @Override
            public CheckResponse message() {
                CheckResponse.Builder response = AnswerTranslator.response(answer, id, detail);
                return explanation == null
                        ? response.build()
                        : response.setExplanation(AnswerTranslator.explanation(explanation))
                                .build();
            }

            @Override
            public MessageBytes bytes() {
                return explanation == null
                        ? new AnswerWriter(answer, id, detail).response()
                        : MessageBytes.of(message());
            }
        }

        /** One that the centre gave. */
        record Relayed(CheckResponse message) implements Reply {

            @Override
            public MessageBytes bytes() {
                return MessageBytes.of(message);
            }
        }
    }
}

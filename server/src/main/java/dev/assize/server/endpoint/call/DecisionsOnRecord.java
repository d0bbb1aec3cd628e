package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import java.util.List;

/**
 * One question of a door that speaks another protocol: decided and put on record here, or, where this node is a sidecar that
 * must not answer it by itself, at its centre.
 */
public final class DecisionsOnRecord {

    private final DecisionService decisions;
    private final AnswersOnRecord onRecord;
    private final DecisionIds ids;
    private final CentreQuestions centre;

    @Inject
    public DecisionsOnRecord(
            DecisionService decisions, AnswersOnRecord onRecord, DecisionIds ids, CentreQuestions centre) {
        this.decisions = decisions;
        this.onRecord = onRecord;
        this.ids = ids;
        this.centre = centre;
    }

    /** The answer, which is on record where the tenant wants that. */
    public Given decide(CheckQuery query) {
        onRecord.requireTimeToWait(query.tenant());
        Deadlines.requireListener();
        try {
            return decideHere(query);
        } catch (FactsElsewhereException theirs) {
            return centre.ask(query);
        }
    }

    /** What is to go on record a sidecar has nowhere to put, and it is asked at the centre. */
    private Given decideHere(CheckQuery query) {
        Answer answer = decisions.evaluate(query);
        Given given = onRecord.given(ids.next(), query, answer);
        onRecord.put(query.tenant(), List.of(given));
        return given;
    }
}

package dev.assize.server.endpoint.call;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Questions of a door that speaks another protocol, asked at the centre of the sidecar that this node is, which puts on
 * record what it answers.
 */
public final class CentreQuestions {

    /** What travels together: the centre takes 12 MiB unless its operator says otherwise. */
    private static final int PART_BYTES = 1024 * 1024;

    private static final Duration SOON = Duration.ofSeconds(1);

    /** For so long the questions of one request are asked: whoever asks over HTTP has no deadline, and holds a place. */
    public static final Duration LONGEST = Duration.ofSeconds(30);

    private final Elsewhere elsewhere;
    private final InstantSource clock;
    private final Ticker ticker;

    @Inject
    public CentreQuestions(Elsewhere elsewhere, InstantSource clock, Ticker ticker) {
        this.elsewhere = elsewhere;
        this.clock = clock;
        this.ticker = ticker;
    }

    /** The answer to one question. Blocks. */
    public Given ask(CheckQuery query) {
        CheckResponse response = CentreWords.of(() -> elsewhere.check(CheckMessages.request(query), query.tenant()));
        return given(query, response);
    }

    /**
     * The answers to questions of one tenant, in their order and all of them by one policy. Blocks.
     *
     * @param oneByOne whether each is asked for itself, so that those behind the last have no effect there
     * @param last behind which outcome nothing more is asked
     * @throws RefusedException where policy changed between two answers, or they are not all there after {@link #LONGEST}
     */
    public List<Outcome> askAll(TenantId tenant, List<CheckQuery> queries, boolean oneByOne, Predicate<Outcome> last) {
        List<Outcome> outcomes = new ArrayList<>(queries.size());
        Answer first = null;
        long begun = ticker.read();
        while (outcomes.size() < queries.size()) {
            Deadlines.requireListener();
            requireTimeLeft(begun, outcomes.size(), queries.size());
            for (Outcome outcome : part(tenant, queries.subList(outcomes.size(), queries.size()), oneByOne)) {
                if (outcome.given != null) {
                    first = first == null ? outcome.given.answer() : first;
                    requireSamePolicy(first, outcome.given.answer());
                }
                outcomes.add(outcome);
                if (last.test(outcome)) {
                    return outcomes;
                }
            }
        }
        return outcomes;
    }

    /** The outcomes of the first of the questions, of one at least. */
    private List<Outcome> part(TenantId tenant, List<CheckQuery> queries, boolean oneByOne) {
        CheckBatchRequest.Builder request = CheckBatchRequest.newBuilder().setTenant(tenant.value());
        int bytes = 0;
        for (CheckQuery query : queries) {
            CheckRequest item = CheckMessages.request(query);
            bytes += item.getSerializedSize();
            if (request.getItemsCount() > 0 && (oneByOne || bytes > PART_BYTES)) {
                break;
            }
            request.addItems(item);
        }
        List<CheckBatchResult> results = CentreWords.of(() -> elsewhere.checkBatch(request.build(), tenant))
                .getResultsList();
        if (results.size() != request.getItemsCount()) {
            throw new IllegalStateException(
                    "The centre has " + results.size() + " answers to " + request.getItemsCount() + " questions");
        }
        List<Outcome> outcomes = new ArrayList<>(results.size());
        for (int i = 0; i < results.size(); i++) {
            outcomes.add(outcome(queries.get(i), "items[" + i + "].", results.get(i)));
        }
        return outcomes;
    }

    private Outcome outcome(CheckQuery query, String prefix, CheckBatchResult result) {
        return result.hasResponse()
                ? new Outcome(given(query, result.getResponse()), null)
                : new Outcome(null, refused(prefix, result.getError()));
    }

    /** Whoever reads it has not asked by items. */
    private static RefusedException refused(String prefix, com.google.rpc.Status error) {
        return CentreWords.refused(error.toBuilder()
                .setMessage(error.getMessage().replace(prefix, ""))
                .build());
    }

    private void requireTimeLeft(long begun, int answered, int all) {
        if (ticker.read() - begun >= LONGEST.toNanos()) {
            throw RefusedException.retry(
                    ErrorReason.UPSTREAM_UNAVAILABLE,
                    "the centre has answered " + answered + " of " + all + " questions in " + LONGEST.toSeconds()
                            + " s: ask fewer at a time",
                    SOON);
        }
    }

    private static void requireSamePolicy(Answer one, Answer other) {
        if (!one.revision().equals(other.revision()) || !one.platformRevision().equals(other.platformRevision())) {
            throw RefusedException.retry(
                    ErrorReason.REVISION_NOT_REACHED,
                    "policy changed while the questions were answered; ask again",
                    SOON);
        }
    }

    private Given given(CheckQuery query, CheckResponse response) {
        return new Given(response.getDecisionId(), clock.instant(), query, CheckMessages.answer(response));
    }

    /**
     * What became of one question of many: one of the two.
     *
     * @param refused where it cannot be asked like that
     */
    public record Outcome(@Nullable Given given, @Nullable RefusedException refused) {

        /** What could not be asked is denied. */
        public boolean isAllowed() {
            return given != null && given.answer().reason().isAllow();
        }
    }
}

package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import com.google.protobuf.Message;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.upstream.Centre;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The centre of a sidecar, for questions that it must not answer by itself: about the past, about a policy newer than its
 * own, by history and approvals, and those whose answers go on record. Each is asked there whole, and answered by a policy
 * no older than the one here, or not at all. A node with a database has no centre.
 */
public final class Elsewhere {
    /*
     * Of the tenant's policy the centre waits for the revision. Of the platform's it is not asked to: an answer says which it
     * rests on, and is refused here where that is older. So each answer is asked for in full, and cut to what was wanted.
     */

    private static final Duration SOON = Duration.ofSeconds(1);

    private final @Nullable Centre centre;
    private final PolicyStates states;

    @Inject
    public Elsewhere(Optional<Centre> centre, PolicyStates states) {
        this.centre = centre.orElse(null);
        this.states = states;
    }

    /** Whether a question is for the centre by what it asks. */
    public boolean isFor(CheckRequest request, TenantId tenant) {
        return centre != null
                && (isAboutThePast(request)
                        || (request.getMinRevision() > 0 && request.getMinRevision() > revision(states.state(tenant))));
    }

    /** The same for any item of a batch. */
    public boolean isFor(CheckBatchRequest request, TenantId tenant) {
        return centre != null && request.getItemsList().stream().anyMatch(item -> isFor(item, tenant));
    }

    /**
     * That an answer need not go on record, or may from here.
     *
     * @throws FactsElsewhereException where it is the centre's to give
     */
    public void requireRecordedHere(DecisionLog log, boolean allowed) {
        if (centre != null && log.covers(allowed)) {
            throw new FactsElsewhereException();
        }
    }

    /** Whether this node has a centre; then no answer that goes on record is given here. */
    public boolean isThere() {
        return centre != null;
    }

    /** Blocks. */
    public CheckResponse check(CheckRequest request, TenantId tenant) {
        if (isAboutThePast(request)) {
            return required().check(request);
        }
        State own = states.state(tenant);
        return cut(
                noOlder(required().check(toAsk(request, own, request.getDetail())), own),
                request.getDetail() == Detail.DETAIL_MINIMAL);
    }

    /** Blocks. */
    public CheckBatchResponse checkBatch(CheckBatchRequest request, TenantId tenant) {
        State own = states.state(tenant);
        CheckBatchRequest.Builder asked = request.toBuilder().clearItems();
        request.getItemsList().forEach(item -> asked.addItems(toAsk(item, own, detail(request, item))));
        CheckBatchResponse answer = required().checkBatch(asked.build());
        CheckBatchResponse.Builder cut = CheckBatchResponse.newBuilder();
        for (int i = 0; i < answer.getResultsCount(); i++) {
            boolean minimal =
                    i < request.getItemsCount() && detail(request, request.getItems(i)) == Detail.DETAIL_MINIMAL;
            cut.addResults(cut(answer.getResults(i), own, minimal));
        }
        return cut.build();
    }

    /**
     * What is sent instead of a request, so that what is found there is by a policy of the tenant's no older than the one here.
     * Other requests than searches stay as they are, and so do those about the past, and all while nothing recent is known
     * here: the centre finds by its own.
     */
    public Message toSend(Message request, TenantId tenant) {
        return switch (request) {
            case SearchSubjectsRequest subjects ->
                subjects.toBuilder()
                        .setCheck(noOlder(subjects.getCheck(), tenant))
                        .build();
            case SearchResourcesRequest resources ->
                resources.toBuilder()
                        .setCheck(noOlder(resources.getCheck(), tenant))
                        .build();
            case SearchActionsRequest actions ->
                actions.toBuilder()
                        .setCheck(noOlder(actions.getCheck(), tenant))
                        .build();
            default -> request;
        };
    }

    private CheckRequest noOlder(CheckRequest check, TenantId tenant) {
        if (isAboutThePast(check)) {
            return check;
        }
        try {
            return toAsk(check, states.state(tenant), Detail.DETAIL_UNSPECIFIED);
        } catch (PolicyStaleException nothingRecent) {
            return check;
        }
    }

    private static Detail detail(CheckBatchRequest request, CheckRequest item) {
        return item.getDetailValue() == Detail.DETAIL_UNSPECIFIED_VALUE ? request.getDetail() : item.getDetail();
    }

    private static CheckBatchResult cut(CheckBatchResult result, @Nullable State own, boolean minimal) {
        return result.hasResponse()
                ? result.toBuilder()
                        .setResponse(cut(noOlder(result.getResponse(), own), minimal))
                        .build()
                : result;
    }

    private static CheckRequest toAsk(CheckRequest request, @Nullable State own, Detail wanted) {
        CheckRequest.Builder asked = request.toBuilder();
        if (wanted == Detail.DETAIL_MINIMAL) {
            asked.setDetail(Detail.DETAIL_FULL);
        }
        return isAboutThePast(request)
                ? asked.build()
                : asked.setMinRevision(Math.max(request.getMinRevision(), revision(own)))
                        .build();
    }

    /** An allow by a platform's policy that has been replaced here would be one of the past. */
    private static CheckResponse noOlder(CheckResponse answer, @Nullable State own) {
        if (own != null
                && !answer.getHistorical()
                && (answer.getRevision() < revision(own)
                        || answer.getPlatformRevision() < own.platformRevision().value())) {
            throw RefusedException.retry(
                    ErrorReason.REVISION_NOT_REACHED,
                    "the centre answers by revision " + answer.getRevision() + " and the platform's "
                            + answer.getPlatformRevision() + ", and this sidecar has seen " + own.revision() + " and "
                            + own.platformRevision(),
                    SOON);
        }
        return answer;
    }

    private static CheckResponse cut(CheckResponse answer, boolean minimal) {
        if (!minimal) {
            return answer;
        }
        CheckResponse.Builder cut = CheckResponse.newBuilder()
                .setDecisionValue(answer.getDecisionValue())
                .setReasonValue(answer.getReasonValue())
                .setHistorical(answer.getHistorical());
        return answer.hasExplanation()
                ? cut.setExplanation(answer.getExplanation()).build()
                : cut.build();
    }

    private static boolean isAboutThePast(CheckRequest request) {
        return request.getAtRevision() != 0 || request.hasAsOf();
    }

    private static long revision(@Nullable State state) {
        return state == null ? 0 : state.revision().value();
    }

    private Centre required() {
        if (centre == null) {
            throw new IllegalStateException("A node with a database answers everything itself");
        }
        return centre;
    }
}

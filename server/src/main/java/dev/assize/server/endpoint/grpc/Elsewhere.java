package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.upstream.Centre;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The centre of a sidecar, for questions that it must not answer by itself: about the past, about a policy newer than its
 * own, by history and approvals, and those whose answers go on record. Each is asked there whole, of a tenant's policy no
 * older than the one here. A node with a database has no centre.
 */
final class Elsewhere {

    private final @Nullable Centre centre;
    private final PolicyStates states;

    @Inject
    Elsewhere(Optional<Centre> centre, PolicyStates states) {
        this.centre = centre.orElse(null);
        this.states = states;
    }

    /** Whether a question is for the centre by what it asks. */
    boolean isFor(CheckRequest request, TenantId tenant) {
        return centre != null
                && (isAboutThePast(request)
                        || (request.getMinRevision() > 0 && request.getMinRevision() > revision(tenant)));
    }

    /** The same for any item of a batch. */
    boolean isFor(CheckBatchRequest request, TenantId tenant) {
        return centre != null && request.getItemsList().stream().anyMatch(item -> isFor(item, tenant));
    }

    /**
     * That an answer need not go on record, or may from here.
     *
     * @throws FactsElsewhereException where it is the centre's to give
     */
    void requireRecordedHere(DecisionLog log, boolean allowed) {
        if (centre != null && log.covers(allowed)) {
            throw new FactsElsewhereException();
        }
    }

    /** Whether this node has a centre; then no answer that goes on record is given here. */
    boolean isThere() {
        return centre != null;
    }

    /** Blocks. */
    CheckResponse check(CheckRequest request, TenantId tenant) {
        return required().check(noOlder(request, tenant));
    }

    /** Blocks. */
    CheckBatchResponse checkBatch(CheckBatchRequest request, TenantId tenant) {
        CheckBatchRequest.Builder noOlder = request.toBuilder().clearItems();
        request.getItemsList().forEach(item -> noOlder.addItems(noOlder(item, tenant)));
        return required().checkBatch(noOlder.build());
    }

    private CheckRequest noOlder(CheckRequest request, TenantId tenant) {
        return isAboutThePast(request)
                ? request
                : request.toBuilder()
                        .setMinRevision(Math.max(request.getMinRevision(), revision(tenant)))
                        .build();
    }

    private static boolean isAboutThePast(CheckRequest request) {
        return request.getAtRevision() != 0 || request.hasAsOf();
    }

    private long revision(TenantId tenant) {
        State state = states.state(tenant);
        return state == null ? 0 : state.revision().value();
    }

    private Centre required() {
        if (centre == null) {
            throw new IllegalStateException("A node with a database answers everything itself");
        }
        return centre;
    }
}

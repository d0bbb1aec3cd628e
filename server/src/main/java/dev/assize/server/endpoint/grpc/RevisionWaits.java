package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;

/** Holds a question back until this node has seen the revision it asks for, within its deadline. */
final class RevisionWaits {

    /** How long a request waits where its deadline allows more, or where it has none. */
    static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private final DecisionService decisions;

    @Inject
    RevisionWaits(DecisionService decisions) {
        this.decisions = decisions;
    }

    /**
     * @param prefix of field names, for example `items[3].`
     * @param revision `min_revision`; 0 for any
     */
    void await(String prefix, TenantId tenant, long revision) {
        if (revision == 0) {
            return;
        }
        switch (decisions.awaitRevision(tenant, new Revision(revision), Deadlines.left(LONGEST_WAIT))) {
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
}

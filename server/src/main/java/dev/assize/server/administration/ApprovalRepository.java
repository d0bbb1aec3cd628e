package dev.assize.server.administration;

import dev.assize.server.administration.FiledApproval.Change;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where requests for approval are kept. Blocks; every transition commits together with its ledger entry. */
public interface ApprovalRepository {

    /** Keeps a new request, unless its key was used before or as many as {@code openLimit} are open already. */
    FilingResult file(Filing filing, int openLimit);

    /** What was filed under an idempotency key; empty where none was. */
    Optional<Keyed> findByKey(TenantId tenant, Recorder caller, String idempotencyKey);

    Optional<FiledApproval> find(TenantId tenant, String id);

    /**
     * Runs a step on a request that nobody else can change meanwhile, and commits what it decides.
     *
     * @return what the step answered; empty where there is no such request, and then it was not run
     */
    <R> Optional<R> change(TenantId tenant, String id, Recorder caller, Function<FiledApproval, Step<R>> step);

    /** Newest first. */
    List<FiledApproval> list(TenantId tenant, Filter filter);

    /**
     * A new request.
     *
     * @param contentHash of what the caller sent, to tell a retry from another request under the same key
     * @param openUntil when it has waited long enough
     */
    record Filing(
            FiledApproval approval,
            Recorder caller,
            @Nullable String idempotencyKey,
            Digest contentHash,
            Instant openUntil,
            AuditEvent event) {}

    /** A request, and what its caller sent for it. */
    record Keyed(FiledApproval approval, Digest contentHash) {}

    /** How keeping a request ended. */
    sealed interface FilingResult {

        record Filed() implements FilingResult {}

        /** The key was used before with the same content: the first answer, as it is by now. */
        record Replayed(FiledApproval approval) implements FilingResult {}

        /** The key was used before with other content. */
        record KeyReused() implements FilingResult {}

        record Full() implements FilingResult {}
    }

    /**
     * What a step decides.
     *
     * @param write null where nothing changes
     */
    record Step<R>(R answer, @Nullable Write write) {}

    /**
     * A transition to write.
     *
     * @param openUntil until when it is open after it; null where it is over
     */
    record Write(Change change, @Nullable Instant openUntil, AuditEvent event) {}

    /**
     * Which requests to list.
     *
     * @param ended only those that ended so
     * @param subject null for all
     * @param envs empty for all
     * @param before behind this position; null from the newest on
     */
    record Filter(
            Ended ended,
            @Nullable Subject subject,
            Set<Environment> envs,
            @Nullable Position before,
            int limit) {
        public Filter {
            envs = Set.copyOf(envs);
        }
    }

    /** How a request ended, as far as that is recorded; whether one has run out is computed. */
    enum Ended {
        ANY,
        NOT,
        /** Not, or found expired. */
        NOT_OR_EXPIRED,
        REJECTED,
        CANCELLED,
        USED
    }

    /** A place in the list. */
    record Position(Instant requestedAt, String id) {}
}

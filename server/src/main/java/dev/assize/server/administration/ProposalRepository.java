package dev.assize.server.administration;

import dev.assize.server.administration.FiledProposal.Acceptance;
import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.FiledProposal.End;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where proposals are kept. Blocks; every transition commits together with its ledger entry. */
public interface ProposalRepository {

    /** Keeps a new proposal, unless its key was used before or as many as {@code openLimit} wait already. */
    FilingResult file(Filing filing, int openLimit);

    /** What was filed under an idempotency key; empty where nothing was. */
    Optional<Keyed> findByKey(PolicyScope scope, Recorder caller, String idempotencyKey);

    Optional<FiledProposal> find(PolicyScope scope, String id);

    /** What it puts and deletes, in the order in which that was proposed; empty where there is no such proposal. */
    Content content(PolicyScope scope, String id);

    /** Newest first. */
    List<FiledProposal> list(PolicyScope scope, Filter filter);

    /**
     * Runs a step on a proposal and the policy, and commits what it decides, changes of policy included, if neither is
     * another one by then; where one is, the step is run anew, in the end while nobody else can change anything.
     *
     * @return what the step answered; empty where there is no such proposal, and then it was not run
     */
    <R> Optional<R> change(PolicyScope scope, String id, Step<R> step);

    /**
     * Runs a step that says something on a proposal that nobody else can change meanwhile, and commits what it decides;
     * changes of policy do not wait for that.
     *
     * @return what the step answered; empty where there is no such proposal, and then it was not run
     */
    <R> Optional<R> say(PolicyScope scope, String id, Function<FiledProposal, Saying<R>> step);

    /** What is done to a proposal; run again where something else was done to it meanwhile. */
    interface Step<R> {
        Outcome<R> on(FiledProposal proposal, Present policy);
    }

    /** Documents to write and to delete. */
    record Content(List<Document> puts, List<DocumentKey> deletes) {
        public Content {
            puts = List.copyOf(puts);
            deletes = List.copyOf(deletes);
        }
    }

    /**
     * A new proposal.
     *
     * @param request what the caller sent, to tell a retry from another proposal under the same key
     */
    record Filing(
            FiledProposal proposal,
            Content content,
            @Nullable String idempotencyKey,
            Digest request,
            AuditEvent event) {}

    /** A proposal as it is by now, and what its caller sent for it. */
    record Keyed(FiledProposal proposal, Digest request) {}

    /** How keeping a proposal ended. */
    sealed interface FilingResult {

        record Filed() implements FilingResult {}

        /** The key was used before. */
        record Replayed(Keyed first) implements FilingResult {}

        record Full() implements FilingResult {}
    }

    /**
     * What a step decides.
     *
     * @param write null where nothing changes
     */
    record Outcome<R>(R answer, @Nullable Write write) {}

    /**
     * What a step that says something decides.
     *
     * @param comment null where nothing is said
     */
    record Saying<R>(R answer, @Nullable Said comment) {}

    /** A comment to keep, and its ledger entry. */
    record Said(Comment comment, AuditEvent entry) {}

    /**
     * A transition to write.
     *
     * @param base what it was judged against
     * @param acceptance null where nobody accepts
     * @param end null where it goes on waiting
     * @param plans of what is applied with it
     * @param entries behind those of the plans, in the scope's ledger
     */
    record Write(
            Recorder caller,
            Base base,
            @Nullable Acceptance acceptance,
            @Nullable End end,
            List<ScopePlan> plans,
            List<AuditEvent> entries) {}

    /**
     * Which proposals to list.
     *
     * @param state as of {@code now}; null for all
     * @param before behind the proposal of this id; null from the newest on
     */
    record Filter(
            @Nullable State state, Instant now, @Nullable String before, int limit) {}
}

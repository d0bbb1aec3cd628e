package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.TenantAudit;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The front desk of the PDP: answers from the compiled graph of the tenant, loading it where it is not held. Every
 * question may throw, and whoever meets an exception denies: {@link PolicyStaleException} and
 * {@link PolicyUnavailableException} for broken surroundings, {@link EvaluationFailedException} for a bug, {@link
 * RevisionNeverCommittedException} and {@link dev.assize.server.model.MalformedException} for a mistake of the caller's.
 */
public interface DecisionService {

    /** Decides one request, as of now. */
    default Answer evaluate(CheckQuery query) {
        return evaluate(query, PointInTime.NOW);
    }

    /** Decides one request. */
    Answer evaluate(CheckQuery query, PointInTime at);

    /** Decides a request of the server's own, such as whether a caller may call; not counted among the checks. */
    Answer evaluateOwn(CheckQuery query);

    /**
     * Which decisions of a tenant go on record, by a policy no older than the one that any answer given before rests on: to
     * be asked behind the answer, so that none is missed that was made after a change which wants it.
     */
    DecisionLog decisionLog(TenantId tenant);

    /** Whether there is such a tenant. */
    boolean isTenant(TenantId tenant);

    /** What the tenant's policy says of its ledger; where there is no such tenant, nothing. */
    TenantAudit audit(TenantId tenant);

    /**
     * The actions of which a separation of duty asks the tenant's ledger who performed them: by the policy that this node
     * holds, fresh or not, or loads. Empty where it can load none.
     */
    Optional<Set<String>> historyActions(TenantId tenant);

    /** Decides requests of one tenant against one revision, in their order. */
    List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries);

    /**
     * Decides one request, as of now, where that takes nothing but what this node holds: it waits for nothing, reads
     * nothing from outside and writes no log, so that it may be called on a thread that serves others.
     *
     * @return null where the request is to be asked by {@link #evaluate(CheckQuery)}: the tenant's policy is not held, or
     *     is not known to be fresh, or history or approvals have a say
     */
    @Nullable
    ReadyAnswer evaluateIfReady(CheckQuery query);

    /**
     * Decides requests of one tenant against one revision, in their order, where {@link #evaluateIfReady} could decide
     * each; null where it could not decide one of them.
     */
    @Nullable
    ReadyAnswers evaluateAllIfReady(TenantId tenant, List<CheckQuery> queries);

    /** A place where one thread has questions decided by the bytes of their names, without waiting. */
    Desk desk();

    /**
     * An answer that took no waiting.
     *
     * @param decisionLog which decisions of the tenant go on record, by the policy that the answer rests on
     */
    record ReadyAnswer(Answer answer, DecisionLog decisionLog) {}

    /**
     * Answers that took no waiting.
     *
     * @param decisionLog which decisions of the tenant go on record, by the policy that the answers rest on
     */
    record ReadyAnswers(List<Answer> answers, DecisionLog decisionLog) {
        public ReadyAnswers {
            answers = List.copyOf(answers);
        }
    }

    /** Decides, and tells how. */
    Explanation explain(CheckQuery query, PointInTime at);

    /** Waits until this node answers from the tenant's policy at the revision or a later one. */
    RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout);

    /** Brings what is held of a scope up to date, after a change made through this node: the next question sees it. */
    void refresh(PolicyScope scope);

    /** How waiting for a revision ended. */
    enum RevisionWait {
        REACHED,
        /** The revision was never committed. */
        NEVER_COMMITTED,
        /** This node has not seen it in time. */
        TIMED_OUT
    }
}

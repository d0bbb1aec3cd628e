package dev.assize.server.endpoint.call;

import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.administration.PolicyDriftException;
import dev.assize.server.anchor.NoSuchTreeException;
import dev.assize.server.anchor.OutsideCorruptException;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.anchor.PrunedException;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.NotOnRecordException;
import dev.assize.server.decision.PastBusyException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyUnavailableException;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.endpoint.call.RefusedException.Violation;
import dev.assize.server.ledger.DraftRefusedException;
import dev.assize.server.ledger.LedgerBusyException;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ReplicaUnavailableException;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.upstream.CentreUnavailableException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** The one place where what went wrong becomes a refusal. */
public final class Refusals {

    private static final Duration SOON = Duration.ofSeconds(1);

    private Refusals() {}

    /** What its caller is told of a failure; empty where that is a bug of ours, of which it is told nothing. */
    public static Optional<RefusedException> of(Throwable failure) {
        return switch (failure) {
            case RefusedException refused -> Optional.of(refused);
            case MalformedException malformed -> Optional.of(malformed("", malformed));
            case RevisionNeverCommittedException never -> Optional.of(neverCommitted("", never));
            case PolicyStaleException stale ->
                Optional.of(RefusedException.retry(
                        ErrorReason.POLICY_STALE, "this node cannot confirm that its policy is fresh", SOON));
            case PastBusyException busy ->
                Optional.of(RefusedException.retry(ErrorReason.PAST_BUSY, String.valueOf(busy.getMessage()), SOON));
            case PolicyBusyException busy ->
                Optional.of(RefusedException.retry(ErrorReason.POLICY_BUSY, String.valueOf(busy.getMessage()), SOON));
            case PolicyUnavailableException loading
            when loading.isUnderWay() ->
                Optional.of(RefusedException.retry(
                        ErrorReason.POLICY_LOADING,
                        "policy is not held by this node and takes longer to read than a question waits"
                                + " (`decision.loadTimeout`): ask again",
                        SOON));
            case PolicyUnavailableException unavailable -> storeUnavailable();
            case StoreUnavailableException unavailable -> storeUnavailable();
            case ReplicaUnavailableException behind ->
                Optional.of(RefusedException.retry(
                        ErrorReason.REPLICA_UNAVAILABLE, String.valueOf(behind.getMessage()), SOON));
            case RecorderBusyException busy ->
                Optional.of(RefusedException.retry(
                        ErrorReason.DECISION_LOG_BUSY, String.valueOf(busy.getMessage()), busy.retryAfter()));
            case NotOnRecordException unrecorded ->
                Optional.of(RefusedException.retry(
                        ErrorReason.DECISION_NOT_RECORDED, String.valueOf(unrecorded.getMessage()), SOON));
            case LedgerBusyException busy ->
                Optional.of(RefusedException.retry(
                        ErrorReason.LEDGER_BUSY, String.valueOf(busy.getMessage()), busy.retryAfter()));
            case LedgerUnavailableException unavailable ->
                Optional.of(RefusedException.retry(
                        ErrorReason.LEDGER_UNAVAILABLE,
                        "the ledger could not be written, or it is unknown whether it was: send the same again under"
                                + " the same idempotency key to find out",
                        SOON));
            case LedgerUnanchoredException unanchored ->
                Optional.of(RefusedException.retry(
                        ErrorReason.LEDGER_UNANCHORED, String.valueOf(unanchored.getMessage()), SOON));
            case LedgerHaltedException halted ->
                Optional.of(RefusedException.precondition(
                        ErrorReason.LEDGER_HALTED, "ledger", String.valueOf(halted.getMessage())));
            case OutsideUnavailableException unreachable ->
                Optional.of(RefusedException.retry(
                        ErrorReason.LEDGER_UNANCHORED,
                        "the copy of the ledgers' heads outside of the database cannot be reached",
                        SOON));
            case OutsideCorruptException corrupt ->
                Optional.of(RefusedException.retry(
                        ErrorReason.LEDGER_UNANCHORED, String.valueOf(corrupt.getMessage()), SOON));
            case PrunedException pruned ->
                Optional.of(RefusedException.of(
                        ErrorReason.ENTRY_PRUNED,
                        String.valueOf(pruned.getMessage()),
                        Map.of("seq", Long.toString(pruned.seq()), "object", pruned.object())));
            case ArchiveUnavailableException unreachable ->
                Optional.of(RefusedException.retry(
                        ErrorReason.ARCHIVE_UNAVAILABLE, "nothing is pruned: " + unreachable.getMessage(), SOON));
            case PolicyDriftException drifted ->
                Optional.of(RefusedException.of(
                        ErrorReason.POLICY_DRIFTED, "nothing is pruned: " + drifted.getMessage(), Map.of()));
            case NoSuchTreeException none ->
                Optional.of(RefusedException.of(
                        ErrorReason.LEDGER_NOT_SIGNED, String.valueOf(none.getMessage()), Map.of()));
            case MalformedFrameException altered ->
                Optional.of(RefusedException.of(
                        ErrorReason.LEDGER_UNREADABLE,
                        "a stored entry cannot be read, for somebody altered it: VerifyChain names it",
                        Map.of()));
            case DraftRefusedException refused ->
                Optional.of(RefusedException.violated(
                        ErrorReason.REQUEST_INVALID,
                        "events: " + refused.getMessage(),
                        List.of(new Violation("events", String.valueOf(refused.getMessage())))));
            case CentreUnavailableException unreachable ->
                Optional.of(RefusedException.retry(
                        ErrorReason.UPSTREAM_UNAVAILABLE, String.valueOf(unreachable.getMessage()), SOON));
            case FactsElsewhereException theirs ->
                Optional.of(RefusedException.retry(
                        ErrorReason.UPSTREAM_UNAVAILABLE, String.valueOf(theirs.getMessage()), SOON));
            case CompletionException wrapper when wrapper.getCause() != null -> of(wrapper.getCause());
            case ExecutionException wrapper when wrapper.getCause() != null -> of(wrapper.getCause());
            default -> Optional.empty();
        };
    }

    /** What only the decision finds malformed, such as an attribute that is not of its declared type. */
    public static RefusedException malformed(String prefix, MalformedException malformed) {
        String field = malformed.field();
        return RefusedException.invalid(prefix + (field == null ? "request" : field), malformed);
    }

    public static RefusedException neverCommitted(String prefix, RevisionNeverCommittedException never) {
        return RefusedException.violated(
                ErrorReason.REVISION_NEVER_COMMITTED,
                prefix + "at_revision",
                never.revision().toString(),
                "a revision that was committed in the tenant");
    }

    private static Optional<RefusedException> storeUnavailable() {
        return Optional.of(RefusedException.retry(
                ErrorReason.STORE_UNAVAILABLE, "the database cannot be reached from this node", SOON));
    }

    /** A bug of ours: the caller learns a number to quote, the log the rest. */
    public static RefusedException internal(String incident) {
        return RefusedException.of(
                ErrorReason.INTERNAL_ERROR,
                "an error of this server; its log knows incident " + incident,
                Map.of("incident", incident));
    }
}

package dev.assize.client;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The answer to a {@link Question}: an allow, or a deny that says why. Errors are denies too.
 *
 * @param allowed whether to go ahead, after carrying out the obligations
 * @param decision what the server said; never a reason to go ahead by itself
 * @param reason the server's reason, as {@code ALLOWED} or {@code NO_GRANT}; empty where it gave none
 * @param failure why an allow was not taken, or no answer was had; empty on an allow that was, and on a plain deny
 * @param message one sentence for a log: what denied, or who allowed
 * @param decisionId to be handed on in the audit event of what is then done; empty where the server gave none
 * @param binding the binding that decided, empty where none did
 * @param role the role that decided, empty where none did
 * @param revision of the tenant's policy that the answer rests on
 * @param platformRevision of the platform's policy that the answer rests on
 * @param obligations duties on an allow, advice on a deny
 * @param delegatorReason why the one on whose behalf the question was asked is denied; empty otherwise
 * @param approvalId the single-use approval that an allow rests on; empty otherwise
 * @param historical whether the answer is about the past; it never allows
 * @param validUntil until when the answer stays the same if policy does not change; empty where the server gave none
 * @param cached whether it was given before, and no call was made for it
 * @param error what the server or the network said, where there was no answer
 */
public record CheckResult(
        boolean allowed,
        Decision decision,
        String reason,
        Optional<Failure> failure,
        String message,
        String decisionId,
        String binding,
        String role,
        long revision,
        long platformRevision,
        List<Obligation> obligations,
        String delegatorReason,
        String approvalId,
        boolean historical,
        Optional<Instant> validUntil,
        boolean cached,
        Optional<AssizeException> error) {

    /** What the server said. */
    public enum Decision {
        ALLOW,
        DENY,
        /** It answered, and neither allowed nor denied, or in a way this client does not know. */
        UNSPECIFIED,
        /** There was no answer. */
        NONE
    }

    public CheckResult {
        obligations = List.copyOf(obligations);
        if (allowed && (decision != Decision.ALLOW || failure.isPresent() || historical)) {
            throw new IllegalArgumentException("allowed, and yet " + decision + " " + failure);
        }
    }

    /** The opposite of {@link #allowed()}, for guards that read better that way. */
    public boolean denied() {
        return !allowed;
    }

    /**
     * This result where the server decided; for callers to whom a missing answer is an exception.
     *
     * @throws AssizeException where there was no answer
     */
    public CheckResult orThrow() {
        if (error.isPresent()) {
            throw error.get();
        }
        return this;
    }

    CheckResult fromCache() {
        return new CheckResult(
                allowed,
                decision,
                reason,
                failure,
                message,
                decisionId,
                binding,
                role,
                revision,
                platformRevision,
                obligations,
                delegatorReason,
                approvalId,
                historical,
                validUntil,
                true,
                error);
    }

    static CheckResult failed(AssizeException error) {
        return new CheckResult(
                false,
                Decision.NONE,
                "",
                Optional.of(error.failure()),
                "Denied, because there was no answer: " + error.getMessage(),
                "",
                "",
                "",
                0,
                0,
                List.of(),
                "",
                "",
                false,
                Optional.empty(),
                false,
                Optional.of(error));
    }
}

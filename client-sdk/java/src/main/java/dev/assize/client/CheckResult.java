package dev.assize.client;

import java.util.List;
import java.util.Optional;

/**
 * The answer to a {@link Question}: an allow, or a deny that says why. Errors are denies too.
 *
 * @param allowed whether to go ahead, after carrying out the obligations
 * @param reason the server's reason, as {@code ALLOWED} or {@code NO_GRANT}; for a deny that the client made itself
 *     one of {@link #ERROR}, {@link #UNSPECIFIED}, {@link #UNKNOWN_OBLIGATION}, {@link #HISTORICAL}
 * @param message one sentence for a log: what denied, or who allowed
 * @param decisionId to be handed on in the audit event of what is then done; empty where the server gave none
 * @param binding the binding that decided, empty where none did
 * @param role the role that decided, empty where none did
 * @param revision of the tenant's policy that the answer rests on
 * @param obligations duties on an allow, advice on a deny
 * @param delegatorReason why the one on whose behalf the question was asked is denied; empty otherwise
 * @param approvalId the single-use approval that an allow rests on; empty otherwise
 * @param historical whether the answer is about the past; it never allows
 * @param error what went wrong, where the reason is {@link #ERROR}
 */
public record CheckResult(
        boolean allowed,
        String reason,
        String message,
        String decisionId,
        String binding,
        String role,
        long revision,
        List<Obligation> obligations,
        String delegatorReason,
        String approvalId,
        boolean historical,
        Optional<AssizeException> error) {

    /** No answer could be had: network, deadline, credentials, a malformed request. */
    public static final String ERROR = "ERROR";

    /** The server's decision is neither an allow nor a deny. */
    public static final String UNSPECIFIED = "UNSPECIFIED";

    /** The server allows under a duty of a type that the caller has not declared to know. */
    public static final String UNKNOWN_OBLIGATION = "UNKNOWN_OBLIGATION";

    /** It was allowed then; nobody may act on an answer about the past. */
    public static final String HISTORICAL = "HISTORICAL";

    public CheckResult {
        obligations = List.copyOf(obligations);
    }

    /** The opposite of {@link #allowed()}, for guards that read better that way. */
    public boolean denied() {
        return !allowed;
    }

    static CheckResult failed(AssizeException error) {
        return new CheckResult(
                false,
                ERROR,
                "Denied, because there was no answer: " + error.getMessage(),
                "",
                "",
                "",
                0,
                List.of(),
                "",
                "",
                false,
                Optional.of(error));
    }
}

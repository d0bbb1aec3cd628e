package dev.assize.client;

import java.util.Optional;

/**
 * The answer to a check whose action was recorded with it.
 *
 * @param check the answer; what goes wrong is a deny, after which the record may or may not have been made
 * @param entry where it was recorded. Present on every allow, and also where the client denies what the server allowed,
 *     for example under a duty that the caller does not know
 * @param replayed whether an earlier try with the same key had recorded it already
 * @param idempotencyKey with which to ask again where the outcome is unknown
 */
public record ExecutionResult(
        CheckResult check, Optional<AppendReceipt.Entry> entry, boolean replayed, String idempotencyKey) {

    /** Whether to go ahead. */
    public boolean allowed() {
        return check.allowed() && entry.isPresent();
    }
}

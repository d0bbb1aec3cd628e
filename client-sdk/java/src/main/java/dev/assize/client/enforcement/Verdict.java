package dev.assize.client.enforcement;

import dev.assize.client.CheckResult;
import dev.assize.client.Failure;
import java.util.Optional;

/**
 * What became of a question at a door.
 *
 * @param allowed whether to go ahead: it is allowed, and every obligation has been carried out
 * @param result the answer to the question; empty where nothing was asked
 * @param message one sentence for a log; not for whoever is denied
 */
public record Verdict(boolean allowed, Optional<CheckResult> result, String message) {

    public Verdict {
        if (allowed && result.filter(CheckResult::allowed).isEmpty()) {
            throw new IllegalArgumentException("allowed without an allow");
        }
    }

    /** Whether it is denied only because no answer could be had now; whoever is denied may come again. */
    public boolean mayComeAgain() {
        return !allowed
                && result.flatMap(CheckResult::failure)
                        .filter(it -> it == Failure.UNAVAILABLE
                                || it == Failure.DEADLINE_EXCEEDED
                                || it == Failure.RESOURCE_EXHAUSTED
                                || it == Failure.CANCELLED)
                        .isPresent();
    }

    static Verdict denied(String message) {
        return new Verdict(false, Optional.empty(), message);
    }
}

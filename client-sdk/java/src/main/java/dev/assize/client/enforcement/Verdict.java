package dev.assize.client.enforcement;

import dev.assize.client.CheckResult;
import java.util.Optional;

/**
 * What became of a question at a door.
 *
 * @param refusal why not to go ahead; empty where it is allowed, and every obligation has been carried out
 * @param result the answer to the question; empty where nothing was asked
 * @param message one sentence for a log; not for whoever is denied
 */
public record Verdict(Optional<Refusal> refusal, Optional<CheckResult> result, String message) {

    public Verdict {
        if (refusal.isEmpty() && result.filter(CheckResult::allowed).isEmpty()) {
            throw new IllegalArgumentException("allowed without an allow");
        }
    }

    /** Whether to go ahead. */
    public boolean allowed() {
        return refusal.isEmpty();
    }

    /** Whether it is denied only because no answer could be had now; whoever is denied may come again. */
    public boolean mayComeAgain() {
        return refusal.equals(Optional.of(Refusal.UNAVAILABLE));
    }

    /** The decision by which it was decided, under which it can be found; empty where there is none. */
    public String decisionId() {
        return result.map(CheckResult::decisionId).orElse("");
    }

    static Verdict allowed(CheckResult result) {
        return new Verdict(Optional.empty(), Optional.of(result), result.message());
    }

    static Verdict refused(Refusal refusal, CheckResult result, String message) {
        return new Verdict(Optional.of(refusal), Optional.of(result), message);
    }

    /** Of what nobody was asked about. */
    static Verdict refused(Refusal refusal, String message) {
        return new Verdict(Optional.of(refusal), Optional.empty(), message);
    }
}

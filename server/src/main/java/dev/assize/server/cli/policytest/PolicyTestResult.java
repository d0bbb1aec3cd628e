package dev.assize.server.cli.policytest;

import dev.assize.server.policy.Problem;
import java.util.List;

/**
 * How the tests of a policy went.
 *
 * @param passed checks that were answered as expected
 * @param failed checks that were not
 * @param coverage of the policy's rules by the checks
 * @param problems what kept the tests from being run; then nothing was
 */
public record PolicyTestResult(int passed, int failed, Coverage coverage, List<Problem> problems) {

    /**
     * How many rules some check met.
     *
     * @param unmet the others, each with its place
     */
    public record Coverage(int rules, int met, int percent, List<String> unmet) {

        static final Coverage NONE = new Coverage(0, 0, 0, List.of());

        public Coverage {
            unmet = List.copyOf(unmet);
        }
    }

    /** Whether all there was to check passed, and there was something. */
    public boolean isSuccess() {
        return problems.isEmpty() && failed == 0 && passed > 0;
    }
}

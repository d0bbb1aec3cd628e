package dev.assize.server.cli.policytest;

import dev.assize.server.policy.Problem;
import java.util.List;

/**
 * How the tests of a policy went.
 *
 * @param passed checks that were answered as expected
 * @param failed checks that were not
 * @param problems what kept the tests from being run; then nothing was
 */
public record PolicyTestResult(int passed, int failed, List<Problem> problems) {

    /** Whether all there was to check passed, and there was something. */
    public boolean isSuccess() {
        return problems.isEmpty() && failed == 0 && passed > 0;
    }
}

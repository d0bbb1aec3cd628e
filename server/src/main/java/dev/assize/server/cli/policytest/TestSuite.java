package dev.assize.server.cli.policytest;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.policy.SourcePlace;
import java.time.Instant;
import java.util.List;

/** Checks about one tenant, in the order in which they were written. */
record TestSuite(String name, List<TestCheck> checks) {

    /**
     * One question and the answer it must have.
     *
     * @param place of the expectation
     * @param title of the case it belongs to
     */
    record TestCheck(SourcePlace place, String title, CheckQuery query, Instant now, Expectation expected) {}
}

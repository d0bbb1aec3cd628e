/** Runs a policy's own tests: suites of checks with a frozen clock, against the policy files beside them. */
@NullMarked
package dev.assize.server.cli.policytest;

import org.jspecify.annotations.NullMarked;

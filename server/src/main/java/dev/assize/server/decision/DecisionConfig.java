package dev.assize.server.decision;

import java.time.Duration;

/**
 * The bounds of the PDP.
 *
 * @param cacheBytes heap for compiled policies, estimated; beyond it the least used are dropped and loaded again
 * @param freshnessBound over how long without confirmation a policy is not answered from
 * @param pollInterval how often the revisions of what is held are asked for; several times within the bound
 * @param loadTimeout how long a question waits for a policy that is not held
 * @param concurrentLoads policies read and compiled at a time
 * @param unknownTenants tenants remembered not to exist
 * @param unknownTenantTtl for how long; within the freshness bound
 * @param pastBytes heap for compiled policies of the past, estimated, beside {@code cacheBytes}
 * @param pastGraphs how many of them at most
 * @param concurrentPastLoads policies of the past read and compiled at a time
 */
public record DecisionConfig(
        long cacheBytes,
        Duration freshnessBound,
        Duration pollInterval,
        Duration loadTimeout,
        int concurrentLoads,
        int unknownTenants,
        Duration unknownTenantTtl,
        long pastBytes,
        int pastGraphs,
        int concurrentPastLoads) {

    public static final Duration LEAST_FRESHNESS_BOUND = Duration.ofSeconds(2);

    public DecisionConfig {
        require(cacheBytes > 0, "decision.cacheBytes", cacheBytes, "more than 0");
        require(
                freshnessBound.compareTo(LEAST_FRESHNESS_BOUND) >= 0,
                "decision.freshnessBound",
                freshnessBound,
                LEAST_FRESHNESS_BOUND + " or more");
        require(
                pollInterval.isPositive() && pollInterval.multipliedBy(2).compareTo(freshnessBound) <= 0,
                "decision.pollInterval",
                pollInterval,
                "more than 0, at most half of the freshness bound");
        require(loadTimeout.isPositive(), "decision.loadTimeout", loadTimeout, "more than 0");
        require(concurrentLoads > 0, "decision.concurrentLoads", concurrentLoads, "more than 0");
        require(unknownTenants >= 0, "decision.unknownTenants", unknownTenants, "0 or more");
        require(
                !unknownTenantTtl.isNegative() && unknownTenantTtl.compareTo(freshnessBound) <= 0,
                "decision.unknownTenantTtl",
                unknownTenantTtl,
                "0 to the freshness bound");
        require(pastBytes > 0, "decision.pastBytes", pastBytes, "more than 0");
        require(pastGraphs > 0, "decision.pastGraphs", pastGraphs, "more than 0");
        require(concurrentPastLoads > 0, "decision.concurrentPastLoads", concurrentPastLoads, "more than 0");
    }

    public static DecisionConfig defaults() {
        return new DecisionConfig(
                256L << 20,
                Duration.ofSeconds(60),
                Duration.ofMillis(500),
                Duration.ofSeconds(5),
                8,
                10_000,
                Duration.ofSeconds(1),
                64L << 20,
                32,
                2);
    }

    private static void require(boolean holds, String key, Object value, String expected) {
        if (!holds) {
            throw new IllegalArgumentException(key + " is `" + value + "`: expected " + expected);
        }
    }
}

package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Each bound, at its edge: what would not hold is refused by its key, and the last value that holds is taken. */
class DecisionConfigTest {

    private static final Duration TICK = Duration.ofNanos(1);

    @Test
    void refusesToHoldNothing() {
        refused("decision.cacheBytes", bounds -> bounds.cacheBytes = 0);
        taken(bounds -> bounds.cacheBytes = 1);
        refused("decision.pastBytes", bounds -> bounds.pastBytes = 0);
        taken(bounds -> bounds.pastBytes = 1);
        refused("decision.pastGraphs", bounds -> bounds.pastGraphs = 0);
        taken(bounds -> bounds.pastGraphs = 1);
    }

    @Test
    void refusesToReadNothing() {
        refused("decision.concurrentLoads", bounds -> bounds.concurrentLoads = 0);
        taken(bounds -> bounds.concurrentLoads = 1);
        refused("decision.concurrentPastLoads", bounds -> bounds.concurrentPastLoads = 0);
        taken(bounds -> bounds.concurrentPastLoads = 1);
        refused("decision.loadTimeout", bounds -> bounds.loadTimeout = Duration.ZERO);
        taken(bounds -> bounds.loadTimeout = TICK);
    }

    @Test
    void refusesABoundOfFreshnessBelowTwoSeconds() {
        refused(
                "decision.freshnessBound",
                bounds -> bounds.freshness = Duration.ofSeconds(2).minus(TICK));
        taken(bounds -> bounds.freshness = Duration.ofSeconds(2));
    }

    @Test
    void refusesToPollLessThanTwiceWithinTheBound() {
        refused(
                "decision.pollInterval",
                bounds -> bounds.poll = Duration.ofSeconds(30).plus(TICK));
        taken(bounds -> bounds.poll = Duration.ofSeconds(30));
        refused("decision.pollInterval", bounds -> bounds.poll = Duration.ZERO);
        taken(bounds -> bounds.poll = TICK);
    }

    @Test
    void refusesToRememberForLongerThanTheBoundThatATenantDoesNotExist() {
        refused(
                "decision.unknownTenantTtl",
                bounds -> bounds.unknownTtl = Duration.ofSeconds(60).plus(TICK));
        taken(bounds -> bounds.unknownTtl = Duration.ofSeconds(60));
        refused("decision.unknownTenantTtl", bounds -> bounds.unknownTtl = TICK.negated());
        taken(bounds -> bounds.unknownTtl = Duration.ZERO);
        refused("decision.unknownTenants", bounds -> bounds.unknownTenants = -1);
        taken(bounds -> bounds.unknownTenants = 0);
    }

    private static void refused(String key, Consumer<Bounds> change) {
        assertThatIllegalArgumentException().isThrownBy(() -> config(change)).withMessageStartingWith(key + " is `");
    }

    private static void taken(Consumer<Bounds> change) {
        assertThat(config(change)).isNotEqualTo(DecisionConfig.defaults());
    }

    private static DecisionConfig config(Consumer<Bounds> change) {
        Bounds bounds = new Bounds();
        change.accept(bounds);
        return new DecisionConfig(
                bounds.cacheBytes,
                bounds.freshness,
                bounds.poll,
                bounds.loadTimeout,
                bounds.concurrentLoads,
                bounds.unknownTenants,
                bounds.unknownTtl,
                bounds.pastBytes,
                bounds.pastGraphs,
                bounds.concurrentPastLoads);
    }

    /** Bounds that hold. */
    private static final class Bounds {
        private long cacheBytes = 1_000;
        private Duration freshness = Duration.ofSeconds(60);
        private Duration poll = Duration.ofSeconds(1);
        private Duration loadTimeout = Duration.ofSeconds(5);
        private int concurrentLoads = 2;
        private int unknownTenants = 2;
        private Duration unknownTtl = Duration.ofSeconds(2);
        private long pastBytes = 1_000;
        private int pastGraphs = 2;
        private int concurrentPastLoads = 2;
    }
}

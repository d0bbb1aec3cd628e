package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoadPlanTest {

    /** One by one they cost 20 us each, and one processor does 50,000 of them, whatever it does of many at a time. */
    @Test
    void sustainsWhatRequestsCostThatComeOneByOne() {
        assertThat(LoadPlan.sustained(80_000, probe(40_000, 0.8), 1)).isEqualTo(50_000);
        assertThat(LoadPlan.sustained(80_000, probe(40_000, 0.8), 2)).isEqualTo(80_000);
    }

    /** As with one stream, where most of the time everybody waits. */
    @Test
    void sustainsNoMoreThanInTheClosedModel() {
        assertThat(LoadPlan.sustained(7_000, probe(6_000, 0.3), 1)).isEqualTo(7_000);
    }

    @Test
    void takesTheClosedModelWhereTheSystemDoesNotSay() {
        assertThat(LoadPlan.sustained(7_000, probe(6_000, 0), 1)).isEqualTo(7_000);
    }

    private static Burst probe(int requests, double serverSeconds) {
        Latencies none = new Latencies();
        return new Burst(
                0,
                new WireRun.Observed(requests, 0, 0, 0, none, none, 0, 1_000_000_000, null),
                serverSeconds,
                0,
                0.5,
                0);
    }
}

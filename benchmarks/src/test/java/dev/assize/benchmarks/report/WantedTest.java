package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WantedTest {

    @Test
    void isNotMetWhereTheWholeIntervalMisses() {
        assertThat(Wanted.atLeast(5).verdict(spread(4.1, 4.9))).isEqualTo("not met");
        assertThat(Wanted.atMost(1.5).verdict(spread(1.51, 2))).isEqualTo("not met");
    }

    @Test
    void isNotProvenWhereTheIntervalHoldsTheBar() {
        assertThat(Wanted.atLeast(5).verdict(spread(4.9, 5.1))).isEqualTo("not proven");
        assertThat(Wanted.atMost(1.5).verdict(spread(1.4, 1.6))).isEqualTo("not proven");
    }

    @Test
    void isNotProvenByLessThanNoise() {
        assertThat(Wanted.atLeast(1).verdict(spread(1.1, 1.2))).isEqualTo("not proven");
        assertThat(Wanted.atLeast(1).verdict(spread(1.31, 1.4))).isEqualTo("met");
    }

    @Test
    void isMetWhereTheWholeIntervalSaysSo() {
        assertThat(Wanted.atLeast(5).verdict(spread(5, 6))).isEqualTo("met");
        assertThat(Wanted.atMost(1.5).verdict(spread(0.9, 1.5))).isEqualTo("met");
    }

    private static Spread spread(double low, double high) {
        return new Spread((low + high) / 2, low, high, 0.96, 9);
    }
}

package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class BarTest {

    @Test
    void isNotProvenWhereTheIntervalHoldsIt() {
        assertThat(Bar.atMost(0.25).judge(between(0.2, 0.3))).isEqualTo(Bar.Verdict.NOT_PROVEN);
        assertThat(Bar.atLeast(4).judge(between(3.9, 5))).isEqualTo(Bar.Verdict.NOT_PROVEN);
    }

    @Test
    void isNotProvenByTooFewBursts() {
        assertThat(Bar.atMost(1).judge(Estimate.of(0.1, 0.1, 0.1, 0.1, 0.1))).isEqualTo(Bar.Verdict.NOT_PROVEN);
    }

    @Test
    void isNotMetOnTheWrongSide() {
        assertThat(Bar.atMost(0.25).judge(between(0.26, 0.3))).isEqualTo(Bar.Verdict.NOT_MET);
        assertThat(Bar.atLeast(4).judge(between(3, 3.9))).isEqualTo(Bar.Verdict.NOT_MET);
    }

    @Test
    void isMetOnTheRightSideItselfIncluded() {
        assertThat(Bar.atMost(0.25).judge(between(0.1, 0.25))).isEqualTo(Bar.Verdict.MET);
        assertThat(Bar.atLeast(4).judge(between(4, 9))).isEqualTo(Bar.Verdict.MET);
    }

    @Test
    void saysHowFarAwayItIsOnEitherSide() {
        assertThat(Bar.atMost(0.5).margin(between(0.25, 0.25))).isCloseTo(2, within(1e-9));
        assertThat(Bar.atMost(0.5).margin(between(1, 1))).isCloseTo(2, within(1e-9));
    }

    @Test
    void isWrittenAsPeopleSayIt() {
        assertThat(Bar.atMost(0.25)).hasToString("0.25 or less");
        assertThat(Bar.atLeast(2_000_000)).hasToString("2,000,000 or more");
    }

    private static Estimate between(double low, double high) {
        return new Estimate((low + high) / 2, low, high, 0.96, 9);
    }
}

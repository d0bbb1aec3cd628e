package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EstimateTest {

    @Test
    void refusesNoValues() {
        assertThatIllegalArgumentException().isThrownBy(Estimate::of);
    }

    @Test
    void isNotSureOfFiveValues() {
        Estimate estimate = Estimate.of(5, 1, 4, 2, 3);

        assertThat(estimate.isSure()).isFalse();
        assertThat(estimate.median()).isEqualTo(3);
        assertThat(estimate.low()).isEqualTo(1);
        assertThat(estimate.high()).isEqualTo(5);
        assertThat(estimate.coverage()).isCloseTo(1 - 2.0 / 32, within(1e-12));
    }

    @Test
    void isSureOfSix() {
        assertThat(Estimate.of(1, 2, 3, 4, 5, 6).isSure()).isTrue();
    }

    @Test
    void leavesOutTheOutermostOfNine() {
        Estimate estimate = Estimate.of(900, 2, 3, 4, 5, 6, 7, 8, -900);

        assertThat(estimate.median()).isEqualTo(5);
        assertThat(estimate.low()).isEqualTo(2);
        assertThat(estimate.high()).isEqualTo(8);
        assertThat(estimate.coverage()).isCloseTo(1 - 2 * (1 + 9) / 512.0, within(1e-12));
    }

    @Test
    void hasTheMiddleOfTwoWhereTheyAreEven() {
        assertThat(Estimate.of(1, 2, 10, 20).median()).isEqualTo(6);
    }

    /** Of a skewed distribution, whose mean lies elsewhere: the interval holds the median as often as it says, at least. */
    @Test
    void holdsTheTrueMedianAsOftenAsItSays() {
        SplittableRandom random = new SplittableRandom(1);
        int runs = 20_000;
        long held = IntStream.range(0, runs)
                .mapToObj(run -> Estimate.of(IntStream.range(0, 11)
                        .mapToDouble(i -> -Math.log(1 - random.nextDouble()))
                        .toArray()))
                .filter(estimate -> estimate.low() <= Math.log(2) && Math.log(2) <= estimate.high())
                .count();

        double coverage = Estimate.of(new double[11]).coverage();
        assertThat(coverage).isGreaterThan(0.95);
        assertThat((double) held / runs).isCloseTo(coverage, within(0.01));
    }

    @Test
    void leavesTheValuesAsTheyAre() {
        double[] values = {3, 1, 2};
        Estimate.of(values);

        assertThat(Arrays.toString(values)).isEqualTo("[3.0, 1.0, 2.0]");
    }
}

package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ArrivalsTest {

    private static final int ROUND = 4_096;

    @Test
    void refusesARateThatIsNone() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Arrivals(0, 0, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new Arrivals(Double.NaN, 0, 1));
    }

    @Test
    void keepsTheRateOverEveryRound() {
        Arrivals arrivals = new Arrivals(1_000, 500, 1);
        for (int i = 0; i < 3 * ROUND - 1; i++) {
            arrivals.taken();
        }

        assertThat((double) arrivals.due()).isCloseTo(500 + 3 * ROUND * 1e6, within(2.0));
    }

    @Test
    void isInOrder() {
        Arrivals arrivals = new Arrivals(50_000, 0, 3);
        long last = 0;
        for (int i = 0; i < 3 * ROUND; i++) {
            assertThat(arrivals.due()).isGreaterThanOrEqualTo(last);
            last = arrivals.due();
            arrivals.taken();
        }
    }

    /** Gaps of independent arrivals are as wide on average as they scatter. */
    @Test
    void bunchesAsIndependentCallersDo() {
        Arrivals arrivals = new Arrivals(1, 0, 7);
        double sum = 0;
        double squares = 0;
        long last = 0;
        for (int i = 0; i < ROUND; i++) {
            double gap = (arrivals.due() - last) / 1e9;
            sum += gap;
            squares += gap * gap;
            last = arrivals.due();
            arrivals.taken();
        }

        assertThat(sum / ROUND).isCloseTo(1, within(0.001));
        assertThat(Math.sqrt(squares / ROUND - 1)).isCloseTo(1, within(0.05));
    }
}

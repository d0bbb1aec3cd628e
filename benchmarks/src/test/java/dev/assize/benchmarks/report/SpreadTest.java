package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {

    @Test
    void refusesToSpeakOfNothing() {
        assertThatIllegalArgumentException().isThrownBy(() -> Spread.of(List.of()));
    }

    @Test
    void takesTheSecondAndTheEighthOfNine() {
        Spread spread = Spread.of(List.of(9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0));

        assertThat(spread.median()).isEqualTo(5);
        assertThat(spread.low()).isEqualTo(2);
        assertThat(spread.high()).isEqualTo(8);
        assertThat(spread.coverage()).isCloseTo(0.961, within(0.001));
    }

    @Test
    void takesTheOuterOnesOfThreeAndSaysWhatThatIsWorth() {
        Spread spread = Spread.of(List.of(3.0, 1.0, 2.0));

        assertThat(spread.low()).isEqualTo(1);
        assertThat(spread.high()).isEqualTo(3);
        assertThat(spread.coverage()).isCloseTo(0.75, within(0.001));
    }

    @Test
    void takesTheMiddleOfTwo() {
        assertThat(Spread.of(List.of(1.0, 2.0)).median()).isEqualTo(1.5);
    }

    @Test
    void isOutOfOneProvenByNothing() {
        assertThat(Spread.of(List.of(7.0)).coverage()).isZero();
    }
}

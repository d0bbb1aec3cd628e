package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RehearsalTest {

    @Test
    void doesNothingInNoTime() {
        assertThat(Rehearsal.run(Duration.ZERO, 1)).isZero();
    }

    @Test
    void isAnsweredByEveryRpc() {
        // A batch and a stream are among so many.
        assertThat(Rehearsal.run(Duration.ofSeconds(30), 200)).isGreaterThanOrEqualTo(200);
    }

    @Test
    void endsInItsTimeHoweverFewAnswersThereWere() {
        assertThat(Rehearsal.run(Duration.ofMillis(1), Integer.MAX_VALUE)).isLessThan(Integer.MAX_VALUE);
    }
}

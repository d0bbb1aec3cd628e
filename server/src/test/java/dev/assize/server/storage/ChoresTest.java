package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ChoresTest {

    @Test
    void whateverAChoreFailsByItHasItsNextTurn() throws InterruptedException {
        CountDownLatch turns = new CountDownLatch(3);
        try (Chores chores = new Chores()) {
            chores.atOnceAndEvery(Duration.ofMillis(1), () -> {
                turns.countDown();
                if (turns.getCount() == 2) {
                    throw new IllegalStateException("shown");
                }
                throw new InternalError("shown");
            });
            assertThat(turns.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }
}

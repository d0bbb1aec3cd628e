package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.endpoint.grpc.CheckRehearsal;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
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
    void leavesNoThreadThatServedItsCalls() throws Exception {
        CompletableFuture<Integer> answers =
                CompletableFuture.supplyAsync(() -> Rehearsal.run(Duration.ofSeconds(30), 200));
        Set<Thread> own = loops();
        while (own.isEmpty() && !answers.isDone()) {
            own = loops();
        }
        answers.get(60, TimeUnit.SECONDS);
        assertThat(own).isNotEmpty();
        for (Thread each : own) {
            assertThat(each.join(Duration.ofSeconds(20))).as(each.getName()).isTrue();
        }
    }

    private static Set<Thread> loops() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(CheckRehearsal.THREADS))
                .collect(Collectors.toSet());
    }

    @Test
    void endsInItsTimeHoweverFewAnswersThereWere() {
        assertThat(Rehearsal.run(Duration.ofMillis(1), Integer.MAX_VALUE)).isLessThan(Integer.MAX_VALUE);
    }
}

package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LongWaitsTest {

    private final LongWaits waits = new LongWaits();

    @Test
    void findsThoseThatStillWaitAndNobodyElse() {
        ConcurrentLinkedQueue<Integer> found = new ConcurrentLinkedQueue<>();
        List<CompletableFuture<Void>> ends = IntStream.range(0, 1_000)
                .mapToObj(i -> {
                    CompletableFuture<Void> end = new CompletableFuture<>();
                    CompletableFuture<Void> awaited = i % 3 == 0 ? new CompletableFuture<>() : done();
                    waits.note(awaited, () -> {
                        found.add(i);
                        end.complete(null);
                    });
                    return i % 3 == 0 ? end : done();
                })
                .toList();
        ends.forEach(CompletableFuture::join);
        assertThat(found)
                .containsExactlyElementsOf(IntStream.range(0, 1_000)
                        .filter(i -> i % 3 == 0)
                        .boxed()
                        .toList());
    }

    @Test
    void findsWhoBeginsToWaitBehindTheLastLook() {
        for (int i = 0; i < 5; i++) {
            CompletableFuture<Void> found = new CompletableFuture<>();
            long since = System.nanoTime();
            waits.note(new CompletableFuture<>(), () -> found.complete(null));
            found.join();
            assertThat(System.nanoTime() - since).isGreaterThanOrEqualTo(LongWaits.MOMENT.toNanos());
        }
    }

    /** Whatever becomes of one, the others are found. */
    @Test
    void findsOthersBehindOneThatFails() {
        CompletableFuture<Void> failing = new CompletableFuture<>();
        waits.note(failing, () -> {
            throw new IllegalStateException("no timer");
        });
        CompletableFuture<Void> found = new CompletableFuture<>();
        waits.note(new CompletableFuture<>(), () -> found.complete(null));
        found.join();
        assertThat(found).isCompleted();
        assertThat(failing).as("nobody waits for it in vain").isCompletedExceptionally();
    }

    private static CompletableFuture<Void> done() {
        return CompletableFuture.completedFuture(null);
    }
}

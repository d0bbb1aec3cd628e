package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {

    private static final Duration FIRST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofSeconds(1);

    @Test
    void doublesUpToTheLongestAndLeavesHalfOfItToChance() {
        Backoff backoff = new Backoff(FIRST, LONGEST, new SplittableRandom(1));
        for (long ceiling : new long[] {100, 200, 400, 800, 1_000, 1_000, 1_000}) {
            assertThat(backoff.next()).isBetween(Duration.ofMillis(ceiling / 2), Duration.ofMillis(ceiling));
        }
        backoff.reset();
        assertThat(backoff.next()).isLessThanOrEqualTo(FIRST);
    }

    @Test
    void bringsNoTwoBackInStep() {
        Set<Duration> waits = new HashSet<>();
        for (int node = 0; node < 100; node++) {
            waits.add(new Backoff(FIRST, LONGEST, new SplittableRandom(node)).next());
        }
        assertThat(waits).hasSizeGreaterThan(90);
    }
}

package dev.assize.server.app;

import static dev.assize.server.app.WatchedChanges.RUN;
import static dev.assize.server.app.WatchedChanges.rest;
import static dev.assize.server.app.WatchedChanges.running;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * The brake: three nodes in processes of their own, each connected and asked all the time, by nobody who names a revision, which
 * would have a node look for what it has not heard of; and freezes.
 */
@Timeout(600)
@EnabledIfSystemProperty(named = "assize.test.nodes.processes", matches = "true")
class BrakeTest {

    /** Of nodes as they are configured by themselves. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private ThreeNodes nodes;
    private WatchedChanges changes;

    @BeforeEach
    void start(@TempDir Path directory) {
        nodes = new ThreeNodes(directory, Map.of());
        changes = new WatchedChanges(nodes, 60);
    }

    @AfterEach
    void stop() {
        nodes.close();
    }

    @Test
    void aFreezeStopsItsSubjectOnEveryConnectedNodeWithinASecond() {
        changes.apply(0, "a");
        AtomicBoolean over = new AtomicBoolean();
        List<CompletableFuture<Void>> busy = IntStream.range(0, ThreeNodes.COUNT)
                .mapToObj(node -> running(() -> changes.ask(node, false, over)))
                .toList();
        SplittableRandom random = new SplittableRandom(5);
        long end = System.nanoTime() + RUN.toNanos();
        for (int round = 1; System.nanoTime() < end; round++) {
            changes.freezeAndLift(round, () -> rest(Duration.ofMillis(50 + random.nextInt(200))));
        }
        rest(Duration.ofSeconds(2));
        over.set(true);
        busy.forEach(CompletableFuture::join);

        changes.report();
        long[] stops = changes.answers().stopEverywhereNanos(ThreeNodes.COUNT);
        System.out.println("from the request for a freeze to a deny on every node: " + WatchedChanges.measured(stops));
        assertThat(changes.answers().violations(BOUND)).isEmpty();
        assertThat(stops).hasSizeGreaterThan((int) RUN.toSeconds());
        assertThat(WatchedChanges.quantile(stops, 0.99))
                .as("ms from a freeze to a deny by it on every connected node, p99")
                .isLessThan(1_000);
    }
}

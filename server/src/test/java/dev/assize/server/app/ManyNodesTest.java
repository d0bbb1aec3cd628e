package dev.assize.server.app;

import static dev.assize.server.app.ThreeNodes.PROCESSES;
import static dev.assize.server.app.WatchedChanges.RUN;
import static dev.assize.server.app.WatchedChanges.rest;
import static dev.assize.server.app.WatchedChanges.running;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.FreezeResponse;
import dev.assize.server.app.RecordedAnswers.Outage;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three nodes whose networks are cut and stalled under a stream of changes; and a record of every answer, which is held against
 * what must be.
 *
 * <p>In the suite a few seconds within one process. As a proof of its own, with three processes as they are configured by
 * themselves, but for the bound of those that are cut off:
 *
 * <pre>{@code
 * mvn -pl server -am test -Dtest=ManyNodesTest,BrakeTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dassize.test.nodes.seconds=120 -Dassize.test.nodes.processes=true
 * }</pre>
 */
@Timeout(600)
class ManyNodesTest {

    /** Nodes that are cut off answer for no longer than the shortest bound. */
    private static final Duration BOUND = Duration.ofSeconds(2);

    private ThreeNodes nodes;
    private WatchedChanges changes;

    @BeforeEach
    void start(@TempDir Path directory) {
        nodes = new ThreeNodes(directory, Map.of("ASSIZE_DECISION_FRESHNESS_BOUND", BOUND.toSeconds() + "s"));
        changes = new WatchedChanges(nodes, PROCESSES ? 1 : 5);
    }

    @AfterEach
    void stop() {
        nodes.close();
    }

    @Test
    void noAnswerIsOldTornOrFromBeforeItsTokenAndWhoIsCutOffStopsAndComesBack() {
        changes.apply(0, "a");
        AtomicBoolean over = new AtomicBoolean();
        List<CompletableFuture<Void>> busy = new ArrayList<>();
        for (int i = 0; i < ThreeNodes.COUNT; i++) {
            int node = i;
            busy.add(running(() -> changes.ask(node, false, over)));
            busy.add(running(() -> changes.ask(node, true, over)));
        }
        busy.add(running(() -> changes.change(over)));
        awaitChangeElsewhere();
        long end = System.nanoTime() + RUN.toNanos();
        for (int round = 0; round == 0 || System.nanoTime() < end; round++) {
            rest(Duration.ofMillis(PROCESSES ? 5_000 : 700));
            trouble(round);
        }
        rest(Duration.ofMillis(500));
        over.set(true);
        busy.forEach(CompletableFuture::join);

        changes.report();
        assertThat(changes.answers().violations(BOUND)).isEmpty();
        assertThat(changes.answers().unavailable()).isPositive();
        assertThat(changes.elsewhere())
                .as("changes through other nodes than the first")
                .isPositive();
        if (!PROCESSES) {
            assertThat(nodes.snapshots())
                    .as("snapshots of its policy in its ledger, by the nodes themselves")
                    .isNotEmpty();
        } else {
            // Elsewhere the nodes share this process with the whole suite.
            for (int node = 0; node < ThreeNodes.COUNT; node++) {
                long[] stops = changes.answers().stopNanos(node);
                assertThat(stops)
                        .as("freezes while node %d was connected", node)
                        .hasSizeGreaterThan((int) RUN.toSeconds() / 2);
                assertThat(WatchedChanges.quantile(stops, 0.99))
                        .as("ms from a freeze to the first deny by it on node %d while connected, p99", node)
                        .isLessThan(1_000);
            }
        }
    }

    @Test
    void aFreezeNamesTheNodeThatIsCutOff() {
        changes.apply(0, "a");
        for (int node = 0; node < ThreeNodes.COUNT; node++) {
            nodes.check(node, changes.answers().lastRevision());
        }
        FreezeResponse whole = ThreeNodes.freeze(nodes.policies(0), "first");
        assertThat(whole.getNodes().getConfirmed()).isEqualTo(ThreeNodes.COUNT);
        assertThat(whole.getNodes().getUnconfirmedList()).isEmpty();
        for (int node = 0; node < ThreeNodes.COUNT; node++) {
            assertThat(nodes.check(node, 0).getDecidedBy().getFreeze()).isEqualTo("first");
        }

        nodes.network(2).stall();
        FreezeResponse broken = ThreeNodes.freeze(nodes.policies(0), "second");
        assertThat(broken.getNodes().getConfirmed()).isEqualTo(ThreeNodes.COUNT - 1);
        assertThat(broken.getNodes().getUnconfirmedList()).singleElement().satisfies(node -> {
            assertThat(node.getName()).isEqualTo("node-2");
            assertThat(node.getFreshnessBound().getSeconds()).isEqualTo(BOUND.toSeconds());
        });
        nodes.network(2).restore();
    }

    /** On a busy machine changes take their time, too. */
    private void awaitChangeElsewhere() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (changes.elsewhere() == 0 && System.nanoTime() < deadline) {
            rest(Duration.ofMillis(20));
        }
    }

    /** One node is cut off and another stalled, for longer than the bound; then both are restored and come back. */
    private void trouble(int round) {
        int cut = 1 + round % 2;
        int stalled = 2 - round % 2;
        long from = System.nanoTime();
        changes.inTrouble(true);
        nodes.network(cut).cut();
        nodes.network(stalled).stall();
        rest(BOUND.plusMillis(300));
        awaitSilence(cut, from);
        awaitSilence(stalled, from);
        long to = System.nanoTime();
        nodes.network(cut).restore();
        nodes.network(stalled).restore();
        changes.answers().add(new Outage(cut, from, to));
        changes.answers().add(new Outage(stalled, from, to));
        await(cut);
        await(stalled);
        changes.inTrouble(false);
    }

    /** Until somebody has asked and was not answered: on a busy machine that may take its time. */
    private void awaitSilence(int node, long from) {
        long silentFrom = from + BOUND.plus(RecordedAnswers.BLUR).toNanos();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!changes.answers().wasSilent(node, silentFrom) && System.nanoTime() < deadline) {
            rest(Duration.ofMillis(20));
        }
    }

    private void await(int node) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < deadline) {
            try {
                nodes.check(node, 0);
                return;
            } catch (StatusRuntimeException notYet) {
                rest(Duration.ofMillis(20));
            }
        }
    }
}

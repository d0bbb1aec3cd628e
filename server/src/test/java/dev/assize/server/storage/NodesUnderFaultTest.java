package dev.assize.server.storage;

import dev.assize.server.testing.InMemory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes that append to one ledger at the same time, while their connections are cut or one of them is paused: what was
 * acknowledged stands there once, and the chain is sound. A build does a part of it, as of {@link CrashAtEveryStepTest}.
 */
@Timeout(1200)
class NodesUnderFaultTest {

    private static final boolean ALL = Boolean.getBoolean("assize.crash.all");

    @TempDir(factory = InMemory.class)
    Path directory;

    @Test
    void twoNodesHoldWhileConnectionsAreCut() throws Exception {
        nodesHoldWhileConnectionsAreCut(2);
    }

    @Test
    void fourNodesHoldWhileConnectionsAreCut() throws Exception {
        nodesHoldWhileConnectionsAreCut(4);
    }

    @Test
    void aNodePausedInItsTransactionLosesItAndNothingElse() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            List<Integer> pauses = world.pausesOfAnAppend(world.knowsTransactionTimeout());
            for (int statement : ALL ? pauses : pauses.subList(pauses.size() - 2, pauses.size())) {
                world.pauseAt(statement);
                world.assertHolds();
            }
        }
    }

    private void nodesHoldWhileConnectionsAreCut(int nodes) throws Exception {
        int appends = ALL ? 2_000 : 40;
        try (CrashWorld world = CrashWorld.onSharedServer(directory);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> clients = new ArrayList<>();
            for (int node = 1; node <= nodes; node++) {
                int client = node;
                clients.add(executor.submit(() -> world.appendWhileCut(client, appends)));
            }
            for (Future<?> client : clients) {
                client.get();
            }
            world.assertHolds();
        }
    }
}

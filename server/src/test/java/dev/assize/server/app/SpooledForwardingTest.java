package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.SpoolStanding;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.ledger.Receipt;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A spool that forwards to a server with a database, over a network that is cut and stalled, while the server is started
 * anew and the process that spools is killed. What was acknowledged is in the ledger once, in the order of its numbers.
 */
@Timeout(300)
class SpooledForwardingTest extends ForwardingFixture {

    @Test
    void whatWasAcknowledgedIsInTheLedgerOnceAndInOrderWhateverBecomesOfTheNetworkAndTheServer() {
        SortedMap<Long, String> acknowledged = new ConcurrentSkipListMap<>();
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            AtomicBoolean over = new AtomicBoolean();
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int writer = 0; writer < 3; writer++) {
                String name = "writer " + writer + " ";
                writers.add(CompletableFuture.runAsync(() -> {
                    for (int i = 0; !over.get(); i++) {
                        acknowledged.put(sidecar.spool(name + i, null), name + i);
                        rest(Duration.ofMillis(2));
                    }
                }));
            }
            Random random = new Random(3);
            for (int round = 0; round < 12; round++) {
                rest(Duration.ofMillis(20 + random.nextInt(120)));
                switch (random.nextInt(3)) {
                    case 0 -> network.cut();
                    case 1 -> network.stall();
                    default -> {
                        network.restore();
                        sidecar.channel.resetConnectBackoff();
                    }
                }
                if (round == 6) {
                    node.close();
                    node = TestNode.inside(environment());
                }
            }
            over.set(true);
            writers.forEach(CompletableFuture::join);
            network.restore();
            sidecar.drain();
        }

        assertThat(acknowledged).hasSizeGreaterThan(100);
        assertThat(reasons()).containsExactlyElementsOf(acknowledged.values());
        requireSound();
        SpoolStanding standing = spools().getFirst();
        assertThat(standing.getMissing()).isZero();
        assertThat(standing.getNextNumber()).isEqualTo(acknowledged.size() + 1);
    }

    @Test
    void whatWasAcknowledgedIsInTheLedgerOnceWhereTheSidecarIsKilled() throws Exception {
        List<String> acknowledged = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            if (round == 1) {
                network.cut();
            } else {
                network.restore();
            }
            Process process = process(round);
            try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
                for (int i = 0; i < 60 + 13 * round; i++) {
                    acknowledged.add(out.readLine());
                }
                // The process's own way would close what it still said.
                process.toHandle().destroyForcibly();
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    acknowledged.add(line);
                }
            }
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        network.restore();
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            sidecar.drain();
        }

        // Of each process the last may have been written without having been said.
        assertThat(reasons()).containsSubsequence(acknowledged).doesNotHaveDuplicates();
        assertThat(reasons().size()).isBetween(acknowledged.size(), acknowledged.size() + 3);
        requireSound();
    }

    @Test
    void anAppendToTheLedgerComesBehindWhatWasSpooledAndIsRefusedWhileThatCannotBeForwarded() {
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            sidecar.spool("a", null);
            Receipt first = sidecar.append("b", "key b");
            assertThat(reasons()).containsExactly("a", "b");
            assertThat(sidecar.append("b", "key b")).isEqualTo(first);

            network.cut();
            sidecar.spool("c", null);
            assertThatThrownBy(() -> sidecar.append("never", null))
                    .hasCauseInstanceOf(LedgerUnavailableException.class);
            assertThat(sidecar.forwarding.complaint())
                    .hasValueSatisfying(said -> assertThat(said).contains("1 records wait to be forwarded"));

            network.restore();
            sidecar.channel.resetConnectBackoff();
            sidecar.drain();
            assertThat(reasons()).containsExactly("a", "b", "c");
            assertThat(sidecar.forwarding.complaint()).isEmpty();
        }
    }

    @Test
    void aLedgerThatTakesNoMoreSpoolsOfItsKeyStopsItAndItGoesOnWhereThereIsRoomAgain() throws Exception {
        sql("INSERT INTO assize.ledger_spool (next_number, highest_number, heard_at, tenant_id, recorded_by_tenant,"
                + " recorded_by, begun_by_key, begun_as, spool_id) VALUES (1, 0, now(), 'acme', 'assize', 'user:admin', '"
                + key.split("_", -1)[1] + "', 10000, repeat('0', 32))");
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            sidecar.spool("a", null);
            sidecar.spool("b", null);
            assertThatThrownBy(() -> sidecar.append("never", null))
                    .hasCauseInstanceOf(LedgerUnavailableException.class)
                    .hasMessageContaining("has begun 10000 spools in the ledger of acme");
            assertThat(sidecar.forwarding.complaint())
                    .hasValueSatisfying(said -> assertThat(said)
                            .contains("the ledger refuses record 1 of the spool: RESOURCE_EXHAUSTED")
                            .contains("give this one another key"));
            assertThat(sidecar.meters.get("assize.spool.stopped").gauge().value())
                    .isEqualTo(1);
            assertThat(reasons()).isEmpty();

            sql("UPDATE assize.ledger_spool SET begun_as = 9999");
            appendOnceThereIsRoom(sidecar, "c");
            assertThat(sidecar.meters.get("assize.spool.stopped").gauge().value())
                    .isZero();
        }
        assertThat(reasons()).containsExactly("a", "b", "c");
    }

    /** It looks again in its own time. */
    private static void appendOnceThereIsRoom(Sidecar sidecar, String reason) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                var _ = sidecar.append(reason, "key " + reason);
                return;
            } catch (CompletionException refused) {
                assertThat(System.nanoTime()).as("%s", refused.getMessage()).isLessThan(end);
                rest(Duration.ofMillis(50));
            }
        }
    }

    private void sql(String statement) throws SQLException {
        try (Connection owner = DriverManager.getConnection(
                        database.superuser().url(),
                        database.superuser().user(),
                        database.superuser().password());
                Statement executed = owner.createStatement()) {
            executed.execute(statement);
        }
    }

    private Process process(int round) throws IOException {
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Spooling.class.getName(),
                        directory.resolve("sidecar").toString(),
                        "127.0.0.1:" + network.port(),
                        key,
                        Integer.toString(round)))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }
}

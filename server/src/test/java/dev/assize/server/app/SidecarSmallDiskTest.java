package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.server.testing.InMemory;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A sidecar whose spool is on a real file system that gets full: 20 MiB of memory, which Linux lets anybody mount in
 * namespaces of his own. Where it does not, this is skipped.
 */
@Timeout(600)
class SidecarSmallDiskTest {

    private static final int DISK_MEBIBYTES = 20;

    /** Events of a request, of 8 KiB each: so that some thirty requests fill the disk. */
    private static final int EVENTS = 80;

    private CentreFixture centre;
    private Path home;
    private Map<String, String> environment;

    @BeforeEach
    void start(@TempDir(factory = InMemory.class) Path directory) {
        assumeTrue(TestNode.canMount(), "this machine lets nobody mount a file system in namespaces of his own");
        centre = new CentreFixture(directory);
        centre.apply(ServedSidecar.POLICY);
        home = centre.home();
        environment = new HashMap<>(centre.environment(home, centre.key("acme"), "acme"));
        environment.put("ASSIZE_HOME", home.toString());
    }

    @AfterEach
    void stop() {
        if (centre != null) {
            centre.close();
        }
    }

    @Test
    void refusesWhatDoesNotFitAndLosesNothingOfWhatItAcknowledged() throws Exception {
        Path spool = Files.createDirectory(home.resolve("spool"));
        List<String> acknowledged = new ArrayList<>();
        try (TestNode sidecar = TestNode.onDiskOf(DISK_MEBIBYTES, spool, environment)) {
            String key = Files.readString(home.resolve("local-key")).strip();
            ManagedChannel channel = CentreFixture.channel(sidecar.address());
            try {
                centre.network().cut();
                String refused = fill(channel, key, acknowledged);
                assertThat(refused).isEqualTo("LEDGER_BUSY");
                assertThat(acknowledged).as("each has 640 KiB").hasSizeBetween(20, 32);
                assertThat(refused(channel, key, "again"))
                        .as("there is no more room than before")
                        .isEqualTo("LEDGER_BUSY");

                centre.network().restore();
                assertThat(centre.reasonsWith(ServedSidecar.SEEN, acknowledged))
                        .as("what was acknowledged, in its order, and nothing that was refused")
                        .isEqualTo(events(acknowledged));

                acknowledged.add(afterwards(channel, key));
            } finally {
                channel.shutdownNow();
            }
            assertThat(centre.reasonsWith(ServedSidecar.SEEN, acknowledged)).isEqualTo(events(acknowledged));
        }
        assertThat(centre.entries(ServedSidecar.SEEN))
                .extracting(AuditEntry::getRecordedBy)
                .containsOnly("service:sidecar");
    }

    /** Until nothing more is taken; why. */
    private static String fill(ManagedChannel channel, String key, List<String> acknowledged) {
        for (int i = 0; i < 100; i++) {
            String reason = "request " + i;
            String refused = refused(channel, key, reason);
            if (!refused.equals("nothing")) {
                return refused;
            }
            acknowledged.add(reason);
        }
        return "nothing";
    }

    /** What is in the ledger need not stay on the disk: there is room again. */
    private static String afterwards(ManagedChannel channel, String key) throws IOException {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        for (int i = 0; System.nanoTime() < end; i++) {
            String reason = "afterwards " + i;
            if (refused(channel, key, reason).equals("nothing")) {
                return reason;
            }
            LockSupport.parkNanos(50_000_000);
        }
        throw new IOException("the disk stays full");
    }

    private static String refused(ManagedChannel channel, String key, String reason) {
        AppendAuditRequest request = AppendAuditRequest.newBuilder()
                .setTenant("acme")
                .addAllEvents(Collections.nCopies(
                        EVENTS,
                        ServedSidecar.seen("look", reason)
                                .setPayload("\"" + "x".repeat(8_190) + "\"")
                                .build()))
                .setAcknowledgement(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                .build();
        return ServedSidecar.refused(() -> {
            var _ = with(LedgerServiceGrpc.newBlockingStub(channel), key)
                    .withDeadlineAfter(30, TimeUnit.SECONDS)
                    .appendAudit(request);
        });
    }

    private static List<String> events(List<String> requests) {
        return requests.stream()
                .flatMap(reason -> Collections.nCopies(EVENTS, reason).stream())
                .toList();
    }
}

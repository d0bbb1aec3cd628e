package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceBlockingStub;
import dev.assize.proto.v1.Outcome;
import dev.assize.server.testing.InMemory;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A sidecar in a process of its own, which is killed while it spools. */
@Timeout(400)
class SidecarKilledTest {

    private static final int WRITERS = 8;

    /** Acknowledged requests before each kill. */
    private static final int BEFORE_KILL = 60;

    private static final String TYPE = "order.seen";

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: assize, name: sidecars}
            spec: {subjects: ["service:sidecar"], role: sidecar, fromTenant: acme, scope: {resources: ["tenant:acme"]}}
            """;

    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();

    /** What each writer sends next; the first was perhaps sent before. */
    private final int[] next = new int[WRITERS];

    private CentreFixture centre;
    private Path home;
    private Map<String, String> environment;

    @BeforeEach
    void start(@TempDir(factory = InMemory.class) Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(POLICY);
        home = centre.home();
        environment = new HashMap<>(centre.environment(home, centre.key("acme"), "acme"));
        environment.put("ASSIZE_HOME", home.toString());
    }

    @AfterEach
    void stop() {
        centre.close();
    }

    @Test
    void whatItAcknowledgedIsInTheLedgerOnceAndInOrder() throws Exception {
        // Killed with all of it waiting, and then while that is forwarded and more comes.
        for (boolean isCutOff : List.of(true, false)) {
            try (TestNode.Killable sidecar = TestNode.shortLived(environment)) {
                writeUntilKilled(sidecar, isCutOff);
            }
            centre.network().restore();
        }
        List<String> acknowledgedThen = List.copyOf(acknowledged);
        assertThat(acknowledgedThen).hasSizeGreaterThanOrEqualTo(2 * BEFORE_KILL);

        List<AuditEntry> entries;
        try (TestNode _ = TestNode.shortLived(environment)) {
            entries = awaitEntries(acknowledgedThen);
        }

        assertThat(entries.stream().map(SidecarKilledTest::name))
                .containsAll(acknowledgedThen)
                .doesNotHaveDuplicates();
        for (int writer = 0; writer < WRITERS; writer++) {
            String its = writer + "/";
            assertThat(entries.stream().map(SidecarKilledTest::name).filter(name -> name.startsWith(its)))
                    .as("in the order in which it was acknowledged")
                    .isSortedAccordingTo((one, other) -> number(one) - number(other));
        }
        assertThat(entries).extracting(AuditEntry::getRecordedBy).containsOnly("service:sidecar");
    }

    private void writeUntilKilled(TestNode.Killable sidecar, boolean isCutOff) throws IOException {
        AtomicBoolean killed = new AtomicBoolean();
        String key = Files.readString(home.resolve("local-key")).strip();
        ManagedChannel channel = CentreFixture.channel(sidecar.address());
        try (ExecutorService writers = Executors.newVirtualThreadPerTaskExecutor()) {
            int before = acknowledged.size();
            for (int writer = 0; writer < WRITERS; writer++) {
                int number = writer;
                writers.execute(() -> write(number, with(LedgerServiceGrpc.newBlockingStub(channel), key), killed));
            }
            try {
                awaitAcknowledged(before + 1);
                if (isCutOff) {
                    centre.network().cut();
                }
                awaitAcknowledged(before + BEFORE_KILL);
            } finally {
                killed.set(true);
                sidecar.kill();
            }
        } finally {
            channel.shutdownNow();
        }
    }

    private void awaitAcknowledged(int count) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (acknowledged.size() < count) {
            assertThat(System.nanoTime())
                    .as("%s of %s", acknowledged.size(), count)
                    .isLessThan(end);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void write(int writer, LedgerServiceBlockingStub ledger, AtomicBoolean killed) {
        while (!killed.get()) {
            try {
                append(writer, ledger);
            } catch (StatusRuntimeException refused) {
                // It is sent again by the same key, here or after the next start.
                LockSupport.parkNanos(10_000_000);
            }
        }
    }

    private void append(int writer, LedgerServiceBlockingStub ledger) {
        String name = writer + "/" + next[writer];
        AppendAuditResponse answer = ledger.withDeadlineAfter(20, TimeUnit.SECONDS)
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .setIdempotencyKey(name)
                        .addEvents(AuditEvent.newBuilder()
                                .setType(TYPE)
                                .setAction("look")
                                .setResource("order:1")
                                .setReason(name)
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .setAcknowledgement(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                        .build());
        assertThat(answer.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
        acknowledged.add(name);
        next[writer]++;
    }

    private List<AuditEntry> awaitEntries(List<String> names) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        List<AuditEntry> entries = centre.entries(TYPE);
        while (System.nanoTime() < end
                && !entries.stream().map(SidecarKilledTest::name).toList().containsAll(names)) {
            LockSupport.parkNanos(50_000_000);
            entries = centre.entries(TYPE);
        }
        return entries;
    }

    private static String name(AuditEntry entry) {
        return entry.getEvent().getReason();
    }

    private static int number(String name) {
        return Integer.parseInt(name.substring(name.indexOf('/') + 1));
    }
}

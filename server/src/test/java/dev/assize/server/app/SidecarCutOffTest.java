package dev.assize.server.app;

import static dev.assize.server.app.ServedSidecar.question;
import static dev.assize.server.app.ServedSidecar.refused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.server.testing.InMemory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A sidecar as a whole that is cut off from its centre for an hour, which passes by its clocks; with
 * {@code -Dassize.test.sidecar.hour=true} it passes for everybody.
 */
@Timeout(5_400)
class SidecarCutOffTest {

    private static final boolean IS_REAL = Boolean.getBoolean("assize.test.sidecar.hour");
    private static final int MINUTES = 60;
    private static final Duration HOUR = Duration.ofMinutes(MINUTES);

    /** What the sidecar's clocks are told to be ahead of where they began. */
    private final AtomicLong passedNanos = new AtomicLong();

    private CentreFixture centre;
    private Path home;

    @BeforeEach
    void start(@TempDir(factory = InMemory.class) Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(ServedSidecar.POLICY);
        home = centre.home();
    }

    @AfterEach
    void stop() {
        centre.close();
    }

    @Test
    void answersNothingBeyondItsBoundAndHasWhatItAcknowledgedInTheLedgerOnce() throws Exception {
        List<String> acknowledged = new ArrayList<>();
        try (ServedSidecar sidecar = served()) {
            assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
            centre.network().cut();
            assertThat(sidecar.check(question().build()).getReason())
                    .as("within the bound")
                    .isEqualTo(Reason.REASON_ALLOWED);
            acknowledged.add(spool(sidecar, 0));

            for (int minute = 1; minute <= MINUTES; minute++) {
                pass(Duration.ofMinutes(1));
                assertThat(refused(() -> sidecar.check(question().build())))
                        .as("minute %d", minute)
                        .isEqualTo("POLICY_STALE");
                acknowledged.add(spool(sidecar, minute));
            }
            assertThat(refused(() -> sidecar.check(release()))).isIn("POLICY_STALE", "UPSTREAM_UNAVAILABLE");
            assertThat(refused(() -> sidecar.append("look", "never", Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER)))
                    .isEqualTo("LEDGER_UNAVAILABLE");
            assertThat(sidecar.ready())
                    .startsWith("503")
                    .contains("policy: not confirmed", (MINUTES + 1) + " records wait to be forwarded");
            assertThat(sidecar.metric("assize_spool_oldest_age")).isBetween(3_600.0, 3_900.0);
            assertThat(centre.reasons(ServedSidecar.SEEN)).isEmpty();

            centre.apply("""
                    apiVersion: assize.dev/v1
                    kind: Freeze
                    metadata: {tenant: acme, name: meanwhile}
                    spec: {subject: "user:alice", reason: shown}
                    """);
            centre.network().restore();
            assertThat(sidecar.until(Reason.REASON_FROZEN).getRevision())
                    .as("what was changed meanwhile")
                    .isPositive();
            assertThat(centre.reasonsWith(ServedSidecar.SEEN, acknowledged)).containsExactlyElementsOf(acknowledged);
            assertThat(sidecar.append("look", "after", Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER)
                            .getEntriesCount())
                    .isEqualTo(1);
            assertThat(sidecar.ready()).startsWith("200").contains("clock: ok", "spool: ok");
        }
        List<AuditEntry> entries = centre.entries(ServedSidecar.SEEN);
        assertThat(entries).hasSize(acknowledged.size() + 1);
        assertThat(took(entries.getFirst()))
                .as("from when it was taken until it was recorded")
                .isBetween(HOUR, HOUR.plusMinutes(10));
        assertThat(took(entries.get(MINUTES))).isLessThan(Duration.ofMinutes(10));
    }

    /** Acknowledged on its disk. */
    private static String spool(ServedSidecar sidecar, int minute) {
        String reason = "minute " + minute;
        AppendAuditResponse answer = sidecar.append("look", reason, Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
        assertThat(answer.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
        return reason;
    }

    /** About what was done: only the centre knows. */
    private static CheckRequest release() {
        return question().setResource("invoice:1").setAction("release").build();
    }

    private static Duration took(AuditEntry entry) {
        Instant occurredAt = Instant.ofEpochSecond(
                entry.getEvent().getOccurredAt().getSeconds(),
                entry.getEvent().getOccurredAt().getNanos());
        return Duration.between(
                occurredAt,
                Instant.ofEpochSecond(
                        entry.getRecordedAt().getSeconds(),
                        entry.getRecordedAt().getNanos()));
    }

    private void pass(Duration time) {
        if (!IS_REAL) {
            passedNanos.addAndGet(time.toNanos());
            return;
        }
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    /** Its clock is right when the hour is over. */
    private ServedSidecar served() {
        Duration behind = IS_REAL ? Duration.ZERO : HOUR;
        InstantSource clock = () -> Instant.now().minus(behind).plusNanos(passedNanos.get());
        return new ServedSidecar(
                home,
                CentreFixture.sidecar(
                        home,
                        centre.environment(home, centre.key("acme"), "acme"),
                        clock,
                        () -> System.nanoTime() + passedNanos.get()));
    }
}

package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A sidecar as a whole acknowledges appends as its callers choose, cut off from its centre and started anew. */
@Timeout(180)
class SidecarSpoolTest {

    /** The sidecar itself may submit, too. */
    private static final String MORE = """
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: itself}
            spec: {subjects: ["service:sidecar"], role: clerk}
            """;

    private CentreFixture centre;
    private Path home;
    private String key = "";

    @BeforeEach
    void start(@TempDir Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(ServedSidecar.POLICY + MORE);
        key = centre.key("acme");
        home = centre.home();
    }

    @AfterEach
    void stop() throws Exception {
        centre.close();
    }

    @Test
    void whatItAcknowledgesWhileItIsCutOffIsInTheLedgerAfterwards() throws Exception {
        try (ServedSidecar sidecar = served()) {
            AppendAuditResponse first = sidecar.append("look", "a", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertThat(first.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertThat(first.getSpooled().getNumber()).isEqualTo(1);
            assertThat(first.getEntriesCount()).isZero();

            AppendAuditResponse ruled = sidecar.append("submit", "b", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertThat(ruled.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER);
            assertThat(reasons()).containsExactly("a", "b");

            assertEveryMeterOfTheAlertsIsThere(sidecar);

            centre.network().cut();
            sidecar.append("look", "c", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertRefused(sidecar, "submit", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertRefused(sidecar, "look", Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER);
        }

        centre.network().restore();
        try (ServedSidecar _ = served()) {
            assertThat(centre.reasonsWith(ServedSidecar.SEEN, List.of("a", "b", "c")))
                    .containsExactly("a", "b", "c");
        }
        assertThat(centre.entries(ServedSidecar.SEEN))
                .extracting(AuditEntry::getRecordedBy)
                .containsOnly("service:sidecar");
    }

    private ServedSidecar served() {
        return new ServedSidecar(home, CentreFixture.sidecar(home, centre.environment(home, key, "acme")));
    }

    /** Of those that are about sidecars. */
    private static void assertEveryMeterOfTheAlertsIsThere(ServedSidecar sidecar) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            Map<String, Set<String>> series = Monitoring.series(http, sidecar.operationsAddress());
            List<String> alerts = Monitoring.alerts(Monitoring.SIDECAR::equals);
            assertThat(alerts).hasSizeGreaterThan(5);
            alerts.forEach(alert -> Monitoring.assertMeasured(alert, series));
        }
    }

    /** The forwarder pauses longer and longer while it is cut off; what asks to be in the ledger does not overtake it. */
    @Test
    void whatTheCentreAppendsComesBehindWhatWasSpooledBefore() throws Exception {
        try (ServedSidecar sidecar = served()) {
            sidecar.append("look", "a", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            var _ = centre.reasonsWith(ServedSidecar.SEEN, List.of("a"));
            centre.network().cut();
            sidecar.append("look", "b", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            // It pauses for longer by then than an append takes.
            while (sidecar.metric("assize_spool_forward_failures_total") < 4) {
                assertThat(checkAndAppend(sidecar)).isIn("LEDGER_UNAVAILABLE", "UPSTREAM_UNAVAILABLE");
            }
            centre.network().restore();
            String answered = checkAndAppend(sidecar);
            while (!answered.equals("REASON_ALLOWED")) {
                LockSupport.parkNanos(50_000_000);
                answered = checkAndAppend(sidecar);
            }
        }
        assertThat(reasons()).containsExactly("a", "b", "checked");
    }

    private static String checkAndAppend(ServedSidecar sidecar) {
        AtomicReference<String> answered = new AtomicReference<>("");
        String refused = ServedSidecar.refused(() -> answered.set(sidecar.decisions()
                .checkAndAppend(CheckAndAppendRequest.newBuilder()
                        .setCheck(CheckRequest.newBuilder()
                                .setTenant("acme")
                                .setSubject("service:sidecar")
                                .setAction("submit")
                                .setResource("invoice:1"))
                        .setEvent(ServedSidecar.seen("submit", "checked"))
                        .setIdempotencyKey("checked")
                        .build())
                .getResponse()
                .getReason()
                .name()));
        return answered.get().isEmpty() ? refused : answered.get();
    }

    private static void assertRefused(ServedSidecar sidecar, String action, Acknowledgement acknowledgement) {
        assertThatThrownBy(() -> sidecar.append(action, "never", acknowledgement))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }

    private List<String> reasons() {
        return centre.reasons(ServedSidecar.SEEN);
    }
}

package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
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

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: clerk}
            spec: {permissions: [{resources: [invoice], actions: [submit]}]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: clerks}
            spec: {subjects: ["service:sidecar"], role: clerk}
            ---
            apiVersion: assize.dev/v1
            kind: SeparationOfDuty
            metadata: {tenant: acme, name: four-eyes}
            spec: {type: performed-actions, actions: [submit, release], resources: [invoice]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: assize, name: of-the-sidecar}
            spec:
              permissions:
                - resources: [policy]
                  actions: [check, explain, search, watch, read, read-history]
                - resources: [ledger]
                  actions: [append]
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: assize, name: sidecars}
            spec: {subjects: ["service:sidecar"], role: of-the-sidecar, fromTenant: acme, scope: {resources: ["tenant:acme"]}}
            """;

    private CentreFixture centre;
    private Path home;
    private String key = "";

    @BeforeEach
    void start(@TempDir Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(POLICY);
        key = centre.key("acme");
        home = centre.home();
    }

    @AfterEach
    void stop() throws Exception {
        centre.close();
    }

    @Test
    void whatItAcknowledgesWhileItIsCutOffIsInTheLedgerAfterwards() throws Exception {
        AssizeSidecar sidecar = CentreFixture.sidecar(home, centre.environment(home, key, "acme"));
        ManagedChannel channel = CentreFixture.channel(sidecar.grpcAddress());
        try {
            AppendAuditResponse first = append(sidecar, channel, "look", "a", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertThat(first.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertThat(first.getSpooled().getNumber()).isEqualTo(1);
            assertThat(first.getEntriesCount()).isZero();

            AppendAuditResponse ruled =
                    append(sidecar, channel, "submit", "b", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertThat(ruled.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER);
            assertThat(reasons()).containsExactly("a", "b");

            assertEveryMeterOfTheAlertsIsThere(sidecar);

            centre.network().cut();
            append(sidecar, channel, "look", "c", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertRefused(sidecar, channel, "submit", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
            assertRefused(sidecar, channel, "look", Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER);
        } finally {
            channel.shutdownNow();
            sidecar.close();
        }

        centre.network().restore();
        try (AssizeSidecar again = CentreFixture.sidecar(home, centre.environment(home, key, "acme"))) {
            assertThat(again.grpcAddress()).isNotEmpty();
            awaitReasons(3);
        }
        assertThat(reasons()).containsExactly("a", "b", "c");
        assertThat(entries()).extracting(AuditEntry::getRecordedBy).containsOnly("service:sidecar");
    }

    /** Of those that are about sidecars. */
    private static void assertEveryMeterOfTheAlertsIsThere(AssizeSidecar sidecar) throws Exception {
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
        try (AssizeSidecar sidecar = CentreFixture.sidecar(home, centre.environment(home, key, "acme"))) {
            ManagedChannel channel = CentreFixture.channel(sidecar.grpcAddress());
            try {
                append(sidecar, channel, "look", "a", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
                awaitReasons(1);
                centre.network().cut();
                append(sidecar, channel, "look", "b", Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
                // It pauses for longer by then than an append takes.
                while (ServedSidecar.metric(sidecar, "assize_spool_forward_failures_total") < 4) {
                    assertThat(checkAndAppend(sidecar, channel)).isIn("LEDGER_UNAVAILABLE", "UPSTREAM_UNAVAILABLE");
                }
                centre.network().restore();
                String answered = checkAndAppend(sidecar, channel);
                while (!answered.equals("REASON_ALLOWED")) {
                    LockSupport.parkNanos(50_000_000);
                    answered = checkAndAppend(sidecar, channel);
                }
            } finally {
                channel.shutdownNow();
            }
        }
        assertThat(reasons()).containsExactly("a", "b", "checked");
    }

    private static String checkAndAppend(AssizeSidecar sidecar, ManagedChannel channel) {
        AtomicReference<String> answered = new AtomicReference<>("");
        String refused = ServedSidecar.refused(() ->
                answered.set(CentreFixture.with(DecisionServiceGrpc.newBlockingStub(channel), sidecar.localKey())
                        .withDeadlineAfter(10, TimeUnit.SECONDS)
                        .checkAndAppend(CheckAndAppendRequest.newBuilder()
                                .setCheck(CheckRequest.newBuilder()
                                        .setTenant("acme")
                                        .setSubject("service:sidecar")
                                        .setAction("submit")
                                        .setResource("invoice:1"))
                                .setEvent(AuditEvent.newBuilder()
                                        .setType("invoice.seen")
                                        .setAction("submit")
                                        .setResource("invoice:1")
                                        .setReason("checked")
                                        .setOutcome(Outcome.OUTCOME_SUCCESS))
                                .setIdempotencyKey("checked")
                                .build())
                        .getResponse()
                        .getReason()
                        .name()));
        return answered.get().isEmpty() ? refused : answered.get();
    }

    private AppendAuditResponse append(
            AssizeSidecar sidecar,
            ManagedChannel channel,
            String action,
            String reason,
            Acknowledgement acknowledgement) {
        return CentreFixture.with(LedgerServiceGrpc.newBlockingStub(channel), sidecar.localKey())
                .withDeadlineAfter(10, TimeUnit.SECONDS)
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("invoice.seen")
                                .setAction(action)
                                .setResource("invoice:1")
                                .setReason(reason)
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .setAcknowledgement(acknowledgement)
                        .build());
    }

    private void assertRefused(
            AssizeSidecar sidecar, ManagedChannel channel, String action, Acknowledgement acknowledgement) {
        try {
            append(sidecar, channel, action, "never", acknowledgement);
        } catch (StatusRuntimeException refused) {
            assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            return;
        }
        throw new AssertionError("Taken while cut off: " + action);
    }

    private void awaitReasons(int count) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (reasons().size() < count && System.nanoTime() < end) {
            LockSupport.parkNanos(20_000_000);
        }
    }

    private List<String> reasons() {
        return entries().stream().map(entry -> entry.getEvent().getReason()).toList();
    }

    private List<AuditEntry> entries() {
        return CentreFixture.with(LedgerServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .queryAudit(QueryAuditRequest.newBuilder()
                        .setTenant("acme")
                        .setType("invoice.seen")
                        .setAscending(true)
                        .build())
                .getEntriesList();
    }
}

package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.Reason;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A sidecar, who calls it, and what is asked. */
final class ServedSidecar implements AutoCloseable {

    static final String POLICY = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [default]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: clerk}
        spec:
          permissions:
            - resources: [vault, invoice]
              actions: [read, submit, release]
            - resources: [payment]
              actions: [send]
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: clerks}
        spec: {subjects: ["user:alice"], role: clerk}
        ---
        apiVersion: assize.dev/v1
        kind: SeparationOfDuty
        metadata: {tenant: acme, name: four-eyes}
        spec: {type: performed-actions, actions: [submit, release], resources: [invoice]}
        ---
        apiVersion: assize.dev/v1
        kind: ApprovalRule
        metadata: {tenant: acme, name: payments}
        spec: {resources: [payment], actions: [send], approvals: 1, approverRole: clerk, pendingTtl: 1h, ttl: 1h}
        ---
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: recorded}
        spec: {environments: [default], audit: {decisionLog: {mode: denies}}}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: recorded, name: reader}
        spec: {permissions: [{resources: [vault], actions: [read]}]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: recorded, name: readers}
        spec: {subjects: ["user:alice"], role: reader}
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
            - resources: [approval]
              actions: [request, use]
            - resources: [subject]
              actions: [act-as]
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: assize, name: sidecars}
        spec:
          subjects: ["service:sidecar"]
          role: of-the-sidecar
          fromTenant: acme
          scope: {resources: ["tenant:acme", "tenant:recorded"]}
        """;

    /** The type of what it appends. */
    static final String SEEN = "invoice.seen";

    private final Path home;
    private final AssizeSidecar sidecar;
    private final ManagedChannel channel;
    private final String key;

    ServedSidecar(Path home, AssizeSidecar sidecar) {
        this.home = home;
        this.sidecar = sidecar;
        this.channel = CentreFixture.channel(sidecar.grpcAddress());
        this.key = sidecar.localKey();
    }

    DecisionServiceGrpc.DecisionServiceBlockingStub decisions() {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key).withDeadlineAfter(10, TimeUnit.SECONDS);
    }

    PolicyServiceGrpc.PolicyServiceBlockingStub policies() {
        return with(PolicyServiceGrpc.newBlockingStub(channel), key).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    LedgerServiceGrpc.LedgerServiceBlockingStub ledger() {
        return with(LedgerServiceGrpc.newBlockingStub(channel), key).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    /** Appends that the sidecar did something with an invoice. */
    AppendAuditResponse append(String action, String reason, Acknowledgement acknowledgement) {
        return ledger().appendAudit(AppendAuditRequest.newBuilder()
                .setTenant("acme")
                .addEvents(seen(action, reason))
                .setAcknowledgement(acknowledgement)
                .build());
    }

    static AuditEvent.Builder seen(String action, String reason) {
        return AuditEvent.newBuilder()
                .setType(SEEN)
                .setAction(action)
                .setResource("invoice:1")
                .setReason(reason)
                .setOutcome(Outcome.OUTCOME_SUCCESS);
    }

    CheckResponse check(CheckRequest request) {
        return decisions().check(request);
    }

    CheckResponse check(String otherKey, CheckRequest request) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), otherKey).check(request);
    }

    /** Asks until the answer is that. */
    CheckResponse until(Reason reason) {
        return until(reason, question().build());
    }

    CheckResponse until(Reason reason, CheckRequest question) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < deadline) {
            try {
                CheckResponse response = check(question);
                if (response.getReason() == reason) {
                    return response;
                }
            } catch (StatusRuntimeException notYet) {
                assertThat(notYet.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            }
            LockSupport.parkNanos(20_000_000);
        }
        throw new AssertionError("never " + reason);
    }

    /** Returns once its readiness says so. */
    void untilReadySays(String text) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        String said = ready();
        while (!said.contains(text)) {
            assertThat(System.nanoTime()).as(said).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
            said = ready();
        }
    }

    /** Asks until there is no answer; when that was asked which was answered last. */
    long untilSilent() {
        long last = System.nanoTime();
        long deadline = last + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < deadline) {
            long asked = System.nanoTime();
            try {
                CheckResponse _ = check(question().build());
                last = asked;
            } catch (StatusRuntimeException silent) {
                return last;
            }
            LockSupport.parkNanos(20_000_000);
        }
        throw new AssertionError("still answers");
    }

    String ready() throws Exception {
        HttpResponse<String> response = get(sidecar, "/readyz");
        return response.statusCode() + " " + response.body();
    }

    double metric(String line) throws Exception {
        return metric(sidecar, line);
    }

    /** The value of the first series that a line of a sidecar's metrics begins with; -1 without one. */
    static double metric(AssizeSidecar sidecar, String line) throws Exception {
        return Stream.of(get(sidecar, "/metrics").body().split("\n", -1))
                .filter(it -> it.startsWith(line))
                .mapToDouble(it -> Double.parseDouble(it.substring(it.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElse(-1);
    }

    String operationsAddress() {
        return sidecar.operationsAddress();
    }

    private static HttpResponse<String> get(AssizeSidecar sidecar, String path) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://" + sidecar.operationsAddress() + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }

    Path home() {
        return home;
    }

    /** What its callers present. */
    String key() {
        return key;
    }

    ManagedChannel channel() {
        return channel;
    }

    @Override
    public void close() {
        channel.shutdownNow();
        sidecar.close();
    }

    static CheckRequest.Builder question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("vault:1")
                .setAction("read");
    }

    /** Why a call is refused. */
    static String refused(Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException failure) {
            return reason(failure);
        }
        return "nothing";
    }

    private static String reason(StatusRuntimeException failure) {
        return Objects.requireNonNull(StatusProto.fromThrowable(failure)).getDetailsList().stream()
                .filter(detail -> detail.is(ErrorInfo.class))
                .map(detail -> {
                    try {
                        return detail.unpack(ErrorInfo.class).getReason();
                    } catch (InvalidProtocolBufferException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .findFirst()
                .orElse(failure.getStatus().toString());
    }
}

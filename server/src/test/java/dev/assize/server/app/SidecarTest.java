package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.server.upstream.UpstreamRefusedException;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A sidecar before a real centre, with a network between them that is cut. */
@Timeout(240)
class SidecarTest {

    private static final String POLICY = """
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
                  actions: [request]
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

    private static final String PLATFORM_ROLE = """
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {name: everywhere}
            spec: {permissions: [{resources: [vault], actions: [%s]}]}
            """;

    private static final String ITS_BINDING = """
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: everywhere}
            spec: {subjects: ["user:alice"], role: everywhere}
            """;

    private static CentreFixture centre;
    private static String key;

    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeAll
    static void start(@TempDir Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(POLICY);
        key = centre.key("acme", "recorded", "nowhere", "assize");
    }

    @AfterAll
    static void stop() {
        centre.close();
    }

    @AfterEach
    void close() throws Exception {
        centre.network().restore();
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
    }

    @Test
    void doesNotStartWhereTheCentreWouldNotServeIt() {
        assertRefused(start(key, "nowhere"), "nowhere");
        assertRefused(start(key, "assize"), "lacks permission");
        assertRefused(start("asz_abcdefghij012345_" + "x".repeat(43), "acme"), "unknown, expired or revoked");
        assertRefused(start(centre.key("recorded"), "acme"), "does not reach the tenant");
        CreateKeyRequest.Builder limited = CreateKeyRequest.newBuilder()
                .setTenant("acme")
                .setSubject("service:sidecar")
                .addTenants("acme");
        assertRefused(start(credential(limited.clone().addEnvs("staging")), "acme"), "limited to environments");
        assertRefused(
                start(
                        credential(limited.clone()
                                .addRpcs("PolicyService/WatchPolicy")
                                .addRpcs("LedgerService/AppendAudit")),
                        "acme"),
                "limited to RPCs");
        Path home = centre.home();
        Map<String, String> overTls = centre.environment(home, key, "acme");
        overTls.put("ASSIZE_UPSTREAM_TLS", "true");
        assertThatThrownBy(() -> open.add(CentreFixture.sidecar(home, overTls)))
                .as("plain text is no TLS")
                .isInstanceOf(UpstreamRefusedException.class);
    }

    private static String credential(CreateKeyRequest.Builder key) {
        return with(AccessServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .createKey(key.build())
                .getCredential();
    }

    private Supplier<AutoCloseable> start(String itsKey, String tenant) {
        Path home = centre.home();
        Map<String, String> environment = centre.environment(home, itsKey, tenant);
        return () -> CentreFixture.sidecar(home, environment);
    }

    private void assertRefused(Supplier<AutoCloseable> start, String why) {
        assertThatThrownBy(() -> open.add(start.get()))
                .isInstanceOf(UpstreamRefusedException.class)
                .hasMessageContaining(why);
    }

    @Test
    void letsInOnlyWhoHasItsKeyAndOnlyToItsTenants() throws Exception {
        Served sidecar = served("acme");
        Path file = sidecar.home.resolve("local-key");
        assertThat(Files.readString(file).strip()).isEqualTo(sidecar.key);
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);

        assertThat(refused(() -> sidecar.check(sidecar.key + "x", question().build())))
                .isEqualTo("CREDENTIALS_INVALID");
        assertThat(refused(() -> sidecar.check(key, question().build()))).isEqualTo("CREDENTIALS_INVALID");
        assertThat(refused(() -> sidecar.check(question().setTenant("recorded").build())))
                .isEqualTo("TENANT_NOT_ALLOWED");
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
    }

    @Test
    void saysWhereToGoWithWhatItDoesNotServe() {
        Served sidecar = served("acme");
        assertThat(refused(() -> with(PolicyServiceGrpc.newBlockingStub(sidecar.channel), sidecar.key)
                        .listRevisions(ListRevisionsRequest.newBuilder()
                                .setTenant("acme")
                                .build())))
                .isEqualTo("NOT_AT_A_SIDECAR");
        assertThat(refused(() -> with(AccessServiceGrpc.newBlockingStub(sidecar.channel), sidecar.key)
                        .listKeys(ListKeysRequest.newBuilder().setTenant("acme").build())))
                .isEqualTo("NOT_AT_A_SIDECAR");
        assertThat(refused(() -> sidecar.policies()
                        .watchPolicy(WatchPolicyRequest.newBuilder()
                                .setTenant("acme")
                                .setDocuments(true)
                                .build())
                        .next()))
                .as("documents come from the centre")
                .isEqualTo("NOT_AT_A_SIDECAR");
    }

    @Test
    void actsOnAChangeAtTheCentreAndTellsThoseWhoListen() {
        Served sidecar = served("acme");
        var states = sidecar.policies()
                .watchPolicy(WatchPolicyRequest.newBuilder().setTenant("acme").build());
        long before = states.next().getState().getRevision();
        assertThat(sidecar.check(question().build()).getRevision()).isEqualTo(before);

        long frozen = with(PolicyServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .freeze(FreezeRequest.newBuilder()
                        .setTenant("acme")
                        .setName("stop")
                        .setSubject("user:alice")
                        .setReason("shown")
                        .build())
                .getCommit()
                .getRevision();
        assertThat(sidecar.check(question().setMinRevision(frozen).build()).getReason())
                .as("the centre answers where the sidecar is behind")
                .isEqualTo(Reason.REASON_FROZEN);
        assertThat(sidecar.until(Reason.REASON_FROZEN).getRevision()).isEqualTo(frozen);
        var next = states.next();
        while (!next.hasState()) {
            next = states.next();
        }
        assertThat(next.getState().getRevision()).isEqualTo(frozen);
        assertThat(next.getState().getPolicyDigest().size()).isEqualTo(32);

        with(PolicyServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .unfreeze(UnfreezeRequest.newBuilder()
                        .setTenant("acme")
                        .setName("stop")
                        .build());
        sidecar.until(Reason.REASON_ALLOWED);
    }

    @Test
    void answersNothingBeyondTheBoundAndGoesOnWithChangesAlone() throws Exception {
        Served sidecar = served("acme");
        assertThat(sidecar.ready()).contains("policy: ok", "centre: ok", "clock: ok");
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);

        long cutAt = System.nanoTime();
        centre.network().cut();
        long lastAnswerAt = sidecar.untilSilent();
        assertThat(Duration.ofNanos(lastAnswerAt - cutAt))
                .as("from the cut to the last answer")
                .isBetween(Duration.ZERO, CentreFixture.BOUND.plusMillis(1_500));
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        assertThat(sidecar.ready())
                .contains("policy: not confirmed", "ATTENTION")
                .startsWith("503");

        String freeze = """
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata: {tenant: acme, name: meanwhile}
                spec: {subject: "user:bob", reason: shown}
                """;
        long changed = centre.apply(freeze).getChanges(0).getRevision();
        centre.network().restore();
        assertThat(sidecar.until(Reason.REASON_ALLOWED).getRevision()).isEqualTo(changed);
        assertThat(sidecar.metric("assize_upstream_states_total{as=\"whole\"}")).isEqualTo(1);
        assertThat(sidecar.metric("assize_upstream_states_total{as=\"changes\"}"))
                .isPositive();
        centre.apply(
                "",
                dev.assize.proto.v1.DocumentKey.newBuilder()
                        .setTenant("acme")
                        .setKind("Freeze")
                        .setName("meanwhile")
                        .build());
    }

    @Test
    void takesNothingThatLayInTheNetworkForNew() throws Exception {
        Served sidecar = served("acme");
        sidecar.check(question().build());
        centre.network().stall();
        sidecar.untilSilent();
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
    }

    @Test
    void startsWithoutItsCentreAndAnswersWhenThatIsBack() {
        Path home = centre.home();
        Map<String, String> environment = centre.environment(home, key, "acme");
        CentreFixture.sidecar(home, environment).close();
        centre.network().cut();
        Served sidecar = new Served(home, CentreFixture.sidecar(home, environment));
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
    }

    /** It would be remembered as whoever it was taken for, and what it appends in its own name refused at the centre. */
    @Test
    void letsNobodyInBeforeItKnowsWhoItIs() {
        Path home = centre.home();
        Map<String, String> environment = centre.environment(home, key, "acme");
        environment.put("ASSIZE_AUTHENTICATION_CACHE_TTL", "60s");
        CentreFixture.sidecar(home, environment).close();
        centre.network().cut();
        Served sidecar = new Served(home, CentreFixture.sidecar(home, environment));
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        assertThat(refused(() -> sidecar.check(question().setTenant("recorded").build())))
                .as("where a caller who was let in would be told that the key does not reach it")
                .isEqualTo("POLICY_STALE");
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
        assertThat(with(LedgerServiceGrpc.newBlockingStub(sidecar.channel), sidecar.key)
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(AuditEvent.newBuilder()
                                        .setType("vault.looked")
                                        .setAction("look")
                                        .setResource("vault:1")
                                        .setOutcome(dev.assize.proto.v1.Outcome.OUTCOME_SUCCESS))
                                .build())
                        .getEntriesCount())
                .isEqualTo(1);
    }

    @Test
    void aTenantThatLagsKeepsNoOtherFromThePlatform() throws Exception {
        centre.apply(PLATFORM_ROLE.formatted("peek") + "---\n" + ITS_BINDING);
        Served sidecar = served("acme,recorded");
        CheckRequest peek = question().setAction("peek").build();
        assertThat(sidecar.check(peek).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(sidecar.check(question().setTenant("recorded").build()).getReason())
                .isEqualTo(Reason.REASON_ALLOWED);
        Path mark = sidecar.home.resolve("policy-seen").resolve("recorded");
        Files.delete(mark);
        // What the other tenant's stream brings from now on cannot be taken, for it cannot be noted.
        Files.createDirectories(mark.resolve("in-the-way"));

        long platform =
                centre.apply(PLATFORM_ROLE.formatted("look")).getChanges(0).getRevision();
        CheckResponse denied = sidecar.until(Reason.REASON_NO_GRANT, peek);
        assertThat(denied.getPlatformRevision()).isEqualTo(platform);
        assertThat(sidecar.ready()).contains("ATTENTION: `recorded`");
        centre.apply("", named("acme", "RoleBinding"), named("", "Role"));
    }

    @Test
    void whatItsKeyMayNotDoAnyMoreItDoesNotHoweverMuchChanges() {
        String role = """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: assize, name: of-another}
                spec: {permissions: [{resources: [policy], actions: [%s]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: others}
                spec:
                  subjects: ["service:another"]
                  role: of-another
                  fromTenant: acme
                  scope: {resources: ["tenant:acme"]}
                """;
        centre.apply(role.formatted("watch, read, check"));
        Path home = centre.home();
        Map<String, String> environment =
                centre.environment(home, centre.keyOf("acme", "service:another", "acme"), "acme");
        Served sidecar = new Served(home, CentreFixture.sidecar(home, environment));
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        centre.apply(role.formatted("watch, read"));
        String last = "nothing";
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        for (int i = 0; last.equals("nothing") && System.nanoTime() < deadline; i++) {
            centre.apply("""
                    apiVersion: assize.dev/v1
                    kind: Freeze
                    metadata: {tenant: acme, name: everywhere}
                    spec: {subject: "user:bob", reason: "change %d"}
                    """.formatted(i));
            LockSupport.parkNanos(100_000_000);
            last = refused(() -> sidecar.check(question().build()));
        }
        assertThat(last).isEqualTo("PERMISSION_MISSING");
        centre.apply("", named("acme", "Freeze"));
    }

    private static dev.assize.proto.v1.DocumentKey named(String tenant, String kind) {
        return dev.assize.proto.v1.DocumentKey.newBuilder()
                .setTenant(tenant)
                .setKind(kind)
                .setName("everywhere")
                .build();
    }

    @Test
    void asksTheCentreForWhatOnlyThatKnows() {
        Served sidecar = served("acme");
        CheckRequest.Builder release = question().setResource("invoice:1").setAction("release");
        assertThat(sidecar.check(release.build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        with(LedgerServiceGrpc.newBlockingStub(sidecar.channel), sidecar.key)
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("invoice.submitted")
                                .setActor("user:alice")
                                .setAction("submit")
                                .setResource("invoice:1")
                                .setOutcome(dev.assize.proto.v1.Outcome.OUTCOME_SUCCESS))
                        .build());
        CheckResponse denied = sidecar.check(release.build());
        assertThat(denied.getReason()).isEqualTo(Reason.REASON_SEPARATION_OF_DUTY);
        assertThat(denied.getDecidedBy().getSeparationOfDuty()).isEqualTo("four-eyes");

        CheckRequest.Builder payment = question().setResource("payment:1").setAction("send");
        assertThat(sidecar.check(payment.build()).getReason()).isEqualTo(Reason.REASON_APPROVAL_REQUIRED);
        var asked = with(dev.assize.proto.v1.ApprovalServiceGrpc.newBlockingStub(sidecar.channel), sidecar.key)
                .requestApproval(RequestApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("user:alice")
                        .setRequester("user:alice")
                        .setAction("send")
                        .setResource("payment:1")
                        .build());
        assertThat(asked.getApproval().getApprovalId()).isNotEmpty();

        assertThat(sidecar.decisions()
                        .checkBatch(CheckBatchRequest.newBuilder()
                                .setTenant("acme")
                                .addItems(question().clearTenant())
                                .addItems(payment.clone().clearTenant())
                                .build())
                        .getResultsList())
                .extracting(result -> result.getResponse().getReason())
                .containsExactly(Reason.REASON_ALLOWED, Reason.REASON_APPROVAL_REQUIRED);
        assertThat(sidecar.check(question().setAtRevision(1).build()).getHistorical())
                .isTrue();
        assertThat(sidecar.decisions()
                        .searchActions(SearchActionsRequest.newBuilder()
                                .setCheck(question().clearAction())
                                .build())
                        .next()
                        .getActionsList())
                .contains("read");

        centre.network().cut();
        assertThat(refused(() -> sidecar.check(payment.build()))).isEqualTo("UPSTREAM_UNAVAILABLE");
        assertThat(sidecar.check(question().build()).getReason())
                .as("the rest is still decided here")
                .isEqualTo(Reason.REASON_ALLOWED);
    }

    @Test
    void hasTheCentreGiveAnswersThatGoOnRecord() {
        Served sidecar = served("acme,recorded");
        CheckRequest.Builder allowed = question().setTenant("recorded");
        CheckRequest.Builder denied = allowed.clone().setAction("destroy");
        assertThat(sidecar.check(denied.build()).getReason()).isEqualTo(Reason.REASON_NO_GRANT);
        assertThat(sidecar.decisions()
                        .checkBatch(CheckBatchRequest.newBuilder()
                                .setTenant("recorded")
                                .addItems(allowed.clone().clearTenant())
                                .addItems(denied.clone().clearTenant())
                                .build())
                        .getResultsCount())
                .isEqualTo(2);
        var records = with(DecisionServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .queryDecisions(
                        QueryDecisionsRequest.newBuilder().setTenant("recorded").build())
                .getDecisionsList();
        assertThat(records)
                .hasSize(2)
                .allSatisfy(record -> assertThat(record.getCaller()).isEqualTo("service:sidecar"));

        centre.network().cut();
        assertThat(sidecar.check(allowed.build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(refused(() -> sidecar.check(denied.build()))).isEqualTo("UPSTREAM_UNAVAILABLE");
    }

    @Test
    void answersNothingOnceItsKeyIsRevoked() {
        String own = centre.key("acme");
        Path home = centre.home();
        Served sidecar = new Served(home, CentreFixture.sidecar(home, centre.environment(home, own, "acme")));
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        var _ = with(AccessServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .revokeKey(RevokeKeyRequest.newBuilder()
                        .setTenant("acme")
                        .setId(own.split("_", -1)[1])
                        .build());
        sidecar.untilSilent();
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
    }

    private static CheckRequest.Builder question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("vault:1")
                .setAction("read");
    }

    private static String refused(Runnable call) {
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
                    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .findFirst()
                .orElse(failure.getStatus().toString());
    }

    private Served served(String tenants) {
        Path home = centre.home();
        return new Served(home, CentreFixture.sidecar(home, centre.environment(home, key, tenants)));
    }

    /** A sidecar and who calls it. */
    private final class Served {

        private final Path home;
        private final AssizeSidecar sidecar;
        private final ManagedChannel channel;
        private final String key;

        Served(Path home, AssizeSidecar sidecar) {
            this.home = home;
            this.sidecar = sidecar;
            this.channel = CentreFixture.channel(sidecar.grpcAddress());
            this.key = sidecar.localKey();
            open.add(sidecar);
            open.add(channel::shutdownNow);
        }

        DecisionServiceGrpc.DecisionServiceBlockingStub decisions() {
            return with(DecisionServiceGrpc.newBlockingStub(channel), key).withDeadlineAfter(10, TimeUnit.SECONDS);
        }

        PolicyServiceGrpc.PolicyServiceBlockingStub policies() {
            return with(PolicyServiceGrpc.newBlockingStub(channel), key).withDeadlineAfter(60, TimeUnit.SECONDS);
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

        /** Asks until there is no answer; when the last one came. */
        long untilSilent() {
            long last = System.nanoTime();
            long deadline = last + TimeUnit.SECONDS.toNanos(60);
            while (System.nanoTime() < deadline) {
                try {
                    CheckResponse _ = check(question().build());
                    last = System.nanoTime();
                } catch (StatusRuntimeException silent) {
                    return last;
                }
                LockSupport.parkNanos(20_000_000);
            }
            throw new AssertionError("still answers");
        }

        String ready() throws Exception {
            HttpResponse<String> response = get("/readyz");
            return response.statusCode() + " " + response.body();
        }

        double metric(String line) throws Exception {
            return Stream.of(get("/metrics").body().split("\n", -1))
                    .filter(it -> it.startsWith(line))
                    .mapToDouble(it -> Double.parseDouble(it.substring(it.lastIndexOf(' ') + 1)))
                    .findFirst()
                    .orElse(-1);
        }

        private HttpResponse<String> get(String path) throws Exception {
            try (HttpClient client = HttpClient.newHttpClient()) {
                return client.send(
                        HttpRequest.newBuilder(URI.create("http://" + sidecar.operationsAddress() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
            }
        }
    }
}

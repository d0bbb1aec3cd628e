package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static dev.assize.server.app.ServedSidecar.question;
import static dev.assize.server.app.ServedSidecar.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.Obligation;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.server.upstream.UpstreamRefusedException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a sidecar before a real centre answers, whom, and whom not. */
@Timeout(240)
class SidecarTest {

    private static CentreFixture centre;
    private static String key;

    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeAll
    static void start(@TempDir Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(ServedSidecar.POLICY);
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
        ServedSidecar sidecar = served("acme");
        Path file = sidecar.home().resolve("local-key");
        assertThat(Files.readString(file).strip()).isEqualTo(sidecar.key());
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);

        assertThat(refused(() -> sidecar.check(sidecar.key() + "x", question().build())))
                .isEqualTo("CREDENTIALS_INVALID");
        assertThat(refused(() -> sidecar.check(key, question().build()))).isEqualTo("CREDENTIALS_INVALID");
        assertThat(refused(() -> sidecar.check(question().setTenant("recorded").build())))
                .isEqualTo("TENANT_NOT_ALLOWED");
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
    }

    @Test
    void saysWhereToGoWithWhatItDoesNotServe() {
        ServedSidecar sidecar = served("acme");
        assertThat(refused(() -> with(PolicyServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
                        .listRevisions(ListRevisionsRequest.newBuilder()
                                .setTenant("acme")
                                .build())))
                .isEqualTo("NOT_AT_A_SIDECAR");
        assertThat(refused(() -> with(AccessServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
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
        ServedSidecar sidecar = served("acme");
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
    void asksTheCentreForWhatOnlyThatKnows() {
        ServedSidecar sidecar = served("acme");
        CheckRequest.Builder release = question().setResource("invoice:1").setAction("release");
        assertThat(sidecar.check(release.build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        with(LedgerServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
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
        var asked = with(ApprovalServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
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

    /** Asked for here, approved at the centre, and acted upon here, once. */
    @Test
    void allowsWhatWasApprovedAtTheCentreUntilTheApprovalIsUsed() throws Exception {
        centre.apply("""
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: acme, name: treasurer}
                spec: {permissions: [{resources: [wire], actions: [send]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: treasurers}
                spec: {subjects: ["user:alice", "user:carol"], role: treasurer}
                ---
                apiVersion: assize.dev/v1
                kind: ApprovalRule
                metadata: {tenant: acme, name: wires}
                spec:
                  resources: [wire]
                  actions: [send]
                  approvals: 1
                  approverRole: treasurer
                  pendingTtl: 1h
                  ttl: 1h
                  singleUse: true
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: assize, name: user-of-approvals}
                spec: {permissions: [{resources: [approval], actions: [use]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: users-of-approvals}
                spec: {subjects: ["service:sidecar"], role: user-of-approvals, fromTenant: acme}
                """);
        ServedSidecar sidecar = served("acme");
        CheckRequest wire = question().setResource("wire:1").setAction("send").build();
        sidecar.until(Reason.REASON_APPROVAL_REQUIRED, wire);
        var approvals = with(ApprovalServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key());
        String id = approvals
                .requestApproval(RequestApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("user:alice")
                        .setRequester("user:alice")
                        .setAction("send")
                        .setResource("wire:1")
                        .build())
                .getApproval()
                .getApprovalId();
        assertThat(allAnswers(sidecar, wire))
                .extracting(CheckResponse::getReason)
                .containsOnly(Reason.REASON_APPROVAL_REQUIRED);

        var _ = with(ApprovalServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .resolveApproval(ResolveApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setApprovalId(id)
                        .setApprover("user:carol")
                        .setApprove(true)
                        .build());
        assertThat(allAnswers(sidecar, wire)).hasSize(3).allSatisfy(answer -> {
            assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_ALLOW);
            assertThat(answer.getApprovalId()).isEqualTo(id);
            assertThat(answer.getObligationsList())
                    .extracting(Obligation::getType)
                    .containsExactly("assize/use-approval");
        });
        assertThat(sidecar.check(wire.toBuilder().setResource("wire:2").build()).getReason())
                .as("another than was approved")
                .isEqualTo(Reason.REASON_APPROVAL_REQUIRED);

        centre.network().cut();
        assertThat(refused(() -> sidecar.check(wire)))
                .as("nobody remembers an approval, which may have been used meanwhile")
                .isEqualTo("UPSTREAM_UNAVAILABLE");
        centre.network().restore();
        assertThat(sidecar.until(Reason.REASON_ALLOWED, wire).getApprovalId()).isEqualTo(id);

        UseApprovalRequest use = UseApprovalRequest.newBuilder()
                .setTenant("acme")
                .setApprovalId(id)
                .setSubject("user:alice")
                .setIdempotencyKey("wire-1")
                .build();
        assertThat(approvals.useApproval(use)).isEqualTo(approvals.useApproval(use));
        assertThat(refused(() -> approvals.useApproval(
                        use.toBuilder().setIdempotencyKey("again").build())))
                .isEqualTo("APPROVAL_STATE");
        assertThat(allAnswers(sidecar, wire))
                .extracting(CheckResponse::getReason)
                .containsOnly(Reason.REASON_APPROVAL_REQUIRED);
    }

    /** The answers to a question by itself, in a batch and in a stream. */
    private static List<CheckResponse> allAnswers(ServedSidecar sidecar, CheckRequest question) throws Exception {
        CompletableFuture<CheckResponse> streamed = new CompletableFuture<>();
        StreamObserver<CheckStreamRequest> stream = with(DecisionServiceGrpc.newStub(sidecar.channel()), sidecar.key())
                .checkStream(new StreamObserver<>() {
                    @Override
                    public void onNext(CheckStreamResponse response) {
                        streamed.complete(response.getResponse());
                    }

                    @Override
                    public void onError(Throwable failure) {
                        streamed.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {}
                });
        stream.onNext(CheckStreamRequest.newBuilder().setCheck(question).build());
        CheckResponse inAStream = streamed.get(10, TimeUnit.SECONDS);
        stream.onCompleted();
        return List.of(
                sidecar.check(question),
                sidecar.decisions()
                        .checkBatch(CheckBatchRequest.newBuilder()
                                .setTenant("acme")
                                .addItems(question)
                                .build())
                        .getResults(0)
                        .getResponse(),
                inAStream);
    }

    @Test
    void hasTheCentreGiveAnswersThatGoOnRecord() {
        ServedSidecar sidecar = served("acme,recorded");
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

    /** By time, of which no change of policy tells. What it took in somebody's name later its centre would never take. */
    @Test
    void speaksForNobodyWhenItMayNotAnyMore() {
        Instant end;
        ServedSidecar sidecar;
        String refused;
        int seconds = 3;
        do {
            // Long enough for a sidecar to start, on whatever machine.
            end = Instant.now().plusSeconds(seconds).truncatedTo(ChronoUnit.SECONDS);
            seconds *= 3;
            sidecar = speaker(end);
            refused = refusal(sidecar);
        } while (refused.equals("ACT_AS_MISSING")
                && seconds < 100
                && !Instant.now().isBefore(end));
        assertThat(refused).isEqualTo("nothing");

        Instant longest = end.plusSeconds(10);
        while (refused.equals("nothing") && Instant.now().isBefore(longest)) {
            LockSupport.parkNanos(100_000_000);
            refused = refusal(sidecar);
        }
        assertThat(refused).isEqualTo("ACT_AS_MISSING");
        assertThat(Instant.now()).isAfterOrEqualTo(end);
    }

    /** A sidecar that may speak for others until then. */
    private ServedSidecar speaker(Instant end) {
        centre.apply("""
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: assize, name: speaker}
                spec: {permissions: [{resources: [subject], actions: [act-as]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: speakers-for-now}
                spec: {subjects: ["service:speaker"], role: speaker, fromTenant: acme, notAfter: "%s"}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: other-sidecars}
                spec: {subjects: ["service:speaker"], role: sidecar, fromTenant: acme, scope: {resources: ["tenant:acme"]}}
                """.formatted(end));
        Path home = centre.home();
        String speaking = centre.keyOf("acme", "service:speaker", "acme");
        return open(new ServedSidecar(home, CentreFixture.sidecar(home, centre.environment(home, speaking, "acme"))));
    }

    /** Why it takes nothing in somebody's name; `nothing` where it does. */
    private static String refusal(ServedSidecar sidecar) {
        return refused(() -> spool(sidecar));
    }

    private static void spool(ServedSidecar sidecar) {
        var _ = with(LedgerServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .setAcknowledgement(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                        .addEvents(AuditEvent.newBuilder()
                                .setType("vault.read")
                                .setActor("user:alice")
                                .setAction("read")
                                .setResource("vault:1")
                                .setOutcome(dev.assize.proto.v1.Outcome.OUTCOME_SUCCESS))
                        .build());
    }

    private ServedSidecar served(String tenants) {
        Path home = centre.home();
        return open(new ServedSidecar(home, CentreFixture.sidecar(home, centre.environment(home, key, tenants))));
    }

    private ServedSidecar open(ServedSidecar sidecar) {
        open.add(sidecar);
        return sidecar;
    }
}

package dev.assize.server.endpoint.grpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import dev.assize.server.endpoint.call.ErrorReason;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All rooms as they are served: a port, a database, the real engine. Each test has a tenant of its own. */
class ServedTest extends ServedNode {

    @Test
    void seedsTenantAssizeOnce() {
        ListRevisionsResponse revisions = policies(admin)
                .listRevisions(
                        ListRevisionsRequest.newBuilder().setTenant("assize").build());
        assertThat(revisions.getRevisions(revisions.getRevisionsCount() - 1).getRevision())
                .isOne();
        assertThat(revisions.getRevisions(revisions.getRevisionsCount() - 1).getActor())
                .isEqualTo("service:assize");
    }

    @Test
    void refusesAPolicyWithEverythingThatIsWrongAndItsPlace() {
        Refusal refusal = Refusal.of(
                        () -> apply(admin, header(), put(tenant("broken") + "---\n" + binding("broken", "x"))))
                .is(ErrorReason.POLICY_INVALID);
        assertThat(refusal.status().getMessage()).contains("policy.yaml:").contains("`x`");
        Refusal.of(() -> policies(admin)
                        .exportPolicy(ExportPolicyRequest.newBuilder()
                                .setTenant("broken")
                                .build())
                        .hasNext())
                .is(ErrorReason.TENANT_NOT_FOUND);
    }

    @Test
    void tellsADryRunWhatIsWrongAndChangesNothing() {
        ApplyPolicyResponse dry = apply(
                admin,
                ApplyPolicyHeader.newBuilder().setDryRun(true).build(),
                put(tenant("dry") + "---\n" + binding("dry", "x")));
        assertThat(dry.getDryRun()).isTrue();
        assertThat(dry.getProblemsList()).hasSize(1);
        assertThat(check(admin, "dry", "user:alice").getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
    }

    @Test
    void refusesYamlOf10MegabytesInWords() {
        String huge = "# " + "x".repeat(10_000_000);
        Refusal refusal = Refusal.of(() -> apply(admin, header(), put(huge))).is(ErrorReason.POLICY_INVALID);
        assertThat(refusal.status().getMessage()).contains("policy.yaml");
    }

    @Test
    void refusesAChangeOfMoreThan100000Parts() {
        apply(admin, header(), put(tenant("parts")));
        ApplyPolicyRequest[] deletions = new ApplyPolicyRequest[100_001];
        Arrays.setAll(
                deletions,
                i -> ApplyPolicyRequest.newBuilder()
                        .setDelete(DocumentKey.newBuilder()
                                .setTenant("parts")
                                .setKind("Role")
                                .setName("r" + i))
                        .build());
        Refusal refusal = Refusal.of(() -> apply(admin, header(), deletions)).is(ErrorReason.REQUEST_INVALID);
        assertThat(refusal.status().getMessage()).contains("100001", "at most 100000");
        // Of as many as may be, each is looked at.
        Refusal.of(() -> apply(admin, header(), Arrays.copyOf(deletions, 100_000)))
                .is(ErrorReason.POLICY_INVALID);
    }

    @Test
    void refusesAMessageThatIsNotProtobufOrNotUtf8() {
        byte[] notUtf8 = {0x0A, 2, (byte) 0xC3, 0x28};
        byte[] notProtobuf = {0x0A, 100, 1};
        for (byte[] body : List.of(notUtf8, notProtobuf)) {
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + admin);
            MethodDescriptor<byte[], byte[]> raw = MethodDescriptor.newBuilder(new Bytes(), new Bytes())
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName(DecisionServiceGrpc.getCheckMethod().getFullMethodName())
                    .build();
            assertThatThrownBy(() -> ClientCalls.blockingUnaryCall(
                            io.grpc.ClientInterceptors.intercept(
                                    channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                            raw,
                            CallOptions.DEFAULT,
                            body))
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            thrown -> assertThat(thrown.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT));
        }
    }

    @Test
    void refusesAChangeMadeForAnotherRevision() {
        apply(admin, header(), put(tenant("moved")));
        ApplyPolicyHeader stale = ApplyPolicyHeader.newBuilder()
                .addPreconditions(
                        RevisionPrecondition.newBuilder().setTenant("moved").setRevision(0))
                .build();
        Refusal.of(() -> apply(admin, stale, put(role("moved")))).is(ErrorReason.REVISION_MOVED);
    }

    @Test
    void refusesANewTenantToATenantAdministrator() {
        apply(admin, header(), put("""
                        apiVersion: assize.dev/v1
                        kind: RoleBinding
                        metadata: {tenant: assize, name: bob}
                        spec: {subjects: ["user:bob"], role: tenant-administrator}
                        """));
        String bob = key("user:bob", "assize", true);
        Refusal.of(() -> apply(bob, header(), put(tenant("bobs")))).is(ErrorReason.PERMISSION_MISSING);
        apply(admin, header(), put(tenant("bobs")));
        apply(bob, header(), put(role("bobs")));
    }

    @Test
    void appliesDecidesExportsAndForgetsATenant() {
        ApplyPolicyResponse applied =
                apply(admin, header(), put(tenant("acme") + "---\n" + role("acme") + "---\n" + binding("acme", "r")));
        assertThat(applied.getChanges(0).getRevision()).isOne();
        assertThat(applied.getChanges(0).hasSeq()).isTrue();

        CheckResponse allowed = check(admin, "acme", "user:alice");
        assertThat(allowed.getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(allowed.getRevision()).isOne();
        assertThat(check(admin, "acme", "user:bob").getReason()).isEqualTo(Reason.REASON_NO_GRANT);

        List<ExportPolicyResponse> export = new ArrayList<>();
        policies(admin)
                .exportPolicy(ExportPolicyRequest.newBuilder().setTenant("acme").build())
                .forEachRemaining(export::add);
        assertThat(export).extracting(ExportPolicyResponse::getKind).containsExactly("Tenant", "Role", "RoleBinding");
        String yaml = export.stream().map(one -> one.getYaml().toStringUtf8()).collect(Collectors.joining("---\n"));
        assertThat(apply(admin, header(), put(yaml)).getChanges(0).getRevision())
                .as("what was exported is what is there")
                .isOne();

        assertThat(ledger(admin)
                        .queryAudit(QueryAuditRequest.newBuilder()
                                .setTenant("acme")
                                .setAscending(true)
                                .build())
                        .getEntriesList())
                .extracting(entry -> entry.getEvent().getType())
                .containsExactly(
                        "assize.policy.manifest", "assize.policy.diff", "assize.policy.diff", "assize.policy.diff");
        List<VerifyChainResponse> verified = new ArrayList<>();
        ledger(admin)
                .verifyChain(VerifyChainRequest.newBuilder().setTenant("acme").build())
                .forEachRemaining(verified::add);
        assertThat(verified.getLast().getResult().getValid()).isTrue();

        apply(
                admin,
                header(),
                export.stream()
                        .map(one -> ApplyPolicyRequest.newBuilder()
                                .setDelete(DocumentKey.newBuilder()
                                        .setTenant("acme")
                                        .setKind(one.getKind())
                                        .setName(one.getName()))
                                .build())
                        .toArray(ApplyPolicyRequest[]::new));
        assertThat(check(admin, "acme", "user:alice").getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
    }

    @Test
    void pausesAnAgentAndKillsARunThatIsUnderWay() throws Exception {
        for (String file : List.of("roles.yaml", "access.yaml")) {
            try (InputStream pack = requireNonNull(ServedTest.class.getResourceAsStream("/policies/flexor/" + file))) {
                apply(admin, header(), put(new String(pack.readAllBytes(), StandardCharsets.UTF_8)));
            }
        }
        CheckRequest trigger = flexor("service:scheduler", "vault:company/agent:feed-monitor", "trigger", "");
        CheckRequest work = flexor("agent:feed-monitor", "vault:company/record:equity-prices", "write", "a1b2c3");
        try (Context.CancellableContext running = Context.current().withCancellation()) {
            Iterator<WatchDecisionResponse> agent = running.call(() -> decisions(admin)
                    .watchDecision(
                            WatchDecisionRequest.newBuilder().setCheck(work).build()));
            assertThat(agent.next().getResponse().getReason()).isEqualTo(Reason.REASON_ALLOWED);

            FreezeResponse pause = policies(admin)
                    .freeze(FreezeRequest.newBuilder()
                            .setTenant("flexor")
                            .setEnvironment("production")
                            .setResource("vault:company/agent:feed-monitor")
                            .setAction("trigger")
                            .setReason("a source sends yesterday's prices")
                            .build());
            assertThat(reason(trigger)).isEqualTo(Reason.REASON_FROZEN);
            assertThat(reason(trigger.toBuilder().setEnv("staging").build())).isEqualTo(Reason.REASON_ALLOWED);
            assertThat(reason(work)).as("what runs goes on").isEqualTo(Reason.REASON_ALLOWED);

            policies(admin)
                    .freeze(FreezeRequest.newBuilder()
                            .setTenant("flexor")
                            .setRun("a1b2c3")
                            .setReason("it writes the same report twice")
                            .build());
            WatchDecisionResponse heard = agent.next();
            while (heard.getResponse().getReason() != Reason.REASON_FROZEN) {
                assertThat(heard.hasConfirmed() || heard.getResponse().getReason() == Reason.REASON_ALLOWED)
                        .isTrue();
                heard = agent.next();
            }
            assertThat(reason(work)).isEqualTo(Reason.REASON_FROZEN);
            assertThat(reason(work.toBuilder().setRunId("d4e5f6").build())).isEqualTo(Reason.REASON_ALLOWED);

            policies(admin)
                    .unfreeze(UnfreezeRequest.newBuilder()
                            .setTenant("flexor")
                            .setName(pause.getName())
                            .setReason("the source is well again")
                            .build());
            assertThat(reason(trigger)).isEqualTo(Reason.REASON_ALLOWED);
        }
    }

    private static CheckRequest flexor(String subject, String resource, String action, String run) {
        return CheckRequest.newBuilder()
                .setTenant("flexor")
                .setEnv("production")
                .setSubject(subject)
                .setResource(resource)
                .setAction(action)
                .setRunId(run)
                .build();
    }

    @Test
    void letsAServiceAskAndSpeakForItsUsersInItsTenantOnly() {
        apply(admin, header(), put(tenant("home") + "---\n" + tenant("far")));
        String replay = key("service:replay", "home", false, "home", "far");
        Refusal.of(() -> check(replay, "home", "user:alice")).is(ErrorReason.PERMISSION_MISSING);
        apply(admin, header(), put("""
                        apiVersion: assize.dev/v1
                        kind: RoleBinding
                        metadata: {tenant: assize, name: home-replay}
                        spec:
                          subjects: ["service:replay"]
                          fromTenant: home
                          role: service
                          scope: {resources: ["tenant:home"]}
                        """));

        assertThat(check(replay, "home", "user:alice").getReason()).isEqualTo(Reason.REASON_NO_GRANT);
        Refusal.of(() -> check(replay, "far", "user:alice")).is(ErrorReason.PERMISSION_MISSING);
        AppendAuditRequest append = AppendAuditRequest.newBuilder()
                .setTenant("home")
                .setIdempotencyKey("once")
                .addEvents(AuditEvent.newBuilder()
                        .setType("replay.executed")
                        .setActor("user:alice")
                        .setAction("execute")
                        .setResource("replay:1")
                        .setOutcome(Outcome.OUTCOME_SUCCESS))
                .build();
        assertThat(ledger(replay).appendAudit(append).getReplayed()).isFalse();
        assertThat(ledger(replay).appendAudit(append).getReplayed()).isTrue();
        Refusal.of(() -> ledger(replay)
                        .appendAudit(append.toBuilder()
                                .addEvents(append.getEvents(0))
                                .build()))
                .is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
    }

    @Test
    void saysInOneLineThatThePortIsInUse(@TempDir Path directory) {
        int taken = node.getInstance(GrpcServer.class).port();
        Injector second = Guice.createInjector(Stage.PRODUCTION, modules(database, directory, taken));
        try (GrpcServer server = second.getInstance(GrpcServer.class)) {
            assertThatThrownBy(server::start)
                    .isInstanceOf(GrpcStartException.class)
                    .hasMessageContaining("127.0.0.1:" + taken)
                    .hasMessageContaining("in use");
        }
    }

    /** Messages as they are. */
    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

package dev.assize.server.endpoint.grpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Module;
import com.google.inject.Provider;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.Stage;
import com.google.protobuf.ByteString;
import dev.assize.client.AssizeClient;
import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TrustPolicy;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.proto.v1.AccessGrant;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.BeginIncarnationRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DeleteTenantResponse;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.EndedGrant;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetConsistencyProofResponse;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetInclusionProofResponse;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.Hold;
import dev.assize.proto.v1.HoldScope;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.ListTenantsResponse;
import dev.assize.proto.v1.MetaCheckpoint;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPart;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.ReleaseHoldRequest;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayResult;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ResumeTenantResponse;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.proto.v1.TenantEntry;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyResult;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import dev.assize.server.access.AccessModule;
import dev.assize.server.administration.AdministrationModule;
import dev.assize.server.administration.Bootstrap;
import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.administration.CleanUpTurns;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.AnchorModule;
import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.app.ClientBundles;
import dev.assize.server.audit.AuditModule;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.AuthenticationModule;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.authentication.TenantGoneException;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.NodesModule;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.DirectoryArchive;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.RecordingConfig;
import dev.assize.server.recording.RecordingModule;
import dev.assize.server.retention.ArchiveBundles;
import dev.assize.server.retention.RetentionModule;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.testing.Ticks;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** All rooms as they are served: a port, a database, the real engine. Each test has a tenant of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServedTest {

    private final TestDatabase database = TestDatabase.fresh();
    private Path directory = Path.of("");

    /** How far the node's clock is behind. */
    private volatile Duration behind = Duration.ZERO;

    private Injector node = Guice.createInjector();
    private String admin = "";
    private ManagedChannel channel = ManagedChannelBuilder.forTarget("unused").build();

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        node = Guice.createInjector(
                Stage.PRODUCTION,
                modules(database, directory, 0, () -> Instant.now().minus(behind)));
        node.getInstance(Database.class).start();
        node.getInstance(Anchor.class).start();
        seedTwiceAtOnce();
        node.getInstance(PolicyWatch.class).start();
        node.getInstance(GrpcServer.class).start();
        channel.shutdownNow();
        channel = ManagedChannelBuilder.forAddress(
                        "127.0.0.1", node.getInstance(GrpcServer.class).port())
                .usePlaintext()
                .build();
        admin = key("user:admin", "assize", true);
    }

    @AfterAll
    void stop() {
        channel.shutdownNow();
        node.getInstance(GrpcServer.class).close();
        node.getInstance(PolicyWatch.class).close();
        node.getInstance(Appender.class).close();
        node.getInstance(Anchor.class).close();
        node.getInstance(Database.class).close();
        database.close();
    }

    private void seedTwiceAtOnce() {
        CompletableFuture.allOf(
                        CompletableFuture.runAsync(node.getInstance(Bootstrap.class)::run),
                        CompletableFuture.runAsync(node.getInstance(Bootstrap.class)::run))
                .join();
    }

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
    void provesAnEntryToWhoBelievesNothing() throws NotProvenException {
        apply(admin, header(), put(tenant("proven")));
        AppendedEntry first = append("proven", 300).getFirst();
        node.getInstance(Anchor.class).round();
        GetCheckpointResponse kept = ledger(admin)
                .getCheckpoint(
                        GetCheckpointRequest.newBuilder().setTenant("proven").build());
        VerifierKey key = VerifierKey.parse(kept.getVerifierKeys(0));
        Checkpoint checkpoint = TrustPolicy.of(kept.getOrigin(), key).accept(note(kept.getCheckpoint()));
        assertThat(checkpoint.size()).isEqualTo(kept.getTreeSize()).isGreaterThan(300);

        GetInclusionProofResponse proof = ledger(admin)
                .getInclusionProof(GetInclusionProofRequest.newBuilder()
                        .setTenant("proven")
                        .setSeq(first.getSeq())
                        .build());
        checkpoint.requireInclusion(first.getEntryHash().toByteArray(), first.getSeq(), bytes(proof.getHashesList()));

        MetaCheckpoint meta = kept.getMeta();
        Checkpoint heads = TrustPolicy.of(kept.getOrigin().replaceFirst("/proven/1$", "/~meta/1"), key)
                .accept(note(meta.getCheckpoint()));
        assertThat(meta.getLeaf()).isEqualTo(checkpoint.text());
        heads.requireInclusion(
                Frame.hash(meta.getLeaf().getBytes(StandardCharsets.UTF_8)).bytes(),
                meta.getLeafIndex(),
                bytes(meta.getInclusionProofList()));

        append("proven", 300);
        node.getInstance(Anchor.class).round();
        GetConsistencyProofResponse grown = ledger(admin)
                .getConsistencyProof(GetConsistencyProofRequest.newBuilder()
                        .setTenant("proven")
                        .setFromSize(checkpoint.size())
                        .build());
        Checkpoint later = TrustPolicy.of(kept.getOrigin(), key).accept(note(grown.getCheckpoint()));
        later.requireContinues(checkpoint, bytes(grown.getHashesList()));
        Refusal.of(() -> ledger(admin)
                        .getInclusionProof(GetInclusionProofRequest.newBuilder()
                                .setTenant("proven")
                                .setSeq(later.size())
                                .build()))
                .is(ErrorReason.LEDGER_NOT_SIGNED);
        Refusal.of(() -> ledger(admin)
                        .beginIncarnation(BeginIncarnationRequest.newBuilder()
                                .setTenant("proven")
                                .setReason("no reason")
                                .build()))
                .is(ErrorReason.LEDGER_WHOLE);
    }

    @Test
    void masksErasesAndHolds() {
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: personal}
                spec: {environments: [default], audit: {retention: 365d, piiPatterns: ['[a-z]+@[a-z.]+']}}
                """));
        AuditEvent event = AuditEvent.newBuilder()
                .setType("replay.executed")
                .setAction("replay")
                .setResource("vault:company")
                .setOutcome(Outcome.OUTCOME_SUCCESS)
                .setReason("for ann@fund.com")
                .setPayload("{\"name\":\"Ann\",\"mail\":\"ann@fund.com\"}")
                .addErasable("payload")
                .build();
        long seq = ledger(admin)
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("personal")
                        .addEvents(event)
                        .build())
                .getEntries(0)
                .getSeq();
        AuditEntry entry = entry("personal", seq);
        assertThat(entry.getEvent().getReason()).isEqualTo("for [masked]");
        assertThat(entry.getEvent().getPayload()).isEqualTo("{\"name\":\"Ann\",\"mail\":\"[masked]\"}");
        assertThat(entry.getMaskedList()).containsExactly("reason", "/mail");

        Hold hold = ledger(admin)
                .placeHold(PlaceHoldRequest.newBuilder()
                        .setTenant("personal")
                        .setScope(HoldScope.newBuilder().setResource("vault:company"))
                        .setReason("case 12")
                        .build())
                .getHold();
        EraseAuditRequest erasing = EraseAuditRequest.newBuilder()
                .setTenant("personal")
                .addSeqs(seq)
                .setBasis("request 7")
                .build();
        Refusal.of(() -> ledger(admin).eraseAudit(erasing)).is(ErrorReason.LEGAL_HOLD);
        ReleaseHoldRequest release = ReleaseHoldRequest.newBuilder()
                .setTenant("personal")
                .setHoldId(hold.getHoldId())
                .setReason("closed")
                .build();
        Refusal.of(() -> ledger(admin).releaseHold(release)).is(ErrorReason.HOLD_OWN);
        assertThat(ledger(admin)
                        .listHolds(ListHoldsRequest.newBuilder()
                                .setTenant("personal")
                                .build())
                        .getHoldsList())
                .containsExactly(hold);
        Refusal.of(() -> ledger(admin)
                        .eraseAudit(erasing.toBuilder().addSeqs(seq).build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> ledger(admin)
                        .eraseAudit(erasing.toBuilder().setSeqs(0, seq + 100).build()))
                .is(ErrorReason.ENTRY_NOT_FOUND);
        Refusal.of(() -> ledger(admin)
                        .eraseAudit(erasing.toBuilder().setSeqs(0, 0).build()))
                .is(ErrorReason.ENTRY_NOT_ERASABLE);
        Refusal.of(() -> ledger(admin)
                        .releaseHold(release.toBuilder().setHoldId("h99").build()))
                .is(ErrorReason.HOLD_NOT_FOUND);
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

    private Reason reason(CheckRequest question) {
        return decisions(admin).check(question).getReason();
    }

    private DecisionServiceGrpc.DecisionServiceBlockingStub decisions(String key) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key);
    }

    @Test
    void reviewsWhoHoldsWhatSinceWhenAndWhenItWasUsed() {
        String other = key("user:olivia", "assize", true);
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: olivia}
                spec: {subjects: ["user:olivia"], role: tenant-administrator}
                """));
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: reviewed}
                spec: {environments: [default], audit: {decisionLog: all}}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: reviewed, name: reader}
                spec: {permissions: [{resources: [doc], actions: [read]}]}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: reviewed, name: writer}
                spec: {inherits: [reader], permissions: [{resources: [doc], actions: [write]}]}
                ---
                apiVersion: assize.dev/v1
                kind: Group
                metadata: {tenant: reviewed, name: authors}
                spec: {members: ["user:ann", "user:bea"]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: reviewed, name: authors}
                spec: {subjects: ["group:authors"], role: writer, reason: they write}
                """));
        policies(other)
                .grant(GrantRequest.newBuilder()
                        .setTenant("reviewed")
                        .setName("cleaner")
                        .addSubjects("service:cleaner")
                        .setRole("reader")
                        .build());
        CheckRequest read = CheckRequest.newBuilder()
                .setTenant("reviewed")
                .setSubject("user:ann")
                .setResource("doc:1")
                .setAction("read")
                .build();
        assertThat(reason(read)).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(reason(read.toBuilder().setAction("write").build())).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(reason(read.toBuilder().setAction("burn").build())).isEqualTo(Reason.REASON_NO_GRANT);
        ledger(admin)
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("reviewed")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("doc.read")
                                .setActor("service:cleaner")
                                .setRole("reader")
                                .setAction("read")
                                .setResource("doc:2")
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .build());

        List<AccessGrant> grants = review("user:admin", ReviewAccessRequest.newBuilder());
        assertThat(grants)
                .extracting(grant -> grant.getBinding() + " " + grant.getSubject() + " " + grant.getRole() + " "
                        + grant.getGroupsList() + " " + grant.getInheritedThroughList() + " "
                        + grant.getLastUse().getState().name().replace("ACCESS_USE_STATE_", ""))
                .containsExactly(
                        "authors user:ann reader [authors] [writer] ON_RECORD",
                        "authors user:ann writer [authors] [] ON_RECORD",
                        "authors user:bea reader [authors] [writer] NONE_FOUND",
                        "authors user:bea writer [authors] [] NONE_FOUND",
                        "cleaner service:cleaner reader [] [] ON_RECORD");
        AccessGrant ann = grants.getFirst();
        assertThat(ann.getGiven().getBy()).isEqualTo("user:admin");
        assertThat(ann.getGiven().getRevision()).isOne();
        assertThat(ann.getGiven().getReason()).isEqualTo("for the test");
        assertThat(ann.getGiven().getOrigin()).isEqualTo("apply");
        assertThat(ann.getJoined()).isEqualTo(ann.getGiven());
        assertThat(ann.getReason()).isEqualTo("they write");
        AccessGrant cleaner = grants.getLast();
        assertThat(cleaner.getGiven().getBy()).isEqualTo("user:olivia");
        assertThat(cleaner.getGiven().getOrigin()).isEqualTo("grant");
        assertThat(cleaner.hasJoined()).isFalse();
        assertThat(entry("reviewed", cleaner.getGiven().getSeq()).getEvent().getType())
                .isEqualTo("assize.policy.manifest");

        assertThat(review(
                        "user:admin",
                        ReviewAccessRequest.newBuilder().setSubject("user:bea").setRole("writer")))
                .extracting(AccessGrant::getSubject)
                .containsExactly("user:bea");
        List<ReviewAccessResponse> first = new ArrayList<>();
        with(AccessServiceGrpc.newBlockingStub(channel), admin)
                .reviewAccess(ReviewAccessRequest.newBuilder()
                        .setTenant("reviewed")
                        .setPageSize(1)
                        .setLimit(2)
                        .build())
                .forEachRemaining(first::add);
        assertThat(first).hasSize(2);
        assertThat(first.getLast().getTruncated()).isTrue();
        assertThat(review(
                        "user:admin",
                        ReviewAccessRequest.newBuilder()
                                .setCursor(first.getLast().getCursor())))
                .isEqualTo(grants.subList(2, 5));
        Refusal.of(() -> review(
                        "user:admin",
                        ReviewAccessRequest.newBuilder()
                                .setRole("writer")
                                .setCursor(first.getLast().getCursor())))
                .is(ErrorReason.PAGE_TOKEN_INVALID);
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: conrad}
                spec: {subjects: ["user:conrad"], role: auditor}
                """));
        assertThat(review("user:conrad", ReviewAccessRequest.newBuilder())).isEqualTo(grants);
        Refusal.of(() -> review("user:nobody", ReviewAccessRequest.newBuilder()))
                .is(ErrorReason.PERMISSION_MISSING);
    }

    private List<AccessGrant> review(String caller, ReviewAccessRequest.Builder request) {
        List<AccessGrant> grants = new ArrayList<>();
        with(AccessServiceGrpc.newBlockingStub(channel), key(caller, "assize", true))
                .reviewAccess(request.setTenant("reviewed").build())
                .forEachRemaining(message -> grants.addAll(message.getGrantsList()));
        return grants;
    }

    @Test
    void cleansUpWhatEndedLongAgoWhenTold() {
        apply(admin, header(), put(tenant("tidy") + "---\n" + role("tidy") + """
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: tidy, name: ended}
                spec: {subjects: ["user:alice"], role: r, notAfter: 2026-01-01T00:00:00Z}
                """));
        CleanUpGrantsRequest now = CleanUpGrantsRequest.newBuilder()
                .setTenant("tidy")
                .setEndedFor(com.google.protobuf.Duration.getDefaultInstance())
                .build();
        AccessServiceGrpc.AccessServiceBlockingStub access = with(AccessServiceGrpc.newBlockingStub(channel), admin);
        Refusal.of(() -> access.cleanUpGrants(now.toBuilder()
                        .setEndedFor(com.google.protobuf.Duration.newBuilder().setSeconds(-1))
                        .build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> access.cleanUpGrants(
                        now.toBuilder().setTenant("nowhere").build()))
                .is(ErrorReason.TENANT_NOT_FOUND);

        CleanUpGrantsResponse dry =
                access.cleanUpGrants(now.toBuilder().setDryRun(true).build());
        assertThat(dry.getGrantsList()).extracting(EndedGrant::getBinding).containsExactly("ended");
        assertThat(dry.getRevision()).isZero();
        CleanUpGrantsResponse done = access.cleanUpGrants(now);
        assertThat(done.getGrantsList()).isEqualTo(dry.getGrantsList());
        assertThat(done.getRevision()).isEqualTo(2);
        assertThat(entry("tidy", done.getSeq()).getEvent().getPayload()).contains("\"origin\":\"clean-up\"");
        assertThat(access.cleanUpGrants(now).getRevision()).isZero();
    }

    @Test
    void letsOneNodeCleanUpAtATime() {
        CleanUpTurns turns = node.getInstance(CleanUpTurns.class);
        assertThat(turns.take(Duration.ofHours(1))).isTrue();
        assertThat(turns.take(Duration.ofHours(1))).isFalse();
        turns.done(Duration.ZERO);
        assertThat(turns.take(Duration.ofHours(1))).isTrue();
        assertThat(turns.tenants()).contains(TenantId.ASSIZE).doesNotHaveDuplicates();
    }

    @Test
    void suspendsATenantAsAWholeAndNobodyButWhoMayResumesIt() {
        apply(admin, header(), put(tenant("halted") + "---\n" + role("halted") + "---\n" + binding("halted", "r")));
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: halting}
                spec: {subjects: ["user:sven"], role: security-officer}
                """));
        String sven = key("user:sven", "assize", true);
        AccessServiceGrpc.AccessServiceBlockingStub access = with(AccessServiceGrpc.newBlockingStub(channel), admin);
        AccessServiceGrpc.AccessServiceBlockingStub officer = with(AccessServiceGrpc.newBlockingStub(channel), sven);
        SuspendTenantRequest suspension = SuspendTenantRequest.newBuilder()
                .setTenant("halted")
                .setReason("unpaid")
                .setIdempotencyKey("once")
                .build();
        Refusal.of(() -> access.suspendTenant(
                        suspension.toBuilder().clearReason().build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> access.suspendTenant(
                        suspension.toBuilder().setTenant("assize").build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> access.suspendTenant(
                        suspension.toBuilder().setTenant("nowhere").build()))
                .is(ErrorReason.TENANT_NOT_FOUND);

        SuspendTenantResponse suspended = officer.suspendTenant(suspension);
        assertThat(check(admin, "halted", "user:alice").getReason()).isEqualTo(Reason.REASON_FROZEN);
        assertThat(officer.suspendTenant(suspension).getRecordedSeq()).isEqualTo(suspended.getRecordedSeq());
        AuditEntry recorded = entry("assize", suspended.getRecordedSeq());
        assertThat(recorded.getEvent().getType()).isEqualTo("assize.tenant.suspend");
        assertThat(recorded.getEvent().getActor()).isEqualTo("user:sven");
        assertThat(recorded.getEvent().getReason()).isEqualTo("unpaid");
        assertThat(entry("halted", suspended.getCommit().getSeq()).getEvent().getPayload())
                .contains("\"origin\":\"suspend\"");
        TenantEntry entry = access.listTenants(
                        ListTenantsRequest.newBuilder().setTenant("halted").build())
                .getTenants(0);
        assertThat(entry.getSuspended().getBy()).isEqualTo("user:sven");
        assertThat(entry.getSuspended().getReason()).isEqualTo("unpaid");
        assertThat(append("halted", 1)).hasSize(1);

        Refusal.of(() -> policies(admin)
                        .unfreeze(UnfreezeRequest.newBuilder()
                                .setTenant("halted")
                                .setName("tenant-suspended")
                                .build()))
                .is(ErrorReason.POLICY_INVALID);
        Refusal.of(() -> apply(
                        admin,
                        header(),
                        ApplyPolicyRequest.newBuilder()
                                .setDelete(DocumentKey.newBuilder()
                                        .setTenant("halted")
                                        .setKind("Freeze")
                                        .setName("tenant-suspended"))
                                .build()))
                .is(ErrorReason.POLICY_INVALID);
        ResumeTenantRequest resumption = ResumeTenantRequest.newBuilder()
                .setTenant("halted")
                .setReason("paid")
                .build();
        Refusal.of(() -> officer.resumeTenant(resumption)).is(ErrorReason.PERMISSION_MISSING);
        ResumeTenantResponse resumed = access.resumeTenant(resumption);
        assertThat(check(admin, "halted", "user:alice").getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(entry("assize", resumed.getRecordedSeq()).getEvent().getType())
                .isEqualTo("assize.tenant.resume");
        Refusal.of(() -> access.resumeTenant(resumption)).is(ErrorReason.DOCUMENT_NOT_FOUND);
        Refusal.of(() -> policies(admin)
                        .freeze(FreezeRequest.newBuilder()
                                .setTenant("halted")
                                .setName("tenant-suspended")
                                .setAll(true)
                                .setReason("r")
                                .build()))
                .is(ErrorReason.POLICY_INVALID);
    }

    @Test
    void deletesASuspendedTenantWithItsKeysAndKeepsItsLedger() {
        apply(admin, header(), put(tenant("ending") + "---\n" + role("ending") + "---\n" + binding("ending", "r")));
        long kept = append("ending", 1).getFirst().getSeq();
        AccessServiceGrpc.AccessServiceBlockingStub access = with(AccessServiceGrpc.newBlockingStub(channel), admin);
        CreateKeyRequest its = CreateKeyRequest.newBuilder()
                .setTenant("ending")
                .setSubject("user:admin")
                .addTenants("*")
                .build();
        String theirs = access.createKey(its).getCredential();
        DeleteTenantRequest deletion = DeleteTenantRequest.newBuilder()
                .setTenant("ending")
                .setReason("moved away")
                .setIdempotencyKey("end")
                .build();
        Refusal.of(() -> access.deleteTenant(deletion.toBuilder().clearReason().build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> access.deleteTenant(
                        deletion.toBuilder().setTenant("assize").build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() -> access.deleteTenant(
                        deletion.toBuilder().setTenant("nowhere").build()))
                .is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> access.deleteTenant(deletion)).is(ErrorReason.TENANT_NOT_SUSPENDED);
        assertThat(check(admin, "ending", "user:alice").getReason()).isEqualTo(Reason.REASON_ALLOWED);
        suspend(access, "ending");

        DeleteTenantResponse deleted = access.deleteTenant(deletion);
        assertThat(deleted.getKeysRevoked()).isEqualTo(1);
        assertThat(check(admin, "ending", "user:alice").getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
        Refusal.of(() -> check(theirs, "ending", "user:alice")).is(ErrorReason.CREDENTIALS_INVALID);
        Refusal.of(() -> append("ending", 1)).is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> access.createKey(its)).is(ErrorReason.TENANT_NOT_FOUND);
        assertThat(entry("ending", kept).getSeq()).isEqualTo(kept);
        AuditEntry recorded = entry("assize", deleted.getRecordedSeq());
        assertThat(recorded.getEvent().getType()).isEqualTo("assize.tenant.delete");
        assertThat(recorded.getEvent().getReason()).isEqualTo("moved away");
        assertThat(entry("ending", deleted.getCommit().getSeq()).getEvent().getPayload())
                .contains("\"origin\":\"delete\"");

        DeleteTenantResponse again = access.deleteTenant(deletion);
        assertThat(again.getRecordedSeq()).isEqualTo(deleted.getRecordedSeq());
        assertThat(again.getCommit().getReplayed()).isTrue();
        DeleteTenantResponse keyless = access.deleteTenant(
                deletion.toBuilder().clearIdempotencyKey().setReason("another").build());
        assertThat(keyless.getRecordedSeq()).isEqualTo(deleted.getRecordedSeq());
        assertThat(keyless.getKeysRevoked()).isZero();
    }

    @Test
    void noOneDeletesATenantWhoseChangesOthersAccept() {
        apply(
                admin,
                header(),
                put(tenant("paired")
                        .replace("environments: [default]", "environments: [default], changeApprovals: 1")));
        AccessServiceGrpc.AccessServiceBlockingStub access = with(AccessServiceGrpc.newBlockingStub(channel), admin);
        suspend(access, "paired");
        ResumeTenantRequest resumption = ResumeTenantRequest.newBuilder()
                .setTenant("paired")
                .setReason("r")
                .build();
        assertThat(access.resumeTenant(resumption).getRecordedSeq()).isPositive();
        suspend(access, "paired");
        DeleteTenantRequest deletion = DeleteTenantRequest.newBuilder()
                .setTenant("paired")
                .setReason("r")
                .build();
        Refusal.of(() -> access.deleteTenant(deletion)).is(ErrorReason.ACCEPTANCE_NEEDED);
        assertThat(check(admin, "paired", "user:alice").getReason()).isEqualTo(Reason.REASON_FROZEN);
    }

    @Test
    void aTenantThatWasDeletedGetsNoKeyHoweverLateANodeHearsOfIt() {
        apply(admin, header(), put(tenant("keyless")));
        suspend(with(AccessServiceGrpc.newBlockingStub(channel), admin), "keyless");
        with(AccessServiceGrpc.newBlockingStub(channel), admin)
                .deleteTenant(DeleteTenantRequest.newBuilder()
                        .setTenant("keyless")
                        .setReason("r")
                        .build());
        KeyGrant grant = new KeyGrant(
                Subject.parse("user:admin"), new TenantId("keyless"), true, Set.of(), Set.of(), Set.of(), "", null);
        ApiKeys keys = node.getInstance(ApiKeys.class);
        assertThatThrownBy(() -> keys.create(grant, Recorder.ASSIZE)).isInstanceOf(TenantGoneException.class);
        assertThat(keys.list(new TenantId("keyless"), null, 10)).isEmpty();
    }

    @Test
    void whoeverDeletesATenantByAChangeNeedsThePermissionForThat() {
        apply(admin, header(), put(tenant("removable")));
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: running}
                spec: {subjects: ["user:tara"], role: tenant-administrator}
                """));
        ApplyPolicyRequest removal = ApplyPolicyRequest.newBuilder()
                .setDelete(DocumentKey.newBuilder()
                        .setTenant("removable")
                        .setKind("Tenant")
                        .setName("removable"))
                .build();
        String tara = key("user:tara", "assize", true);
        Refusal.of(() -> apply(tara, header(), removal)).is(ErrorReason.PERMISSION_MISSING);
        apply(admin, header(), removal);
        assertThat(check(admin, "removable", "user:alice").getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
    }

    private static void suspend(AccessServiceGrpc.AccessServiceBlockingStub access, String tenant) {
        access.suspendTenant(SuspendTenantRequest.newBuilder()
                .setTenant(tenant)
                .setReason("unpaid")
                .build());
    }

    @Test
    void listsTenantsPageByPageAsFarAsTheKeyReaches() {
        apply(admin, header(), put(tenant("listed-a")));
        apply(admin, header(), put(tenant("listed-b")));
        List<String> names = new ArrayList<>();
        String page = "";
        do {
            ListTenantsResponse response = with(AccessServiceGrpc.newBlockingStub(channel), admin)
                    .listTenants(ListTenantsRequest.newBuilder()
                            .setPageSize(2)
                            .setPageToken(page)
                            .build());
            response.getTenantsList().forEach(it -> names.add(it.getTenant()));
            page = response.getNextPageToken();
        } while (!page.isEmpty());
        assertThat(names).contains("assize", "listed-a", "listed-b").isSorted().doesNotHaveDuplicates();

        String some = key("user:admin", "assize", false, "assize", "listed-b");
        assertThat(with(AccessServiceGrpc.newBlockingStub(channel), some)
                        .listTenants(ListTenantsRequest.getDefaultInstance())
                        .getTenantsList())
                .extracting(TenantEntry::getTenant)
                .containsExactly("assize", "listed-b");
    }

    @Test
    void movesTheBeginningOfALedgerIntoTheArchive() throws Exception {
        PolicyWatch watch = node.getInstance(PolicyWatch.class);
        behind = Duration.ofDays(60);
        try {
            await(watch::isFresh);
            apply(admin, header(), put("""
                    apiVersion: assize.dev/v1
                    kind: Tenant
                    metadata: {name: pruned}
                    spec: {environments: [default], audit: {retention: 40d}}
                    """));
            append("pruned", 300);
        } finally {
            behind = Duration.ZERO;
            await(() -> watch.isFresh() && watch.isOnTime());
        }
        node.getInstance(Anchor.class).round();
        PruneLedgerRequest wish = PruneLedgerRequest.newBuilder()
                .setTenant("pruned")
                .setToSeq(300)
                .setReason("older than we keep")
                .build();
        Refusal.of(() -> ledger(admin).pruneLedger(wish.toBuilder().clearToSeq().build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() ->
                        ledger(admin).pruneLedger(wish.toBuilder().clearReason().build()))
                .is(ErrorReason.REQUEST_INVALID);
        Refusal.of(() ->
                        ledger(admin).pruneLedger(wish.toBuilder().setToSeq(100).build()))
                .is(ErrorReason.PRUNING_LIMITED);
        Refusal.of(() -> ledger(admin)
                        .pruneLedger(PruneLedgerRequest.newBuilder()
                                .setTenant("pruned")
                                .setPruningId("p99")
                                .build()))
                .is(ErrorReason.PRUNING_NOT_FOUND);
        PruneLedgerResponse dry = ledger(admin)
                .pruneLedger(wish.toBuilder().clearReason().setDryRun(true).build());
        assertThat(List.of(dry.getFromSeq(), dry.getToSeq())).containsExactly(0L, 256L);
        Hold hold = ledger(admin)
                .placeHold(PlaceHoldRequest.newBuilder()
                        .setTenant("pruned")
                        .setReason("case 12")
                        .build())
                .getHold();
        Refusal.of(() -> ledger(admin).pruneLedger(wish)).is(ErrorReason.LEGAL_HOLD);
        String second = key("user:second", "assize", true);
        apply(admin, header(), put("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: second}
                spec: {subjects: ["user:second"], role: administrator}
                """));
        ledger(second)
                .releaseHold(ReleaseHoldRequest.newBuilder()
                        .setTenant("pruned")
                        .setHoldId(hold.getHoldId())
                        .setReason("closed")
                        .build());

        PruneLedgerResponse proposed = ledger(admin).pruneLedger(wish);
        PruneLedgerRequest agreement = PruneLedgerRequest.newBuilder()
                .setTenant("pruned")
                .setPruningId(proposed.getPruningId())
                .build();
        Refusal.of(() -> ledger(admin).pruneLedger(agreement)).is(ErrorReason.PRUNING_OWN);
        PrunedPart part = ledger(second).pruneLedger(agreement).getPruned();

        assertThat(part.getToSeq()).isEqualTo(256);
        assertThat(ledger(second).pruneLedger(agreement).hasPruned()).isFalse();
        Refusal pruned = Refusal.of(() -> ledger(admin)
                        .getInclusionProof(GetInclusionProofRequest.newBuilder()
                                .setTenant("pruned")
                                .setSeq(7)
                                .build()))
                .is(ErrorReason.ENTRY_PRUNED);
        assertThat(pruned.status().getMessage()).contains(part.getArchiveObject());
        Refusal.of(() -> ledger(admin)
                        .exportAudit(ExportAuditRequest.newBuilder()
                                .setTenant("pruned")
                                .setFormat(ExportFormat.EXPORT_FORMAT_CSV)
                                .setFromSeq(7)
                                .setToSeq(7)
                                .build())
                        .hasNext())
                .is(ErrorReason.ENTRY_PRUNED);
        Refusal.of(() -> ledger(admin)
                        .verifyChain(VerifyChainRequest.newBuilder()
                                .setTenant("pruned")
                                .setToSeq(7)
                                .build())
                        .hasNext())
                .is(ErrorReason.ENTRY_PRUNED);
        Refusal.of(() -> ledger(admin)
                        .eraseAudit(EraseAuditRequest.newBuilder()
                                .setTenant("pruned")
                                .addSeqs(7)
                                .setBasis("request 7")
                                .build()))
                .is(ErrorReason.ENTRY_PRUNED);
        QueryAuditResponse found = ledger(admin)
                .queryAudit(QueryAuditRequest.newBuilder()
                        .setTenant("pruned")
                        .setAscending(true)
                        .build());
        assertThat(found.getFirstSeq()).isEqualTo(found.getEntries(0).getSeq()).isEqualTo(256);
        assertThat(ledger(admin)
                        .getLineage(GetLineageRequest.newBuilder()
                                .setTenant("pruned")
                                .setUri("db:x")
                                .build())
                        .getFirstSeq())
                .isEqualTo(256);
        List<VerifyChainResponse> updates = new ArrayList<>();
        ledger(admin)
                .verifyChain(VerifyChainRequest.newBuilder().setTenant("pruned").build())
                .forEachRemaining(updates::add);
        VerifyResult verified = updates.getLast().getResult();
        assertThat(verified.getValid()).isTrue();
        assertThat(verified.getFromSeq()).isEqualTo(256);
        assertThat(verified.getPruned().getArchiveObject()).isEqualTo(part.getArchiveObject());
        assertThat(verified.getPruned().getPrunedSeq())
                .isEqualTo(part.getEntry().getSeq());
        node.getInstance(Anchor.class).round();
        for (boolean whole : new boolean[] {true, false}) {
            ReplayResult rebuilt = replay("pruned", whole);
            assertThat(rebuilt.getEqual()).isTrue();
            assertThat(rebuilt.getRevision()).isEqualTo(1);
            assertThat(rebuilt.hasSnapshotSeq()).isEqualTo(!whole);
        }
        apply(admin, header(), put(role("pruned")));
        assertThat(replay("pruned", true).getEqual()).isTrue();
        assertThat(replay("pruned", true).getRevision()).isEqualTo(2);
        node.getInstance(Anchor.class).round();
        try (AssizeClient client = AssizeClient.builder()
                .target("127.0.0.1:" + node.getInstance(GrpcServer.class).port())
                .plaintext()
                .apiKey(admin)
                .tenant("pruned")
                .build()) {
            Path left = directory.resolve("left.tar");
            VerifierKey key = VerifierKey.parse(ledger(admin)
                    .getCheckpoint(GetCheckpointRequest.newBuilder()
                            .setTenant("pruned")
                            .build())
                    .getVerifierKeys(0));
            try (OutputStream out = Files.newOutputStream(left)) {
                client.proofs(Set.of(key)).writeBundle(out, (_, _) -> {});
            }
            try (LedgerBundle rest = LedgerBundle.open(left);
                    LedgerBundle archived =
                            LedgerBundle.open(directory.resolve("archive").resolve(part.getArchiveObject()))) {
                assertThat(rest.verify(Set.of(key), null, (_, _) -> {}).prevHash())
                        .isEqualTo(
                                archived.verify(Set.of(key), null, (_, _) -> {}).headHash());
            }
        }
    }

    /** Until something is so; at most 20 s. */
    private static void await(BooleanSupplier done) {
        for (Instant end = Instant.now().plusSeconds(20);
                !done.getAsBoolean() && Instant.now().isBefore(end); ) {
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
    }

    private ReplayResult replay(String tenant, boolean whole) {
        List<ReplayPolicyResponse> updates = new ArrayList<>();
        policies(admin)
                .replayPolicy(ReplayPolicyRequest.newBuilder()
                        .setTenant(tenant)
                        .setWhole(whole)
                        .build())
                .forEachRemaining(updates::add);
        return updates.getLast().getResult();
    }

    private AuditEntry entry(String tenant, long seq) {
        return ledger(admin)
                .queryAudit(QueryAuditRequest.newBuilder().setTenant(tenant).build())
                .getEntriesList()
                .stream()
                .filter(it -> it.getSeq() == seq)
                .findFirst()
                .orElseThrow();
    }

    private List<AppendedEntry> append(String tenant, int count) {
        AppendAuditRequest.Builder request = AppendAuditRequest.newBuilder().setTenant(tenant);
        for (int i = 0; i < count; i++) {
            request.addEvents(AuditEvent.newBuilder()
                    .setType("replay.executed")
                    .setAction("replay")
                    .setResource("vault:company")
                    .setOutcome(Outcome.OUTCOME_SUCCESS)
                    .setRunId("run-" + i));
        }
        return ledger(admin).appendAudit(request.build()).getEntriesList();
    }

    private static SignedNote note(String text) throws NotProvenException {
        return SignedNote.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static List<byte[]> bytes(List<ByteString> hashes) {
        return hashes.stream().map(ByteString::toByteArray).toList();
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

    private CheckResponse check(String key, String tenant, String subject) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key)
                .check(CheckRequest.newBuilder()
                        .setSubject(subject)
                        .setResource("replay:1")
                        .setAction("execute")
                        .setTenant(tenant)
                        .build());
    }

    private ApplyPolicyResponse apply(String key, ApplyPolicyHeader header, ApplyPolicyRequest... parts) {
        CompletableFuture<ApplyPolicyResponse> answer = new CompletableFuture<>();
        StreamObserver<ApplyPolicyRequest> call = with(PolicyServiceGrpc.newStub(channel), key)
                .applyPolicy(new StreamObserver<>() {
                    @Override
                    public void onNext(ApplyPolicyResponse response) {
                        answer.complete(response);
                    }

                    @Override
                    public void onError(Throwable failure) {
                        answer.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {}
                });
        call.onNext(ApplyPolicyRequest.newBuilder().setHeader(header).build());
        Arrays.stream(parts).forEach(call::onNext);
        call.onCompleted();
        try {
            return answer.join();
        } catch (CompletionException failure) {
            if (failure.getCause() instanceof StatusRuntimeException status) {
                throw status;
            }
            throw failure;
        }
    }

    private PolicyServiceGrpc.PolicyServiceBlockingStub policies(String key) {
        return with(PolicyServiceGrpc.newBlockingStub(channel), key);
    }

    private LedgerServiceGrpc.LedgerServiceBlockingStub ledger(String key) {
        return with(LedgerServiceGrpc.newBlockingStub(channel), key);
    }

    private static <S extends AbstractStub<S>> S with(S stub, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    private String key(String subject, String home, boolean allTenants, String... tenants) {
        Set<TenantId> reached = Arrays.stream(tenants).map(TenantId::new).collect(Collectors.toSet());
        return node.getInstance(ApiKeys.class)
                .create(
                        new KeyGrant(
                                Subject.parse(subject),
                                new TenantId(home),
                                allTenants,
                                reached,
                                Set.of(),
                                Set.of(),
                                "",
                                null),
                        Recorder.ASSIZE)
                .credential();
    }

    private static ApplyPolicyHeader header() {
        return ApplyPolicyHeader.newBuilder().setReason("for the test").build();
    }

    private static ApplyPolicyRequest put(String yaml) {
        return ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder().setFile("policy.yaml").setYaml(ByteString.copyFromUtf8(yaml)))
                .build();
    }

    private static String tenant(String name) {
        return """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: %s}
                spec: {environments: [default]}
                """.formatted(name);
    }

    private static String role(String tenant) {
        return """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: %s, name: r}
                spec: {permissions: [{resources: [replay], actions: [execute]}]}
                """.formatted(tenant);
    }

    private static String binding(String tenant, String role) {
        return """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: %s, name: b}
                spec: {subjects: ["user:alice"], role: %s}
                """.formatted(tenant, role);
    }

    /** All rooms of a node on a database. */
    static Module modules(TestDatabase database, Path directory, int port) {
        return modules(database, directory, port, InstantSource.system());
    }

    private static Module modules(TestDatabase database, Path directory, int port, InstantSource clock) {
        return new AbstractModule() {
            @Provides
            @Singleton
            AuditSettings auditSettings(Provider<DecisionService> decisions) {
                return tenant -> decisions.get().audit(tenant).piiPatterns();
            }

            @Override
            protected void configure() {
                install(new AuthenticationModule());
                install(new AccessModule());
                install(new LedgerModule());
                install(new AuditModule());
                install(new AnchorModule());
                install(new RetentionModule());
                install(new DecisionModule());
                install(new RecordingModule());
                install(new NodesModule());
                install(new AdministrationModule());
                install(new StorageModule());
                install(new GrpcModule());
                bind(ArchiveStore.class).toInstance(new DirectoryArchive(directory.resolve("archive")));
                bind(ArchiveBundles.class).to(ClientBundles.class);
                bind(InstantSource.class).toInstance(clock);
                bind(Ticker.class).toInstance(Ticks.of(clock));
                bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
                bind(StorageConfig.class).toInstance(database.config());
                bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
                bind(WitnessConfig.class).toInstance(WitnessConfig.defaults());
                bind(AnchorConfig.class).toInstance(AnchorConfig.defaults(directory.resolve("signing-keys")));
                bind(OutsideStore.class).toInstance(new FileOutsideStore(directory.resolve("anchor")));
                bind(CleanUpConfig.class).toInstance(CleanUpConfig.defaults());
                bind(RecordingConfig.class).toInstance(RecordingConfig.defaults());
                bind(DecisionConfig.class).toInstance(DecisionConfig.defaults());
                bind(NodeIdentity.class).toInstance(NodeIdentity.starting("node", Duration.ofSeconds(60)));
                bind(AuthenticationConfig.class).toInstance(AuthenticationConfig.defaults(directory));
                bind(GrpcConfig.class)
                        .toInstance(new GrpcConfig(
                                "127.0.0.1",
                                port,
                                null,
                                GrpcConfig.Reflection.AUTHENTICATED,
                                GrpcConfig.DEFAULT_MAX_REQUEST_BYTES,
                                GrpcConfig.DEFAULT_MAX_METADATA_BYTES,
                                Duration.ZERO,
                                Duration.ofSeconds(5)));
            }
        };
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

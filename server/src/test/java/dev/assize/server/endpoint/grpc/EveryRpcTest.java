package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.BeginIncarnationRequest;
import dev.assize.proto.v1.CancelApprovalRequest;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CommentApprovalRequest;
import dev.assize.proto.v1.CommentProposalRequest;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DeclareSpoolLossRequest;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.EraseActorRequest;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetDecisionProofRequest;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetProposalRequest;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.IdentifyActorsRequest;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.ListApprovalsRequest;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListProposalsRequest;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.ProposeChangeHeader;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.ReleaseHoldRequest;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.SealKeyRequest;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WithdrawProposalRequest;
import dev.assize.server.access.Permission;
import dev.assize.server.access.RpcPermissions;
import dev.assize.server.endpoint.call.ErrorReason;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What no RPC may ever forget, asked of each of them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EveryRpcTest {

    /** A well-formed request of each RPC for a tenant; a streaming one sends several messages. */
    private static final Map<String, Function<String, List<Object>>> REQUESTS = Map.ofEntries(
            Map.entry(
                    "DecisionService/Check",
                    tenant -> List.of(check().setTenant(tenant).build())),
            Map.entry(
                    "DecisionService/CheckBatch",
                    tenant -> List.of(CheckBatchRequest.newBuilder()
                            .setTenant(tenant)
                            .addItems(check())
                            .build())),
            Map.entry(
                    "DecisionService/CheckAndAppend",
                    tenant -> List.of(CheckAndAppendRequest.newBuilder()
                            .setCheck(check().setTenant(tenant))
                            .setEvent(AuditEvent.newBuilder().setType("replay.executed"))
                            .build())),
            Map.entry(
                    "DecisionService/SearchSubjects",
                    tenant -> List.of(SearchSubjectsRequest.newBuilder()
                            .setCheck(check().setTenant(tenant).clearSubject())
                            .build())),
            Map.entry(
                    "DecisionService/SearchResources",
                    tenant -> List.of(SearchResourcesRequest.newBuilder()
                            .setCheck(check().setTenant(tenant).clearResource())
                            .setResourceType("replay")
                            .build())),
            Map.entry(
                    "DecisionService/SearchActions",
                    tenant -> List.of(SearchActionsRequest.newBuilder()
                            .setCheck(check().setTenant(tenant).clearAction())
                            .build())),
            Map.entry(
                    "DecisionService/CheckStream",
                    tenant -> List.of(CheckStreamRequest.newBuilder()
                            .setCheck(check().setTenant(tenant))
                            .build())),
            Map.entry(
                    "DecisionService/WatchDecision",
                    tenant -> List.of(WatchDecisionRequest.newBuilder()
                            .setCheck(check().setTenant(tenant))
                            .build())),
            Map.entry(
                    "PolicyService/WatchPolicy",
                    tenant -> List.of(
                            WatchPolicyRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "PolicyService/Grant",
                    tenant -> List.of(GrantRequest.newBuilder()
                            .setTenant(tenant)
                            .addSubjects("user:alice")
                            .setRole("reader")
                            .build())),
            Map.entry(
                    "PolicyService/Revoke",
                    tenant -> List.of(RevokeRequest.newBuilder()
                            .setTenant(tenant)
                            .setBinding("b")
                            .build())),
            Map.entry(
                    "PolicyService/Freeze",
                    tenant -> List.of(FreezeRequest.newBuilder()
                            .setTenant(tenant)
                            .setSubject("user:alice")
                            .setReason("r")
                            .build())),
            Map.entry(
                    "PolicyService/Unfreeze",
                    tenant -> List.of(UnfreezeRequest.newBuilder()
                            .setTenant(tenant)
                            .setName("f")
                            .build())),
            Map.entry(
                    "PolicyService/ListFreezes",
                    tenant -> List.of(
                            ListFreezesRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "DecisionService/QueryDecisions",
                    tenant -> List.of(
                            QueryDecisionsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "DecisionService/GetDecisionProof",
                    tenant -> List.of(GetDecisionProofRequest.newBuilder()
                            .setTenant(tenant)
                            .setDecisionId("0123456789abcdef0123456789abcdef")
                            .build())),
            Map.entry(
                    "PolicyService/ApplyPolicy",
                    tenant -> List.of(
                            ApplyPolicyRequest.newBuilder()
                                    .setHeader(ApplyPolicyHeader.getDefaultInstance())
                                    .build(),
                            ApplyPolicyRequest.newBuilder()
                                    .setPut(PolicySource.newBuilder()
                                            .setYaml(ByteString.copyFromUtf8("""
                                                apiVersion: assize.dev/v1
                                                kind: Tenant
                                                metadata: {name: "%s"}
                                                spec: {environments: [default]}
                                                """.formatted(tenant))))
                                    .build())),
            Map.entry(
                    "PolicyService/ProposeChange",
                    tenant -> List.of(
                            ProposeChangeRequest.newBuilder()
                                    .setHeader(ProposeChangeHeader.newBuilder().setTenant(tenant))
                                    .build(),
                            ProposeChangeRequest.newBuilder()
                                    .setDelete(DocumentKey.newBuilder()
                                            .setTenant(tenant)
                                            .setKind("Role")
                                            .setName("r"))
                                    .build())),
            Map.entry(
                    "PolicyService/ListProposals",
                    tenant -> List.of(
                            ListProposalsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "PolicyService/GetProposal",
                    tenant -> List.of(GetProposalRequest.newBuilder()
                            .setTenant(tenant)
                            .setId("0123456789abcdef0123456789abcdef")
                            .build())),
            Map.entry(
                    "PolicyService/AcceptProposal",
                    tenant -> List.of(AcceptProposalRequest.newBuilder()
                            .setTenant(tenant)
                            .setId("0123456789abcdef0123456789abcdef")
                            .setDigest(ByteString.copyFrom(new byte[32]))
                            .build())),
            Map.entry(
                    "PolicyService/RejectProposal",
                    tenant -> List.of(RejectProposalRequest.newBuilder()
                            .setTenant(tenant)
                            .setId("0123456789abcdef0123456789abcdef")
                            .build())),
            Map.entry(
                    "PolicyService/CommentProposal",
                    tenant -> List.of(CommentProposalRequest.newBuilder()
                            .setTenant(tenant)
                            .setId("0123456789abcdef0123456789abcdef")
                            .setComment("why?")
                            .build())),
            Map.entry(
                    "PolicyService/WithdrawProposal",
                    tenant -> List.of(WithdrawProposalRequest.newBuilder()
                            .setTenant(tenant)
                            .setId("0123456789abcdef0123456789abcdef")
                            .build())),
            Map.entry(
                    "AccessService/SealKey",
                    tenant -> List.of(
                            SealKeyRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "PolicyService/ExportPolicy",
                    tenant -> List.of(
                            ExportPolicyRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "PolicyService/ListRevisions",
                    tenant -> List.of(
                            ListRevisionsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "PolicyService/DiffRevisions",
                    tenant -> List.of(
                            DiffRevisionsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "PolicyService/ReplayPolicy",
                    tenant -> List.of(
                            ReplayPolicyRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "LedgerService/AppendAudit",
                    tenant -> List.of(AppendAuditRequest.newBuilder()
                            .setTenant(tenant)
                            .addEvents(AuditEvent.newBuilder()
                                    .setType("replay.executed")
                                    .setAction("execute")
                                    .setResource("replay:1")
                                    .setOutcome(Outcome.OUTCOME_SUCCESS))
                            .build())),
            Map.entry(
                    "LedgerService/ExportAudit",
                    tenant -> List.of(ExportAuditRequest.newBuilder()
                            .setTenant(tenant)
                            .setFormat(ExportFormat.EXPORT_FORMAT_CSV)
                            .build())),
            Map.entry(
                    "LedgerService/GetCheckpoint",
                    tenant -> List.of(
                            GetCheckpointRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "LedgerService/GetLineage",
                    tenant -> List.of(GetLineageRequest.newBuilder()
                            .setTenant(tenant)
                            .setUri("db:record")
                            .build())),
            Map.entry(
                    "LedgerService/GetInclusionProof",
                    tenant -> List.of(GetInclusionProofRequest.newBuilder()
                            .setTenant(tenant)
                            .build())),
            Map.entry(
                    "LedgerService/GetConsistencyProof",
                    tenant -> List.of(GetConsistencyProofRequest.newBuilder()
                            .setTenant(tenant)
                            .build())),
            Map.entry(
                    "LedgerService/AppendSpooled",
                    tenant -> List.of(AppendSpooledRequest.newBuilder()
                            .setTenant(tenant)
                            .setSpoolId("0123456789abcdef0123456789abcdef")
                            .build())),
            Map.entry(
                    "LedgerService/ListSpools",
                    tenant -> List.of(
                            ListSpoolsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "LedgerService/DeclareSpoolLoss",
                    tenant -> List.of(DeclareSpoolLossRequest.newBuilder()
                            .setTenant(tenant)
                            .setRecordedBy("service:sidecar")
                            .setSpoolId("0123456789abcdef0123456789abcdef")
                            .setThroughNumber(7)
                            .setReason("disk lost")
                            .build())),
            Map.entry(
                    "LedgerService/BeginIncarnation",
                    tenant -> List.of(BeginIncarnationRequest.newBuilder()
                            .setTenant(tenant)
                            .setReason("disk lost")
                            .build())),
            Map.entry(
                    "LedgerService/EraseAudit",
                    tenant -> List.of(EraseAuditRequest.newBuilder()
                            .setTenant(tenant)
                            .addSeqs(0)
                            .setBasis("request 7")
                            .build())),
            Map.entry(
                    "LedgerService/IdentifyActors",
                    tenant -> List.of(IdentifyActorsRequest.newBuilder()
                            .setTenant(tenant)
                            .addActors("user:ann")
                            .setReason("case 12")
                            .build())),
            Map.entry(
                    "LedgerService/EraseActor",
                    tenant -> List.of(EraseActorRequest.newBuilder()
                            .setTenant(tenant)
                            .setActor("user:ann")
                            .setBasis("request 7")
                            .build())),
            Map.entry(
                    "LedgerService/PlaceHold",
                    tenant -> List.of(PlaceHoldRequest.newBuilder()
                            .setTenant(tenant)
                            .setReason("case 12")
                            .build())),
            Map.entry(
                    "LedgerService/ReleaseHold",
                    tenant -> List.of(ReleaseHoldRequest.newBuilder()
                            .setTenant(tenant)
                            .setHoldId("h7")
                            .setReason("closed")
                            .build())),
            Map.entry(
                    "LedgerService/PruneLedger",
                    tenant -> List.of(PruneLedgerRequest.newBuilder()
                            .setTenant(tenant)
                            .setToSeq(256)
                            .setDryRun(true)
                            .build())),
            Map.entry(
                    "LedgerService/ListHolds",
                    tenant -> List.of(
                            ListHoldsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "LedgerService/VerifyChain",
                    tenant -> List.of(
                            VerifyChainRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "LedgerService/QueryAudit",
                    tenant -> List.of(
                            QueryAuditRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "ApprovalService/RequestApproval",
                    tenant -> List.of(RequestApprovalRequest.newBuilder()
                            .setTenant(tenant)
                            .setAction("execute")
                            .setResource("replay:1")
                            .build())),
            Map.entry(
                    "ApprovalService/ResolveApproval",
                    tenant -> List.of(ResolveApprovalRequest.newBuilder()
                            .setTenant(tenant)
                            .setApprovalId("a")
                            .build())),
            Map.entry(
                    "ApprovalService/CommentApproval",
                    tenant -> List.of(CommentApprovalRequest.newBuilder()
                            .setTenant(tenant)
                            .setApprovalId("a")
                            .setComment("why?")
                            .build())),
            Map.entry(
                    "ApprovalService/ListApprovals",
                    tenant -> List.of(
                            ListApprovalsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "ApprovalService/CancelApproval",
                    tenant -> List.of(CancelApprovalRequest.newBuilder()
                            .setTenant(tenant)
                            .setApprovalId("a")
                            .build())),
            Map.entry(
                    "ApprovalService/UseApproval",
                    tenant -> List.of(UseApprovalRequest.newBuilder()
                            .setTenant(tenant)
                            .setApprovalId("a")
                            .setIdempotencyKey("k")
                            .build())),
            Map.entry(
                    "AccessService/CreateKey",
                    tenant -> List.of(CreateKeyRequest.newBuilder()
                            .setTenant(tenant)
                            .setSubject("service:replay")
                            .build())),
            Map.entry(
                    "AccessService/ListKeys",
                    tenant -> List.of(
                            ListKeysRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "AccessService/RevokeKey",
                    tenant -> List.of(RevokeKeyRequest.newBuilder()
                            .setTenant(tenant)
                            .setId("a".repeat(16))
                            .build())),
            Map.entry(
                    "AccessService/ReviewAccess",
                    tenant -> List.of(
                            ReviewAccessRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "AccessService/CleanUpGrants",
                    tenant -> List.of(
                            CleanUpGrantsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "AccessService/ListTenants",
                    tenant -> List.of(
                            ListTenantsRequest.newBuilder().setTenant(tenant).build())),
            Map.entry(
                    "AccessService/SuspendTenant",
                    tenant -> List.of(SuspendTenantRequest.newBuilder()
                            .setTenant(tenant)
                            .setReason("r")
                            .build())),
            Map.entry(
                    "AccessService/ResumeTenant",
                    tenant -> List.of(ResumeTenantRequest.newBuilder()
                            .setTenant(tenant)
                            .setReason("r")
                            .build())),
            Map.entry(
                    "AccessService/DeleteTenant",
                    tenant -> List.of(DeleteTenantRequest.newBuilder()
                            .setTenant(tenant)
                            .setReason("r")
                            .build())));

    /** Those that end only when their caller has heard enough. */
    private static final Set<String> LASTING = Set.of("DecisionService/WatchDecision", "PolicyService/WatchPolicy");

    /** Of all tests, which change nothing there but those that say so. */
    private GrpcFixture door;

    private Path directory;

    @BeforeAll
    void open(@TempDir Path temporary) {
        directory = temporary;
        door = new GrpcFixture(directory);
    }

    @AfterAll
    void close() {
        door.close();
    }

    /** Before a door of its own, where calls are let in and do what they do. */
    private void alone(Runnable test) {
        GrpcFixture shared = door;
        try (GrpcFixture own = new GrpcFixture(directory)) {
            door = own;
            test.run();
        } finally {
            door = shared;
        }
    }

    static Stream<MethodDescriptor<?, ?>> rpcs() {
        return Stream.of(
                        AccessServiceGrpc.getServiceDescriptor(),
                        ApprovalServiceGrpc.getServiceDescriptor(),
                        DecisionServiceGrpc.getServiceDescriptor(),
                        LedgerServiceGrpc.getServiceDescriptor(),
                        PolicyServiceGrpc.getServiceDescriptor())
                .map(ServiceDescriptor::getMethods)
                .flatMap(methods -> methods.stream());
    }

    @Test
    void isAskedOfEveryRpc() {
        assertThat(REQUESTS.keySet()).isEqualTo(RpcPermissions.rpcs());
    }

    @ParameterizedTest
    @MethodSource("rpcs")
    void refusesCallersWithoutCredentials(MethodDescriptor<?, ?> rpc) {
        Refusal.of(() -> call(rpc, "acme", null)).is(ErrorReason.CREDENTIALS_MISSING);
        Refusal.of(() -> call(rpc, "acme", "")).is(ErrorReason.CREDENTIALS_INVALID);
        Refusal.of(() -> call(rpc, "acme", "asz_" + "a".repeat(16) + "_" + "b".repeat(43)))
                .is(ErrorReason.CREDENTIALS_INVALID);
    }

    @ParameterizedTest
    @MethodSource("rpcs")
    void refusesCallersWithoutItsPermission(MethodDescriptor<?, ?> rpc) {
        Refusal.of(() -> call(rpc, "acme", door.replay)).is(ErrorReason.PERMISSION_MISSING);
    }

    @ParameterizedTest
    @MethodSource("rpcs")
    void asksForItsPermissionAndNoOther(MethodDescriptor<?, ?> rpc) {
        alone(() -> callWithItsPermissionAndNoOther(rpc));
    }

    private void callWithItsPermissionAndNoOther(MethodDescriptor<?, ?> rpc) {
        Permission permission = RpcPermissions.of(RpcNames.of(rpc)).orElseThrow();
        door.decisions.grant("service:replay", permission.action(), "tenant:acme/" + permission.resourceType());
        try {
            call(rpc, "acme", door.replay);
        } catch (StatusRuntimeException later) {
            // Applying a new tenant, and recording what is checked, take a second permission, and say which.
            if (later.getStatus().getCode() == Status.Code.PERMISSION_DENIED) {
                assertThat(later)
                        .hasMessageContaining(
                                permission == Permission.CHECK
                                        ? "`append` on `tenant:acme/ledger`"
                                        : "`create` on `tenant:acme/tenant`");
            }
        }
    }

    @Test
    void anAuditorReadsAndVerifiesAndDoesNothingElse() {
        alone(this::callWhateverAnAuditorMay);
    }

    private void callWhateverAnAuditorMay() {
        ShippedRoles.permissions("auditor")
                .forEach(permission -> door.decisions.grant(
                        "service:replay", permission.action(), "tenant:acme/" + permission.resourceType()));

        assertThat(rpcs().filter(this::isPermitted).map(RpcNames::of))
                .containsExactlyInAnyOrder(
                        "DecisionService/Check",
                        "DecisionService/CheckBatch",
                        "DecisionService/CheckStream",
                        "DecisionService/WatchDecision",
                        "DecisionService/SearchSubjects",
                        "DecisionService/SearchResources",
                        "DecisionService/SearchActions",
                        "DecisionService/QueryDecisions",
                        "DecisionService/GetDecisionProof",
                        "PolicyService/ExportPolicy",
                        "PolicyService/ListRevisions",
                        "PolicyService/DiffRevisions",
                        "PolicyService/ReplayPolicy",
                        "PolicyService/ListFreezes",
                        "PolicyService/ListProposals",
                        "PolicyService/GetProposal",
                        "PolicyService/WatchPolicy",
                        "LedgerService/QueryAudit",
                        "LedgerService/GetLineage",
                        "LedgerService/ListSpools",
                        "LedgerService/ExportAudit",
                        "LedgerService/VerifyChain",
                        "LedgerService/GetCheckpoint",
                        "LedgerService/GetInclusionProof",
                        "LedgerService/GetConsistencyProof",
                        "ApprovalService/ListApprovals",
                        "AccessService/ListKeys",
                        "AccessService/ReviewAccess",
                        "AccessService/ListTenants");
    }

    /** Whether a call gets past its permissions, whatever it comes to then. */
    private boolean isPermitted(MethodDescriptor<?, ?> rpc) {
        try {
            call(rpc, "acme", door.replay);
            return true;
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode() != Status.Code.PERMISSION_DENIED;
        }
    }

    @ParameterizedTest
    @MethodSource("rpcs")
    void refusesOtherTenantsInTheSameWordsWhetherOrNotTheyExist(MethodDescriptor<?, ?> rpc) {
        door.decisions.addTenant("there");
        Refusal existing = Refusal.of(() -> call(rpc, "there", door.replay)).is(ErrorReason.TENANT_NOT_ALLOWED);
        Refusal missing = Refusal.of(() -> call(rpc, "where", door.replay)).is(ErrorReason.TENANT_NOT_ALLOWED);

        assertThat(existing.status().toString().replace("there", "where"))
                .isEqualTo(missing.status().toString());
        Refusal.of(() -> call(rpc, "assize", door.replay)).is(ErrorReason.TENANT_NOT_ALLOWED);
    }

    @ParameterizedTest
    @MethodSource("rpcs")
    void refusesCredentialsThatAreNotForIt(MethodDescriptor<?, ?> rpc) {
        String other = RpcPermissions.rpcs().stream()
                .filter(name -> !name.equals(RpcNames.of(rpc)))
                .findFirst()
                .orElseThrow();
        String limited = door.key("user:admin", "assize", true, Set.of(), Set.of(other));
        Refusal.of(() -> call(rpc, "acme", limited)).is(ErrorReason.RPC_NOT_ALLOWED);
    }

    @Test
    void refusesThePlatformToWhoDoesNotReachTenantAssize() {
        Refusal.of(() -> call(PolicyServiceGrpc.getExportPolicyMethod(), "", door.replay))
                .is(ErrorReason.TENANT_NOT_ALLOWED);
        Refusal.of(() -> call(PolicyServiceGrpc.getListRevisionsMethod(), "", door.replay))
                .is(ErrorReason.TENANT_NOT_ALLOWED);
        call(PolicyServiceGrpc.getExportPolicyMethod(), "", door.admin);
    }

    @Test
    void refusesPartsOfAChangeOutOfReachWhateverElseItHolds() {
        ApplyPolicyRequest header = ApplyPolicyRequest.newBuilder()
                .setHeader(ApplyPolicyHeader.newBuilder()
                        .addPreconditions(RevisionPrecondition.newBuilder()
                                .setTenant("other")
                                .setRevision(-5)))
                .build();
        ApplyPolicyRequest deletion = ApplyPolicyRequest.newBuilder()
                .setDelete(DocumentKey.newBuilder().setTenant("other").setKind("Nonsense"))
                .build();
        ApplyPolicyRequest plain = ApplyPolicyRequest.newBuilder()
                .setHeader(ApplyPolicyHeader.getDefaultInstance())
                .build();
        MethodDescriptor<?, ?> apply = PolicyServiceGrpc.getApplyPolicyMethod();

        Refusal.of(() -> send(apply, List.of(header), door.replay)).is(ErrorReason.TENANT_NOT_ALLOWED);
        Refusal.of(() -> send(apply, List.of(plain, deletion), door.replay)).is(ErrorReason.TENANT_NOT_ALLOWED);
        Refusal.of(() -> send(apply, List.of(plain), door.replay)).is(ErrorReason.PERMISSION_MISSING);
    }

    @Test
    void answersHealthToEverybody() {
        var health = io.grpc.health.v1.HealthGrpc.newBlockingStub(door.channel);
        for (String service : List.of("", "assize.v1.DecisionService", "assize.v1.LedgerService")) {
            assertThat(health.check(io.grpc.health.v1.HealthCheckRequest.newBuilder()
                                    .setService(service)
                                    .build())
                            .getStatus()
                            .name())
                    .isEqualTo("SERVING");
        }
    }

    @Test
    void listsServicesOnlyToWhoHasACredentialUnlessConfigured() {
        MethodDescriptor<?, ?> reflection = io.grpc.reflection.v1.ServerReflectionGrpc.getServerReflectionInfoMethod();
        List<Object> question = List.of(io.grpc.reflection.v1.ServerReflectionRequest.newBuilder()
                .setListServices("")
                .build());

        Refusal.of(() -> send(reflection, question, null)).is(ErrorReason.CREDENTIALS_MISSING);
        send(reflection, question, door.replay);
    }

    @Test
    void countsCallsByRpcAndCode() {
        alone(() -> {
            Refusal.of(() -> call(DecisionServiceGrpc.getCheckMethod(), "acme", null));

            assertThat(door.meters
                            .get("assize.rpc.duration")
                            .tags("rpc", "DecisionService/Check", "code", "UNAUTHENTICATED")
                            .timer()
                            .count())
                    .isOne();
        });
    }

    private void call(MethodDescriptor<?, ?> rpc, String tenant, @Nullable String key) {
        Function<String, List<Object>> request = REQUESTS.get(RpcNames.of(rpc));
        assertThat(request).as(RpcNames.of(rpc)).isNotNull();
        if (request != null) {
            send(rpc, request.apply(tenant), key);
        }
    }

    /** Sends messages to any RPC and waits for its end. */
    @SuppressWarnings("unchecked") // The messages are of the method's type by the table above.
    private void send(MethodDescriptor<?, ?> rpc, List<Object> messages, @Nullable String key) {
        Metadata headers = new Metadata();
        if (key != null) {
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        }
        Channel channel =
                ClientInterceptors.intercept(door.channel, MetadataUtils.newAttachHeadersInterceptor(headers));
        ClientCall<Object, Object> call = channel.newCall((MethodDescriptor<Object, Object>) rpc, CallOptions.DEFAULT);
        CompletableFuture<Status> end = new CompletableFuture<>();
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(Object message) {
                        if (LASTING.contains(RpcNames.of(rpc))) {
                            end.complete(Status.OK);
                            call.cancel("heard enough", null);
                        }
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        if (status.isOk()) {
                            end.complete(status);
                        } else {
                            end.completeExceptionally(status.asRuntimeException(trailers));
                        }
                    }
                },
                new Metadata());
        call.request(Integer.MAX_VALUE);
        messages.forEach(call::sendMessage);
        call.halfClose();
        try {
            assertThat(end.join().isOk()).isTrue();
        } catch (CompletionException failure) {
            if (failure.getCause() instanceof StatusRuntimeException status) {
                throw status;
            }
            throw failure;
        }
    }

    private static CheckRequest.Builder check() {
        return CheckRequest.newBuilder()
                .setSubject("user:alice")
                .setResource("replay:1")
                .setAction("execute");
    }
}

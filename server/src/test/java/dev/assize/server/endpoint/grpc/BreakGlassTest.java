package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.SealKeyRequest;
import dev.assize.proto.v1.SealKeyResponse;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.testing.ChangeCall;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The key for emergencies, as it comes in. */
@Timeout(60)
class BreakGlassTest {

    private static final String POLICY = """
            {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme},
              spec: {environments: [default], changeApprovals: 1}}
            ---
            {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: reader},
              spec: {permissions: [{resources: [vault], actions: [read]}]}}
            """;

    @TempDir
    Path directory;

    private GrpcFixture door;
    private SealKeyResponse sealed;
    private PolicyServiceBlockingStub policy;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        apply(door.admin, POLICY);
        sealed = door.access(door.admin).sealKey(seal().setDescription("safe 3").build());
        policy = door.policies(sealed.getCredential());
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void sealingNeedsItsPermissionAndReach() {
        Refusal.of(() -> door.access(door.replay).sealKey(seal().build())).is(ErrorReason.TENANT_NOT_ALLOWED);
        Refusal.of(() ->
                        door.access(door.admin).sealKey(seal().setTenant("acme").build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("tenant");
        Refusal.of(() -> door.access(door.admin)
                        .sealKey(seal().setDescription("x".repeat(257)).build()))
                .naming("description");
        String narrow = door.key("user:admin", "assize", false, "assize");
        Refusal.of(() -> door.access(narrow).sealKey(seal().build())).is(ErrorReason.KEY_EXCEEDS_CALLER);
        String sealOnly = door.key("user:admin", "assize", true, Set.of(), Set.of("AccessService/SealKey"));
        Refusal.of(() -> door.access(sealOnly).sealKey(seal().build())).is(ErrorReason.KEY_EXCEEDS_CALLER);
    }

    @Test
    void makesNoKeysSpeaksForNobodyAndWritesNoHistory() {
        String key = sealed.getCredential();
        Refusal.of(() -> door.access(key).sealKey(seal().build())).is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> door.access(key)
                        .createKey(CreateKeyRequest.newBuilder()
                                .setTenant("assize")
                                .setSubject("user:admin")
                                .build()))
                .is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> door.ledger(key)
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(AuditEvent.newBuilder().setType("x"))
                                .build()))
                .is(ErrorReason.PERMISSION_MISSING);
        assertThat(uses()).isEqualTo(3);
    }

    /** It lives for an hour; who decides by the documents decides for others, and by them for longer. */
    @Test
    void followsPolicyAndGetsNoDocuments() {
        WatchPolicyRequest plain =
                WatchPolicyRequest.newBuilder().setTenant("acme").build();
        CancellableContext listening = Context.current().withCancellation();
        listening.run(
                () -> assertThat(policy.watchPolicy(plain).next().getState().getRevision())
                        .isEqualTo(7));
        listening.cancel(null);

        WatchPolicyRequest withDocuments = plain.toBuilder().setDocuments(true).build();
        Refusal.of(() -> policy.watchPolicy(withDocuments).next()).is(ErrorReason.RPC_NOT_ALLOWED);
        door.decisions.grant("service:replay", "watch", "tenant:acme/policy");
        Refusal.of(() -> door.policies(door.replay).watchPolicy(withDocuments).next())
                .is(ErrorReason.PERMISSION_MISSING);
        assertThat(uses()).isEqualTo(2);
    }

    @Test
    void isAllowedWhatChangesPolicyWhateverPolicySays() {
        Refusal.of(() -> door.policies(door.admin).grant(grant().build())).is(ErrorReason.ACCEPTANCE_NEEDED);
        door.decisions.revokeAll();
        policy.grant(grant().build());
        String freeze = policy.freeze(FreezeRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("user:eve")
                        .setReason("now")
                        .build())
                .getName();
        policy.unfreeze(
                UnfreezeRequest.newBuilder().setTenant("acme").setName(freeze).build());
        apply(sealed.getCredential(), POLICY.replace(", changeApprovals: 1", ""));
        assertThat(policy.exportPolicy(ExportPolicyRequest.newBuilder()
                                .setTenant("acme")
                                .build())
                        .next()
                        .getRevision())
                .isEqualTo(5);
        door.access(sealed.getCredential())
                .revokeKey(RevokeKeyRequest.newBuilder()
                        .setTenant("acme")
                        .setId(door.replay.split("_", 3)[1])
                        .build());
    }

    @Test
    void isNeverUsedSilently() {
        BreakGlass alarm = door.injector.getInstance(BreakGlass.class);
        assertThat(alarm.complaint()).isEmpty();
        assertThat(listed().hasFirstUsedAt()).isFalse();
        policy.grant(grant().build());

        assertThat(door.keyRepository.events())
                .filteredOn(event -> event.type().equals("assize.break-glass.used"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.actor()).hasToString("user:break-glass");
                    assertThat(event.payload())
                            .contains("PolicyService/Grant", sealed.getKey().getId(), "2026-03-01T13:00:00Z");
                });
        assertThat(door.keyRepository.elsewhere()).containsExactly("acme assize.break-glass.used");
        assertThat(uses()).isOne();
        assertThat(alarm.complaint().orElseThrow()).contains(sealed.getKey().getId(), "assize key seal");
        assertThat(listed().getUsableUntil().getSeconds()
                        - listed().getFirstUsedAt().getSeconds())
                .isEqualTo(3_600);

        // The alarm goes on until another one is sealed, also where the key was ended.
        door.access(door.admin)
                .revokeKey(RevokeKeyRequest.newBuilder()
                        .setTenant("assize")
                        .setId(sealed.getKey().getId())
                        .build());
        Refusal.of(() -> policy.grant(grant().build())).is(ErrorReason.CREDENTIALS_INVALID);
        assertThat(alarm.complaint()).isPresent();
    }

    @Test
    void whatCannotBeRecordedIsNotLetIn() {
        door.keyRepository.breakDown();
        Refusal.of(() -> policy.grant(grant().build())).is(ErrorReason.STORE_UNAVAILABLE);
        assertThat(uses()).isZero();
    }

    @Test
    void sealingAnewVoidsTheOneBefore() {
        SealKeyResponse other = door.access(door.admin).sealKey(seal().build());
        assertThat(other.getVoidedId()).isEqualTo(sealed.getKey().getId());
        Refusal.of(() -> policy.grant(grant().build())).is(ErrorReason.CREDENTIALS_INVALID);
        door.policies(other.getCredential()).grant(grant().build());
        assertThat(door.keyRepository.events())
                .extracting(dev.assize.server.audit.AuditEvent::type)
                .containsSubsequence("assize.break-glass.sealed", "assize.key.revoked", "assize.break-glass.sealed");
    }

    private ApiKey listed() {
        return door
                .access(door.admin)
                .listKeys(ListKeysRequest.newBuilder().setTenant("assize").build())
                .getKeysList()
                .stream()
                .filter(ApiKey::getBreakGlass)
                .findFirst()
                .orElseThrow();
    }

    private double uses() {
        return door.meters.get("assize.break.glass.uses").counter().count();
    }

    private static SealKeyRequest.Builder seal() {
        return SealKeyRequest.newBuilder().setTenant("assize");
    }

    private static GrantRequest.Builder grant() {
        return GrantRequest.newBuilder()
                .setTenant("acme")
                .addSubjects("user:erin")
                .setRole("reader");
    }

    private void apply(String key, String yaml) {
        var _ = ChangeCall.put(
                door.with(PolicyServiceGrpc.newStub(door.channel), key), ApplyPolicyHeader.getDefaultInstance(), yaml);
    }
}

package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DeleteTenantResponse;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.ListTenantsResponse;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ResumeTenantResponse;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.proto.v1.TenantEntry;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.authentication.TenantGoneException;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The life of tenants as a whole node serves it, with a port, a database and the real engine. */
class ServedTenantsTest extends ServedNode {

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
    void aTenantHasNoMoreKeysThanItMayHave() {
        apply(
                admin,
                header(),
                put(tenant("bounded")
                        .replace(
                                "environments: [default]",
                                "environments: [default], plan: team, limits: {documents: 9, keys: 2}")));
        AccessServiceGrpc.AccessServiceBlockingStub access = with(AccessServiceGrpc.newBlockingStub(channel), admin);
        TenantEntry entry = access.listTenants(
                        ListTenantsRequest.newBuilder().setTenant("bounded").build())
                .getTenants(0);
        assertThat(entry.getPlan()).isEqualTo("team");
        assertThat(entry.getMaxDocuments()).isEqualTo(9);
        assertThat(entry.getMaxKeys()).isEqualTo(2);
        assertThat(entry.getDocuments()).isOne();
        assertThat(entry.getKeys()).isZero();
        CreateKeyRequest its = CreateKeyRequest.newBuilder()
                .setTenant("bounded")
                .setSubject("user:admin")
                .build();
        access.createKey(its);
        String second = access.createKey(its).getKey().getId();
        Refusal.of(() -> access.createKey(its)).is(ErrorReason.KEYS_FULL);
        access.revokeKey(
                RevokeKeyRequest.newBuilder().setTenant("bounded").setId(second).build());
        access.createKey(its);
        Refusal.of(() -> access.createKey(its)).is(ErrorReason.KEYS_FULL);

        apply(admin, header(), put(role("bounded")));
        suspend(access, "bounded");
        TenantEntry used = access.listTenants(
                        ListTenantsRequest.newBuilder().setTenant("bounded").build())
                .getTenants(0);
        assertThat(used.getDocuments()).as("freezes are not counted").isEqualTo(2);
        assertThat(used.getKeys()).as("nor is what was revoked").isEqualTo(2);
        assertThat(access.listTenants(ListTenantsRequest.newBuilder()
                                .setTenant("assize")
                                .build())
                        .getTenants(0))
                .as("where nothing is limited nothing is counted")
                .matches(it -> !it.hasDocuments() && !it.hasKeys());
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
}

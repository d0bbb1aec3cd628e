package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AccessGrant;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.EndedGrant;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import dev.assize.server.administration.CleanUpTurns;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who holds what as a whole node tells it and tidies it, with a port, a database and the real engine. */
class ServedGrantsTest extends ServedNode {

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
}

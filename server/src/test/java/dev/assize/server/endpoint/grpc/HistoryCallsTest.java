package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DiffRevisionsResponse;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayResult;
import dev.assize.server.administration.ChangeOrigin;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.testing.ChangeCall;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HistoryCallsTest {

    private static final String TENANT = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            """;

    @TempDir
    Path directory;

    private GrpcFixture door;
    private PolicyServiceBlockingStub policy;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        policy = door.policies(door.admin);
        apply(TENANT, ChangeOrigin.APPLY);
        apply(group("user:alice"), new ChangeOrigin("grant", null));
        apply(group("user:bob"), ChangeOrigin.APPLY);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesRevisionsThatWereNeverCommitted() {
        for (long never : new long[] {-1, 4, Long.MAX_VALUE}) {
            Refusal.of(() -> drain(
                            policy.exportPolicy(export().setAtRevision(never).build())))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("at_revision");
            Refusal.of(() -> drain(policy.diffRevisions(diff(never, 1))))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("from_revision");
            Refusal.of(() -> drain(policy.diffRevisions(diff(1, never))))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("to_revision");
        }
        Refusal.of(() -> drain(policy.replayPolicy(ReplayPolicyRequest.newBuilder()
                        .setTenant("acme")
                        .setRevision(-1)
                        .build())))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("revision");
    }

    @Test
    void refusesAMomentBesideARevisionAndOneToCome() {
        Refusal.of(() -> drain(policy.exportPolicy(export().setAtRevision(1)
                        .setAsOf(Timestamp.newBuilder().setSeconds(1))
                        .build())))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("at_revision");
        Refusal.of(() -> drain(policy.exportPolicy(
                        export().setAsOf(Fields.timestamp(Instant.parse("2026-03-01T12:00:00.000001Z")))
                                .build())))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("as_of");
    }

    @Test
    void knowsNoTenantThatNeverHadPolicyNorOneBeforeItHad() {
        Refusal.of(() -> drain(policy.exportPolicy(
                        export().setTenant("nobody").setAtRevision(1).build())))
                .is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> drain(policy.diffRevisions(
                        diff(0, 0).toBuilder().setTenant("nobody").build())))
                .is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> drain(policy.replayPolicy(
                        ReplayPolicyRequest.newBuilder().setTenant("nobody").build())))
                .is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> drain(policy.exportPolicy(
                        export().setAsOf(Timestamp.newBuilder().setSeconds(1)).build())))
                .is(ErrorReason.TENANT_NOT_FOUND);
    }

    @Test
    void anExportOfThePastNeedsToReadHistory() {
        PolicyServiceBlockingStub reader = door.policies(door.replay);
        door.decisions.grant("service:replay", "read", "tenant:acme/policy");
        Timestamp now = Fields.timestamp(door.clock.instant());

        assertThat(drain(reader.exportPolicy(export().build()))).hasSize(2);
        Refusal.of(() -> drain(reader.exportPolicy(export().setAtRevision(1).build())))
                .is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> drain(reader.exportPolicy(export().setAsOf(now).build())))
                .is(ErrorReason.PERMISSION_MISSING);
        door.decisions.revokeAll();
        door.decisions.grant("service:replay", "read-history", "tenant:acme/policy");
        Refusal.of(() -> drain(reader.exportPolicy(export().setAtRevision(1).build())))
                .is(ErrorReason.PERMISSION_MISSING);
        assertThat(drain(reader.diffRevisions(diff(1, 2)))).hasSize(2);
        door.decisions.grant("service:replay", "read", "tenant:acme/policy");
        assertThat(drain(reader.exportPolicy(export().setAsOf(now).build()))).hasSize(2);
    }

    @Test
    void tellsWhatMadeEachRevision() {
        assertThat(policy.listRevisions(ListRevisionsRequest.newBuilder()
                                .setTenant("acme")
                                .build())
                        .getRevisionsList())
                .extracting(it -> it.getRevision() + " " + it.getOrigin())
                .containsExactly("3 apply", "2 grant", "1 apply");
    }

    @Test
    void exportsWhatStoodAtARevisionAndAtAMoment() {
        assertThat(drain(policy.exportPolicy(export().setAtRevision(1).build())))
                .extracting(it -> it.getRevision() + " " + it.getName())
                .containsExactly("1 acme");
        assertThat(drain(policy.exportPolicy(export().setAtRevision(2).build()))
                        .getLast()
                        .getYaml()
                        .toStringUtf8())
                .contains("user:alice");
        assertThat(drain(policy.exportPolicy(
                        export().setAsOf(Fields.timestamp(door.clock.instant())).build())))
                .isEqualTo(drain(policy.exportPolicy(export().build())));
    }

    @Test
    void comparesAnyTwoRevisions() {
        List<DiffRevisionsResponse> forth = drain(policy.diffRevisions(diff(2, 3)));
        assertThat(forth).hasSize(2);
        assertThat(forth.getFirst().getRevisions().getFrom().getOrigin()).isEqualTo("grant");
        assertThat(forth.getFirst().getRevisions().getTo().getRevision()).isEqualTo(3);
        assertThat(forth.getLast().getDocument().getType()).isEqualTo(ChangeType.CHANGE_TYPE_REPLACED);
        assertThat(forth.getLast().getDocument().getBefore().toStringUtf8()).contains("user:alice");

        assertThat(drain(policy.diffRevisions(diff(3, 1)))
                        .getLast()
                        .getDocument()
                        .getType())
                .isEqualTo(ChangeType.CHANGE_TYPE_DELETED);
        List<DiffRevisionsResponse> all = drain(policy.diffRevisions(diff(0, 0)));
        assertThat(all).hasSize(3);
        assertThat(all.getFirst().getRevisions().hasFrom()).isFalse();
        assertThat(drain(policy.diffRevisions(diff(2, 2)))).hasSize(1);
    }

    @Test
    void rebuildsAPolicyAndSaysHowFarItIs() {
        List<ReplayPolicyResponse> updates = drain(policy.replayPolicy(ReplayPolicyRequest.newBuilder()
                .setTenant("acme")
                .setWhole(true)
                .build()));

        ReplayResult result = updates.getLast().getResult();
        assertThat(result.getEqual()).isTrue();
        assertThat(result.getRevision()).isEqualTo(3);
        assertThat(result.getDocuments()).isEqualTo(2);
        assertThat(result.getEntries()).isEqualTo(6);
        assertThat(result.getPolicyDigest())
                .isEqualTo(policy.listRevisions(ListRevisionsRequest.newBuilder()
                                .setTenant("acme")
                                .build())
                        .getRevisions(0)
                        .getPolicyDigest());
    }

    @Test
    void saysWhereALedgerDoesNotTellAPolicy() {
        door.ledger.rows(new TenantId("acme")).remove(3L);

        ReplayResult result = drain(policy.replayPolicy(
                        ReplayPolicyRequest.newBuilder().setTenant("acme").build()))
                .getLast()
                .getResult();

        assertThat(result.getEqual()).isFalse();
        assertThat(result.getRevision()).isEqualTo(1);
        assertThat(result.getFault().getSeq()).isEqualTo(4);
        assertThat(result.getFault().getMessage()).contains("revision 2 is not whole");
        assertThat(result.getPolicyDigest().isEmpty()).isTrue();
    }

    @Test
    void aDryRunAgainstTheLedgerNeedsToReadDecisions() {
        door.decisions.grant("service:replay", "apply", "tenant:acme/policy");
        Refusal.of(() -> dryRun(against(60).build(), door.replay)).is(ErrorReason.PERMISSION_MISSING);
        door.decisions.grant("service:replay", "read-decisions", "tenant:acme/ledger");

        assertThat(dryRun(against(60).build(), door.replay).getAgainstLedgerList())
                .singleElement()
                .satisfies(it -> {
                    assertThat(it.getTenant()).isEqualTo("acme");
                    assertThat(it.getDecisions()).isZero();
                    assertThat(it.getComplete()).isTrue();
                });
        assertThat(dryRun(against(60).clearAgainstLedger().build(), door.replay).getAgainstLedgerList())
                .isEmpty();
    }

    @Test
    void refusesAPeriodThatIsNoneAndOneWithoutADryRun() {
        for (long seconds : new long[] {0, -1, 31 * 86_400 + 1, Long.MAX_VALUE}) {
            Refusal.of(() -> dryRun(against(seconds).build(), door.admin))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("header.against_ledger");
        }
        Refusal.of(() -> dryRun(against(60).setDryRun(false).build(), door.admin))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("header.against_ledger");
        assertThat(dryRun(against(31 * 86_400).build(), door.admin).getAgainstLedgerCount())
                .isOne();
    }

    private static ApplyPolicyHeader.Builder against(long seconds) {
        return ApplyPolicyHeader.newBuilder()
                .setDryRun(true)
                .setAgainstLedger(com.google.protobuf.Duration.newBuilder().setSeconds(seconds));
    }

    private ApplyPolicyResponse dryRun(ApplyPolicyHeader header, String key) {
        return ChangeCall.put(door.with(PolicyServiceGrpc.newStub(door.channel), key), header, group("user:carol"));
    }

    private void apply(String yaml, ChangeOrigin origin) {
        List<Document> documents = DocumentReader.read("policy.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                .documents();
        door.injector
                .getInstance(PolicyAdministration.class)
                .apply(
                        new ChangeSet(documents, List.of(), List.of(), false, false, null, origin),
                        Recorder.ASSIZE,
                        any -> true);
        assertThat(door.policies.current(PolicyScope.of(new TenantId("acme"))).size())
                .isPositive();
    }

    private static String group(String member) {
        return """
                apiVersion: assize.dev/v1
                kind: Group
                metadata: {tenant: acme, name: g}
                spec: {members: ["%s"]}
                """.formatted(member);
    }

    private static ExportPolicyRequest.Builder export() {
        return ExportPolicyRequest.newBuilder().setTenant("acme");
    }

    private static DiffRevisionsRequest diff(long from, long to) {
        return DiffRevisionsRequest.newBuilder()
                .setTenant("acme")
                .setFromRevision(from)
                .setToRevision(to)
                .build();
    }

    private static <R> List<R> drain(Iterator<R> stream) {
        return ImmutableList.copyOf(stream);
    }
}

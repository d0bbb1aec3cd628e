package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.client.AssizeClient;
import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TrustPolicy;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.BeginIncarnationRequest;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetConsistencyProofResponse;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetInclusionProofResponse;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.Hold;
import dev.assize.proto.v1.HoldScope;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.MetaCheckpoint;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPart;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.ReleaseHoldRequest;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayResult;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyResult;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.Frame;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** The ledger as a whole node serves it, with a port, a database and the real engine. */
class ServedLedgerTest extends ServedNode {

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

    private static SignedNote note(String text) throws NotProvenException {
        return SignedNote.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static List<byte[]> bytes(List<ByteString> hashes) {
        return hashes.stream().map(ByteString::toByteArray).toList();
    }
}

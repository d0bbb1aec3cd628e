package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.BeginIncarnationRequest;
import dev.assize.proto.v1.BeginIncarnationResponse;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetConsistencyProofResponse;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetInclusionProofResponse;
import dev.assize.proto.v1.MetaCheckpoint;
import dev.assize.server.anchor.Checkpoints;
import dev.assize.server.anchor.Checkpoints.Checkpoint;
import dev.assize.server.anchor.Checkpoints.Consistency;
import dev.assize.server.anchor.Checkpoints.Inclusion;
import dev.assize.server.anchor.Checkpoints.Place;
import dev.assize.server.anchor.IncarnationRecord;
import dev.assize.server.anchor.Incarnations;
import dev.assize.server.anchor.NoSuchTreeException;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.audit.AuditEvents;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Names;
import dev.assize.server.model.TenantId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The calls of `LedgerService` that need no trust: checkpoints, proofs, and the incarnation after a loss. */
final class ProofCalls {

    private final Checkpoints checkpoints;
    private final Incarnations incarnations;
    private final Prefixes prefixes;
    private final Gate gate;
    private final LedgerDirectory ledgers;

    @Inject
    ProofCalls(
            Checkpoints checkpoints, Incarnations incarnations, Prefixes prefixes, Gate gate, LedgerDirectory ledgers) {
        this.checkpoints = checkpoints;
        this.incarnations = incarnations;
        this.prefixes = prefixes;
        this.gate = gate;
        this.ledgers = ledgers;
    }

    GetCheckpointResponse checkpoint(GetCheckpointRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Checkpoint found = checkpoints.latest(tenant).orElseThrow(() -> {
            ledgers.requireExists(tenant);
            return new NoSuchTreeException("nothing of the ledger of tenant `" + tenant + "` is signed yet");
        });
        GetCheckpointResponse.Builder response = GetCheckpointResponse.newBuilder()
                .setCheckpoint(found.signed().note())
                .setOrigin(found.signed().note().lines().findFirst().orElse(""))
                .setTreeSize(found.signed().size())
                .setRootHash(ByteString.copyFrom(found.signed().root().bytes()))
                .setIncarnation(found.signed().incarnation())
                .setSignedAt(Fields.timestamp(found.signed().signedAt()))
                .addAllVerifierKeys(found.verifierKeys());
        if (found.place() != null) {
            response.setMeta(meta(found.place()));
        }
        return response.build();
    }

    private static MetaCheckpoint meta(Place place) {
        return MetaCheckpoint.newBuilder()
                .setCheckpoint(place.meta().note())
                .setTreeSize(place.meta().size())
                .setRootHash(ByteString.copyFrom(place.meta().root().bytes()))
                .setLeafIndex(place.leaf().index())
                .setLeaf(place.leaf().text())
                .addAllInclusionProof(bytes(place.proof()))
                .build();
    }

    GetInclusionProofResponse inclusion(GetInclusionProofRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        requirePosition("seq", request.getSeq());
        requirePosition("tree_size", request.getTreeSize());
        return inclusion(tenant, request.getSeq(), request.hasTreeSize() ? request.getTreeSize() : null);
    }

    /** For whoever has been admitted already. */
    GetInclusionProofResponse inclusion(TenantId tenant, long seq, @Nullable Long treeSize) {
        prefixes.requireHere(tenant, seq);
        Inclusion found = checkpoints.inclusion(tenant, seq, treeSize);
        return GetInclusionProofResponse.newBuilder()
                .setSeq(found.seq())
                .setTreeSize(found.treeSize())
                .setRootHash(ByteString.copyFrom(found.root()))
                .addAllHashes(bytes(found.proof()))
                .setCheckpoint(found.latest().note())
                .build();
    }

    GetConsistencyProofResponse consistency(GetConsistencyProofRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        requirePosition("from_size", request.getFromSize());
        requirePosition("to_size", request.getToSize());
        Consistency found = checkpoints.consistency(
                tenant, request.getFromSize(), request.hasToSize() ? request.getToSize() : null);
        return GetConsistencyProofResponse.newBuilder()
                .setFromSize(found.fromSize())
                .setToSize(found.toSize())
                .setFromRootHash(ByteString.copyFrom(found.fromRoot()))
                .setToRootHash(ByteString.copyFrom(found.root()))
                .addAllHashes(bytes(found.proof()))
                .setCheckpoint(found.latest().note())
                .build();
    }

    BeginIncarnationResponse beginIncarnation(BeginIncarnationRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        String reason = request.getReason();
        if (reason.isBlank() || !Names.isClean(reason) || Names.utf8Length(reason) > AuditEvents.REASON_BYTES) {
            throw RefusedException.invalid(
                    "reason", reason, "1 to " + AuditEvents.REASON_BYTES + " bytes without control characters");
        }
        Incarnations.Begun begun = incarnations
                .begin(tenant, new IncarnationRecord(CallContext.current().recorder(), reason))
                .orElseThrow(() -> RefusedException.precondition(
                        ErrorReason.LEDGER_WHOLE,
                        "ledger",
                        "the ledger of tenant `" + tenant + "` has lost nothing that was signed, and is not halted"));
        Receipt entry = begun.entry();
        return BeginIncarnationResponse.newBuilder()
                .setIncarnation(begun.incarnation())
                .setEntry(AppendedEntry.newBuilder()
                        .setSeq(entry.seq())
                        .setEntryHash(ByteString.copyFrom(entry.entryHash().bytes()))
                        .setRecordedAt(Fields.timestamp(entry.recordedAt())))
                .build();
    }

    private static void requirePosition(String field, long value) {
        if (value < 0) {
            throw RefusedException.invalid(field, Long.toString(value), "0 or more");
        }
    }

    private static List<ByteString> bytes(List<byte[]> hashes) {
        return hashes.stream().map(ByteString::copyFrom).toList();
    }
}

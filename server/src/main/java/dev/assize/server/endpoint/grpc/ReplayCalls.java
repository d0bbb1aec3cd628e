package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.PolicyDrift;
import dev.assize.proto.v1.PolicyDriftType;
import dev.assize.proto.v1.ReplayFault;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayProgress;
import dev.assize.server.administration.PolicyReplays;
import dev.assize.server.administration.PolicyReplays.Wish;
import dev.assize.server.administration.PolicyRevisions;
import dev.assize.server.administration.ReplayResult;
import dev.assize.server.administration.ReplayResult.Broken;
import dev.assize.server.administration.ReplayResult.Drift;
import dev.assize.server.administration.ReplayResult.DriftType;
import dev.assize.server.administration.ReplayResult.Rebuilt;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.StoredDocument;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import org.jspecify.annotations.Nullable;

/** `PolicyService/ReplayPolicy`. */
final class ReplayCalls {

    /** Texts of one answer. */
    static final int TEXT_BYTES = 1 << 20;

    private final PolicyReplays replays;
    private final PolicyRevisions revisions;
    private final Gate gate;
    private final VerificationSlots slots = new VerificationSlots();

    @Inject
    ReplayCalls(PolicyReplays replays, PolicyRevisions revisions, Gate gate) {
        this.replays = replays;
        this.revisions = revisions;
        this.gate = gate;
    }

    ReplayPolicyResponse replay(ReplayPolicyRequest request, ServerCallStreamObserver<ReplayPolicyResponse> stream) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        Revision present = revisions.present(scope);
        if (present.equals(Revision.NONE) && !scope.isPlatform()) {
            throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", scope.key());
        }
        long wanted = request.getRevision();
        if (wanted < 0) {
            throw RefusedException.invalid("revision", Long.toString(wanted), "a revision, or 0 for the last");
        }
        Wish wish = new Wish(scope, wanted == 0 ? null : new Revision(wanted), request.getWhole());
        Context context = Context.current();
        ReplayResult result = slots.run(() -> replays.replay(wish, (revision, entries) -> {
            if (context.isCancelled()) {
                throw new StatusRuntimeException(Status.CANCELLED);
            }
            // A reader that is slow misses progress, never the result.
            if (stream.isReady()) {
                stream.onNext(ReplayPolicyResponse.newBuilder()
                        .setProgress(ReplayProgress.newBuilder()
                                .setRevision(revision.value())
                                .setEntries(entries))
                        .build());
            }
        }));
        return ReplayPolicyResponse.newBuilder().setResult(wire(result)).build();
    }

    private static dev.assize.proto.v1.ReplayResult wire(ReplayResult result) {
        dev.assize.proto.v1.ReplayResult.Builder wire =
                dev.assize.proto.v1.ReplayResult.newBuilder().setEntries(result.entries());
        switch (result) {
            case Broken broken ->
                wire.setRevision(broken.revision().value())
                        .setFault(ReplayFault.newBuilder().setSeq(broken.seq()).setMessage(broken.message()));
            case Rebuilt rebuilt -> {
                wire.setEqual(rebuilt.driftCount() == 0)
                        .setRevision(rebuilt.revision().value())
                        .setPolicyDigest(ByteString.copyFrom(rebuilt.digest().bytes()))
                        .setDocuments(rebuilt.documents())
                        .setDriftCount(rebuilt.driftCount());
                rebuilt.snapshot().ifPresent(wire::setSnapshotSeq);
                Texts texts = new Texts();
                rebuilt.drifts().forEach(drift -> wire.addDrifts(wire(drift, texts)));
            }
        }
        return wire.build();
    }

    private static PolicyDrift wire(Drift drift, Texts texts) {
        PolicyDrift.Builder wire = PolicyDrift.newBuilder()
                .setType(type(drift.type()))
                .setMessage(drift.message())
                .setTold(texts.of(drift.told()))
                .setStored(texts.of(drift.stored()));
        drift.seq().ifPresent(wire::setSeq);
        if (drift.key() != null) {
            wire.setKind(drift.key().kind().text()).setName(drift.key().name());
        }
        return wire.build();
    }

    private static PolicyDriftType type(DriftType type) {
        return switch (type) {
            case MISSING -> PolicyDriftType.POLICY_DRIFT_TYPE_MISSING;
            case UNKNOWN -> PolicyDriftType.POLICY_DRIFT_TYPE_UNKNOWN;
            case TEXT -> PolicyDriftType.POLICY_DRIFT_TYPE_TEXT;
            case PLACE -> PolicyDriftType.POLICY_DRIFT_TYPE_PLACE;
            case REVISION -> PolicyDriftType.POLICY_DRIFT_TYPE_REVISION;
        };
    }

    /** What is left of the texts that one answer may carry. */
    private static final class Texts {

        private int bytesLeft = TEXT_BYTES;

        ByteString of(@Nullable StoredDocument document) {
            ByteString text = document == null ? ByteString.EMPTY : ByteString.copyFromUtf8(document.yaml());
            if (text.size() > bytesLeft) {
                return ByteString.EMPTY;
            }
            bytesLeft -= text.size();
            return text;
        }
    }
}

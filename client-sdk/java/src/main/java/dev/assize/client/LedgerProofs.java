package dev.assize.client;

import com.google.protobuf.ByteString;
import dev.assize.client.ledger.BundleWriter;
import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.DecisionField;
import dev.assize.client.ledger.DecisionProof;
import dev.assize.client.ledger.KeptValue;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.LedgerHead;
import dev.assize.client.ledger.LedgerPart;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.ProvenDecision;
import dev.assize.client.ledger.ProvenEntry;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TlogProof;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetConsistencyProofResponse;
import dev.assize.proto.v1.GetDecisionProofRequest;
import dev.assize.proto.v1.GetDecisionProofResponse;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetInclusionProofResponse;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceBlockingStub;
import dev.assize.proto.v1.MetaCheckpoint;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What the server can prove of one ledger, to be kept elsewhere. Nothing is handed out that was not verified with the
 * keys one trusts.
 *
 * <p>Every method throws {@link AssizeException} where the server has no answer, which says nothing about the ledger, and
 * {@link NotProvenException} where its answer does not bear out what it claims. What is not signed yet is waited for, some
 * seconds at the most.
 */
public final class LedgerProofs {

    /**
     * Times a checkpoint is asked for until it is the ledger's head in the log of heads. It may be another for the moment
     * in which one is published, and for the second in which an incarnation begins.
     */
    private static final int TRIES = 12;

    private static final Duration PAUSE = Duration.ofMillis(250);

    /** What was appended a moment ago is about to be signed: who asks for its proof is not sent away so long. */
    private static final Duration SOON = Duration.ofSeconds(3);

    private static final String NOT_SIGNED = "LEDGER_NOT_SIGNED";

    private final DecisionServiceBlockingStub decisions;
    private final LedgerServiceBlockingStub ledger;
    private final String tenant;
    private final Set<VerifierKey> trusted;
    private final Duration deadline;

    LedgerProofs(
            DecisionServiceBlockingStub decisions,
            LedgerServiceBlockingStub ledger,
            String tenant,
            Set<VerifierKey> trusted,
            Duration deadline) {
        this.decisions = decisions;
        this.ledger = ledger;
        this.tenant = tenant;
        this.trusted = Set.copyOf(trusted);
        this.deadline = deadline;
    }

    /** The latest signed checkpoint, with its place in the log of heads. Keep it where the operator cannot reach it. */
    public LedgerHead head() throws NotProvenException {
        LedgerHead head = headOf(ledger, tenant, deadline);
        Checkpoint _ = head.verify(trusted);
        return head;
    }

    static LedgerHead headOf(LedgerServiceBlockingStub ledger, String tenant, Duration deadline)
            throws NotProvenException {
        GetCheckpointRequest request =
                GetCheckpointRequest.newBuilder().setTenant(tenant).build();
        for (int tries = 1; tries <= TRIES; tries++) {
            if (tries > 1) {
                Patience.pause(PAUSE, AssizeException.broken("interrupted while the server publishes a checkpoint"));
            }
            GetCheckpointResponse answer =
                    signed(() -> ledger.withDeadlineAfter(deadline).getCheckpoint(request));
            SignedNote note = note(answer.getCheckpoint());
            MetaCheckpoint meta = answer.getMeta();
            if (meta.getLeaf().equals(note.text())) {
                List<VerifierKey> keys = new ArrayList<>();
                for (String key : answer.getVerifierKeysList()) {
                    keys.add(VerifierKey.parse(key));
                }
                TlogProof place = TlogProof.of(
                        meta.getLeafIndex(), bytes(meta.getInclusionProofList()), note(meta.getCheckpoint()));
                return new LedgerHead(note, place, keys);
            }
        }
        throw new NotProvenException("the checkpoint is not the ledger's head in the log of heads");
    }

    /**
     * Requires the ledger to continue what a checkpoint of it said that was kept: nothing before it was changed.
     *
     * @return the latest checkpoint
     */
    public SignedNote requireContinues(SignedNote kept) throws NotProvenException {
        Checkpoint before = LedgerHead.verify(kept, trusted);
        GetConsistencyProofRequest request = GetConsistencyProofRequest.newBuilder()
                .setTenant(tenant)
                .setFromSize(before.size())
                .build();
        GetConsistencyProofResponse answer =
                signed(() -> ledger.withDeadlineAfter(deadline).getConsistencyProof(request));
        SignedNote latest = note(answer.getCheckpoint());
        LedgerHead.verify(latest, trusted).requireContinues(before, bytes(answer.getHashesList()));
        return latest;
    }

    /** The proof that an entry stands in the ledger; the entry's frame comes along as its extra data. */
    public TlogProof prove(long seq) throws NotProvenException {
        GetInclusionProofRequest request = GetInclusionProofRequest.newBuilder()
                .setTenant(tenant)
                .setSeq(seq)
                .build();
        GetInclusionProofResponse answer =
                signed(() -> ledger.withDeadlineAfter(deadline).getInclusionProof(request));
        byte[] frame = frame(seq);
        TlogProof proof = TlogProof.of(seq, bytes(answer.getHashesList()), note(answer.getCheckpoint()));
        ProvenEntry _ = ProvenEntry.of(proof, frame, trusted);
        return proof.with(frame);
    }

    /** The proof that a decision is on record; it tells nothing of other decisions. */
    public DecisionProof proveDecision(String decisionId) throws NotProvenException {
        GetDecisionProofRequest request = GetDecisionProofRequest.newBuilder()
                .setTenant(tenant)
                .setDecisionId(decisionId)
                .build();
        GetDecisionProofResponse answer =
                signed(() -> decisions.withDeadlineAfter(deadline).getDecisionProof(request));
        GetInclusionProofResponse inclusion = answer.getInclusion();
        if (answer.getFrame().isEmpty()) {
            throw new NotProvenException(inclusion.getSeq(), "entry " + inclusion.getSeq() + " is missing");
        }
        TlogProof entry = TlogProof.of(
                        inclusion.getSeq(), bytes(inclusion.getHashesList()), note(inclusion.getCheckpoint()))
                .with(answer.getFrame().toByteArray());
        DecisionProof proof = DecisionProof.of(
                answer.getRecord().toByteArray(),
                answer.getPosition(),
                answer.getCount(),
                bytes(answer.getHashesList()),
                entry);
        ProvenDecision proven = proof.verify(trusted);
        if (!proven.record().text(DecisionField.DECISION_ID).orElse("").equals(decisionId)) {
            throw new NotProvenException("the server proves another decision than `" + decisionId + "`");
        }
        return proof;
    }

    private byte[] frame(long seq) {
        List<ByteString> frames = new ArrayList<>();
        export(seq, seq).forEachRemaining(part -> frames.addAll(part.getFrames().getFramesList()));
        if (frames.size() != 1 || frames.getFirst().isEmpty()) {
            throw AssizeException.broken(
                    "the server does not hand out entry " + seq + ": does this key see the entry's environment?");
        }
        return frames.getFirst().toByteArray();
    }

    /**
     * Writes the ledger up to its latest checkpoint as a {@link LedgerBundle}, which is verified while it is written: all
     * of it, or, where its beginning was pruned, the part that is left.
     *
     * @param to is left open; what was written is worth nothing where this throws
     * @return the checkpoint
     */
    public LedgerHead writeBundle(OutputStream to, LedgerBundle.Progress progress)
            throws NotProvenException, IOException {
        LedgerHead head = head();
        long size = Checkpoint.parse(head.checkpoint().text()).size();
        Iterator<ExportAuditResponse> parts = size > 0 ? export(0, size - 1) : Collections.emptyIterator();
        ExportAuditResponse first = parts.hasNext() ? parts.next() : ExportAuditResponse.getDefaultInstance();
        BundleWriter bundle = first.hasBase()
                ? BundleWriter.ofPart(
                        head,
                        new LedgerPart(
                                first.getBase().getSeq(),
                                size,
                                first.getBase().getPrevHash().toByteArray(),
                                List.of()),
                        bytes(first.getBase().getEdgesList()),
                        trusted,
                        to)
                : new BundleWriter(head, trusted, to);
        add(first, bundle, size, progress);
        while (parts.hasNext()) {
            add(parts.next(), bundle, size, progress);
        }
        bundle.finish();
        return head;
    }

    private static void add(ExportAuditResponse part, BundleWriter bundle, long size, LedgerBundle.Progress progress)
            throws NotProvenException, IOException {
        if (part.hasProgress() && !part.getProgress().hasTotal()) {
            throw AssizeException.broken(
                    "this key sees some environments only, and a bundle holds the entries of all of them");
        }
        Map<Long, List<KeptValue>> values = values(part.getFrames().getValuesList());
        for (ByteString frame : part.getFrames().getFramesList()) {
            bundle.add(frame.toByteArray(), values.getOrDefault(bundle.size(), List.of()));
        }
        if (part.hasDecisions()) {
            bundle.addDecisions(
                    part.getDecisions().getSeq(), bytes(part.getDecisions().getRecordsList()));
        }
        progress.verified(bundle.size(), size);
    }

    private static Map<Long, List<KeptValue>> values(List<dev.assize.proto.v1.KeptValue> values) {
        Map<Long, List<KeptValue>> bySeq = new HashMap<>();
        values.forEach(value -> bySeq.computeIfAbsent(value.getSeq(), _ -> new ArrayList<>())
                .add(new KeptValue(
                        value.getSeq(),
                        value.getField(),
                        value.getSalt().toByteArray(),
                        value.getValue().toByteArray())));
        return bySeq;
    }

    private Iterator<ExportAuditResponse> export(long fromSeq, long toSeq) {
        ExportAuditRequest request = ExportAuditRequest.newBuilder()
                .setTenant(tenant)
                .setFormat(ExportFormat.EXPORT_FORMAT_FRAMES)
                .setFromSeq(fromSeq)
                .setToSeq(toSeq)
                .build();
        Iterator<ExportAuditResponse> parts =
                asked(() -> ledger.withDeadlineAfter(deadline).exportAudit(request));
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return asked(parts::hasNext);
            }

            @Override
            public ExportAuditResponse next() {
                return asked(parts::next);
            }
        };
    }

    /** What is about to be signed is asked for until it is. */
    private static <T> T signed(Supplier<T> call) {
        long end = System.nanoTime() + SOON.toNanos();
        while (true) {
            try {
                return asked(call);
            } catch (AssizeException failure) {
                if (!failure.reason().equals(NOT_SIGNED) || System.nanoTime() - end >= 0) {
                    throw failure;
                }
                Patience.pause(PAUSE, failure);
            }
        }
    }

    private static <T> T asked(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
    }

    private static SignedNote note(String note) throws NotProvenException {
        return SignedNote.parse(note.getBytes(StandardCharsets.UTF_8));
    }

    private static List<byte[]> bytes(List<ByteString> hashes) {
        return hashes.stream().map(ByteString::toByteArray).toList();
    }
}

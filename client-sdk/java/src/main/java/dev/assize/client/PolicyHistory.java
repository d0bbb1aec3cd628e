package dev.assize.client;

import com.google.protobuf.Timestamp;
import dev.assize.client.PolicyReplay.Drift;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DiffRevisionsResponse;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayResult;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/**
 * What a policy was: who changed it and when, what is not the same at two revisions, all of one, and whether it is what its
 * ledger tells. From {@link PolicyClient#history}; thread-safe.
 *
 * <p>Every method throws {@link AssizeException} where the server refuses or does not answer. What reads a whole policy or
 * ledger takes as long as that is, and hands out each document as it comes.
 */
public final class PolicyHistory {

    private static final int PAGE_SIZE = 500;

    private final PolicyServiceBlockingStub stub;
    private final String tenant;
    private final Duration readDeadline;

    PolicyHistory(PolicyServiceBlockingStub stub, String tenant, Duration readDeadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.readDeadline = readDeadline;
    }

    /** The same of the platform's own policy, which every tenant sees. */
    public PolicyHistory ofPlatform() {
        return new PolicyHistory(stub, "", readDeadline);
    }

    /**
     * The accepted changes, newest first, fetched page by page while iterating.
     *
     * @throws AssizeException while iterating, when a page cannot be had
     */
    public Iterable<PolicyRevision> revisions() {
        return () -> new Pages<>(token -> {
            ListRevisionsResponse page = stub.withDeadlineAfter(readDeadline)
                    .listRevisions(ListRevisionsRequest.newBuilder()
                            .setTenant(tenant)
                            .setPageSize(PAGE_SIZE)
                            .setPageToken(token)
                            .build());
            return new Pages.Page<>(
                    page.getRevisionsList().stream()
                            .map(PolicyHistory::revision)
                            .toList(),
                    page.getNextPageToken());
        });
    }

    /**
     * Hands out every document, by kind and name.
     *
     * @return the revision they are of; 0 where there are none
     */
    public long export(Consumer<PolicyDocument> reader) {
        return export(ExportPolicyRequest.getDefaultInstance(), reader);
    }

    /** The same as it stood at a revision. */
    public long exportAt(long revision, Consumer<PolicyDocument> reader) {
        return export(ExportPolicyRequest.newBuilder().setAtRevision(revision).build(), reader);
    }

    /** The same as it stood at a moment. */
    public long exportAsOf(Instant moment, Consumer<PolicyDocument> reader) {
        Timestamp asOf = Timestamp.newBuilder()
                .setSeconds(moment.getEpochSecond())
                .setNanos(moment.getNano())
                .build();
        return export(ExportPolicyRequest.newBuilder().setAsOf(asOf).build(), reader);
    }

    private long export(ExportPolicyRequest request, Consumer<PolicyDocument> reader) {
        long revision = 0;
        try {
            Iterator<ExportPolicyResponse> documents =
                    stub.exportPolicy(request.toBuilder().setTenant(tenant).build());
            while (documents.hasNext()) {
                ExportPolicyResponse document = documents.next();
                revision = document.getRevision();
                reader.accept(new PolicyDocument(
                        document.getKind(),
                        document.getName(),
                        document.getYaml().toStringUtf8()));
            }
        } catch (StatusRuntimeException refused) {
            throw AssizeException.of(refused);
        }
        return revision;
    }

    /**
     * Hands out what is not the same at two revisions, by kind and name.
     *
     * @param fromRevision 0 for the empty policy before the first
     * @param toRevision 0 for the present one
     */
    public void diff(long fromRevision, long toRevision, Consumer<PolicyDocumentChange> reader) {
        try {
            Iterator<DiffRevisionsResponse> parts = stub.diffRevisions(DiffRevisionsRequest.newBuilder()
                    .setTenant(tenant)
                    .setFromRevision(fromRevision)
                    .setToRevision(toRevision)
                    .build());
            while (parts.hasNext()) {
                DiffRevisionsResponse part = parts.next();
                if (part.hasDocument()) {
                    reader.accept(change(part.getDocument()));
                }
            }
        } catch (StatusRuntimeException refused) {
            throw AssizeException.of(refused);
        }
    }

    /** Has the policy rebuilt from its ledger, from the newest snapshot on, and compared with what is stored. */
    public PolicyReplay replay() {
        return replay(0, false);
    }

    /**
     * Has a revision rebuilt and compared.
     *
     * @param revision 0 for the last
     * @param whole from the first revision that the ledger has, with the snapshots on the way
     */
    public PolicyReplay replay(long revision, boolean whole) {
        try {
            Iterator<ReplayPolicyResponse> updates = stub.replayPolicy(ReplayPolicyRequest.newBuilder()
                    .setTenant(tenant)
                    .setRevision(revision)
                    .setWhole(whole)
                    .build());
            List<ReplayResult> results = new ArrayList<>();
            while (updates.hasNext()) {
                ReplayPolicyResponse update = updates.next();
                if (update.hasResult()) {
                    results.add(update.getResult());
                }
            }
            return replay(results.getLast());
        } catch (StatusRuntimeException refused) {
            throw AssizeException.of(refused);
        }
    }

    private static PolicyRevision revision(dev.assize.proto.v1.PolicyRevision it) {
        return new PolicyRevision(
                it.getRevision(),
                Instant.ofEpochSecond(
                        it.getCommittedAt().getSeconds(), it.getCommittedAt().getNanos()),
                it.getActor(),
                it.getReason(),
                it.getOrigin(),
                it.getProposal(),
                it.getApproversList(),
                it.getChangeCount(),
                it.getPolicyDigest().toByteArray(),
                it.getSeq());
    }

    private static PolicyDocumentChange change(DocumentChange it) {
        return new PolicyDocumentChange(
                it.getKind(),
                it.getName(),
                it.getBefore().toStringUtf8(),
                it.getAfter().toStringUtf8());
    }

    private static PolicyReplay replay(ReplayResult it) {
        return new PolicyReplay(
                it.getEqual(),
                it.getRevision(),
                it.getPolicyDigest().toByteArray(),
                it.getDocuments(),
                it.getEntries(),
                it.getDriftsList().stream()
                        .map(drift -> new Drift(
                                drift.getKind(),
                                drift.getName(),
                                drift.getMessage(),
                                drift.getTold().toStringUtf8(),
                                drift.getStored().toStringUtf8()))
                        .toList(),
                it.getDriftCount(),
                it.getFault().getMessage());
    }
}

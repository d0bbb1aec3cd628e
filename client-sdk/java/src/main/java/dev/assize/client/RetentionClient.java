package dev.assize.client;

import dev.assize.proto.v1.EraseActorRequest;
import dev.assize.proto.v1.EraseActorResponse;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.Hold;
import dev.assize.proto.v1.HoldScope;
import dev.assize.proto.v1.IdentifyActorsRequest;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceBlockingStub;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListHoldsResponse;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPart;
import dev.assize.proto.v1.ReleaseHoldRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;

/**
 * Erases what entries keep so that it can be, moves old entries into the archive, and holds entries against both. From {@link AssizeClient#retention};
 * thread-safe. Every method throws {@link AssizeException} where the server refuses or did not answer in time.
 */
public final class RetentionClient {

    private static final int PAGE_SIZE = 500;

    private final LedgerServiceBlockingStub stub;
    private final String tenant;
    private final Duration deadline;

    RetentionClient(LedgerServiceBlockingStub stub, String tenant, Duration deadline) {
        this.stub = stub;
        this.tenant = tenant;
        this.deadline = deadline;
    }

    /** The ledger of another tenant. */
    public RetentionClient inTenant(String tenant) {
        return new RetentionClient(stub, tenant, deadline);
    }

    /**
     * Erases values for good. To be repeated where there was no answer: what is erased stays so.
     *
     * @param seqs positions of entries
     * @param fields which of their erasable fields; none for all of each
     * @param basis on what basis, for the record
     */
    public List<Erased> erase(List<Long> seqs, List<String> fields, String basis) {
        EraseAuditRequest request = EraseAuditRequest.newBuilder()
                .setTenant(tenant)
                .addAllSeqs(seqs)
                .addAllFields(fields)
                .setBasis(basis)
                .build();
        return asked(() -> stub.withDeadlineAfter(deadline).eraseAudit(request)).getErasuresList().stream()
                .map(it -> new Erased(
                        it.getSeq(), it.getFieldsList(), it.getEntry().getSeq()))
                .toList();
    }

    /**
     * Who stands behind pseudonyms of the ledger, of those that are known; recorded.
     *
     * @param actors pseudonyms, or subjects
     * @param reason why, for the record
     */
    public List<KnownActor> identify(List<String> actors, String reason) {
        IdentifyActorsRequest request = IdentifyActorsRequest.newBuilder()
                .setTenant(tenant)
                .addAllActors(actors)
                .setReason(reason)
                .build();
        return asked(() -> stub.withDeadlineAfter(deadline).identifyActors(request)).getActorsList().stream()
                .map(it -> new KnownActor(it.getPseudonym(), it.getSubject()))
                .toList();
    }

    /**
     * Erases for good who stands behind a pseudonym. To be repeated, by the pseudonym, where there was no answer.
     *
     * @param actor the pseudonym, or the subject
     * @param basis on what basis, for the record
     */
    public ForgottenActor forget(String actor, String basis) {
        EraseActorRequest request = EraseActorRequest.newBuilder()
                .setTenant(tenant)
                .setActor(actor)
                .setBasis(basis)
                .build();
        EraseActorResponse response =
                asked(() -> stub.withDeadlineAfter(deadline).eraseActor(request));
        return new ForgottenActor(response.getPseudonym(), response.getEntry().getSeq());
    }

    /** Places a hold: once this has returned nothing is erased or pruned that it is on. */
    public LegalHold place(LegalHold.Scope scope, String reason) {
        HoldScope.Builder wire = HoldScope.newBuilder().setActor(scope.actor()).setResource(scope.resource());
        if (scope.from() != null) {
            wire.setFrom(Wire.timestamp(scope.from()));
        }
        if (scope.to() != null) {
            wire.setTo(Wire.timestamp(scope.to()));
        }
        PlaceHoldRequest request = PlaceHoldRequest.newBuilder()
                .setTenant(tenant)
                .setScope(wire)
                .setReason(reason)
                .build();
        return hold(
                asked(() -> stub.withDeadlineAfter(deadline).placeHold(request)).getHold());
    }

    /** Releases a hold that somebody else placed. */
    public LegalHold release(String holdId, String reason) {
        ReleaseHoldRequest request = ReleaseHoldRequest.newBuilder()
                .setTenant(tenant)
                .setHoldId(holdId)
                .setReason(reason)
                .build();
        return hold(asked(() -> stub.withDeadlineAfter(deadline).releaseHold(request))
                .getHold());
    }

    /** The holds, oldest first, fetched page by page while iterating. */
    public Iterable<LegalHold> holds(boolean includeReleased) {
        ListHoldsRequest request = ListHoldsRequest.newBuilder()
                .setTenant(tenant)
                .setIncludeReleased(includeReleased)
                .setPageSize(PAGE_SIZE)
                .build();
        return () -> new Pages<>(
                token -> page(request.toBuilder().setPageToken(token).build()));
    }

    private Pages.Page<LegalHold> page(ListHoldsRequest request) {
        ListHoldsResponse response = stub.withDeadlineAfter(deadline).listHolds(request);
        return new Pages.Page<>(
                response.getHoldsList().stream().map(RetentionClient::hold).toList(), response.getNextPageToken());
    }

    /**
     * What of the beginning of the ledger could be pruned now, and why not more. Changes nothing.
     *
     * @param toSeq entries before this one
     */
    public Pruning prunable(long toSeq) {
        return prune(request().setToSeq(toSeq).setDryRun(true), deadline);
    }

    /** The same of entries that were recorded before a time. */
    public Pruning prunable(Instant before) {
        return prune(request().setBefore(Wire.timestamp(before)).setDryRun(true), deadline);
    }

    /** Proposes to prune entries before a position, as many of them as may; somebody else must agree. */
    public Pruning proposePruning(long toSeq, String reason) {
        return prune(request().setToSeq(toSeq).setReason(reason), deadline);
    }

    /** The same of entries that were recorded before a time. */
    public Pruning proposePruning(Instant before, String reason) {
        return prune(request().setBefore(Wire.timestamp(before)).setReason(reason), deadline);
    }

    /**
     * Agrees to somebody else's proposal, and has the next entries of it verified, archived, read back and removed. To be
     * repeated until none remain, and where there was no answer.
     *
     * @param patience for this call: the archive is written and read within it
     */
    public Pruning prune(String pruningId, Duration patience) {
        return prune(request().setPruningId(pruningId), patience);
    }

    private PruneLedgerRequest.Builder request() {
        return PruneLedgerRequest.newBuilder().setTenant(tenant);
    }

    private Pruning prune(PruneLedgerRequest.Builder request, Duration patience) {
        PruneLedgerResponse answer =
                asked(() -> stub.withDeadlineAfter(patience).pruneLedger(request.build()));
        PrunedPart part = answer.getPruned();
        return new Pruning(
                answer.getPruningId(),
                answer.getFromSeq(),
                answer.getToSeq(),
                answer.getLimit(),
                answer.hasPruned()
                        ? new Pruning.Part(
                                part.getFromSeq(),
                                part.getToSeq(),
                                part.getArchiveObject(),
                                HexFormat.of().formatHex(part.getArchiveDigest().toByteArray()),
                                part.getEntry().getSeq())
                        : null,
                answer.getRemaining(),
                answer.getArchive());
    }

    private static LegalHold hold(Hold hold) {
        HoldScope scope = hold.getScope();
        return new LegalHold(
                hold.getHoldId(),
                new LegalHold.Scope(
                        scope.getActor(),
                        scope.getResource(),
                        scope.hasFrom() ? Wire.instant(scope.getFrom()) : null,
                        scope.hasTo() ? Wire.instant(scope.getTo()) : null),
                hold.getReason(),
                hold.getPlacedBy(),
                Wire.instant(hold.getPlacedAt()),
                hold.getPlacedSeq(),
                hold.getReleasedBy(),
                hold.hasReleasedAt() ? Wire.instant(hold.getReleasedAt()) : null);
    }

    private static <T> T asked(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
    }
}

package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.AppendSpooledResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.BeginIncarnationRequest;
import dev.assize.proto.v1.BeginIncarnationResponse;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.DeclareSpoolLossRequest;
import dev.assize.proto.v1.DeclareSpoolLossResponse;
import dev.assize.proto.v1.EraseActorRequest;
import dev.assize.proto.v1.EraseActorResponse;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.EraseAuditResponse;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetConsistencyProofResponse;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetInclusionProofResponse;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.IdentifyActorsRequest;
import dev.assize.proto.v1.IdentifyActorsResponse;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceImplBase;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListHoldsResponse;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.ListSpoolsResponse;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PlaceHoldResponse;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPrefix;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.ReleaseHoldRequest;
import dev.assize.proto.v1.ReleaseHoldResponse;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyProgress;
import dev.assize.proto.v1.VerifyResult;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.anchor.SignedLedgerVerifier;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.AuditPage;
import dev.assize.server.audit.EventProblem;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.RefusedException.Violation;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.NoSuchRange;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.Verification.Span;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Serves `LedgerService`. */
final class LedgerEndpoint extends LedgerServiceImplBase {

    /** Bytes of a page, unless one entry alone has more: clients refuse answers of more than 4 MiB by default. */
    static final int PAGE_BYTES = 3 * 1_024 * 1_024;

    private final AppendCalls appends;
    private final SpoolCalls spools;
    private final AuditIndex index;
    private final SignedLedgerVerifier verifier;
    private final Gate gate;
    private final TenantDirectory tenants;
    private final LedgerDirectory ledgers;
    private final PageTokens tokens;
    private final LineageCalls lineage;
    private final ProofCalls proofs;
    private final ExportCalls exports;
    private final RetentionCalls retention;
    private final ActorCalls actors;
    private final PruneCalls prunings;
    private final Prefixes prefixes;
    private final Replies replies;
    private final VerificationSlots slots = new VerificationSlots();

    @Inject
    LedgerEndpoint(
            AppendCalls appends,
            SpoolCalls spools,
            AuditIndex index,
            SignedLedgerVerifier verifier,
            Gate gate,
            TenantDirectory tenants,
            LedgerDirectory ledgers,
            PageTokens tokens,
            LineageCalls lineage,
            ProofCalls proofs,
            ExportCalls exports,
            RetentionCalls retention,
            ActorCalls actors,
            PruneCalls prunings,
            Prefixes prefixes,
            Replies replies) {
        this.appends = appends;
        this.spools = spools;
        this.index = index;
        this.verifier = verifier;
        this.gate = gate;
        this.tenants = tenants;
        this.ledgers = ledgers;
        this.tokens = tokens;
        this.lineage = lineage;
        this.proofs = proofs;
        this.exports = exports;
        this.retention = retention;
        this.actors = actors;
        this.prunings = prunings;
        this.prefixes = prefixes;
        this.replies = replies;
    }

    @Override
    public void appendAudit(AppendAuditRequest request, StreamObserver<AppendAuditResponse> observer) {
        replies.replyLater(observer, () -> appends.append(request, tenants::requireExists));
    }

    @Override
    public void appendSpooled(AppendSpooledRequest request, StreamObserver<AppendSpooledResponse> observer) {
        replies.reply(observer, () -> spools.append(request));
    }

    @Override
    public void listSpools(ListSpoolsRequest request, StreamObserver<ListSpoolsResponse> observer) {
        replies.reply(observer, () -> spools.list(request));
    }

    @Override
    public void declareSpoolLoss(DeclareSpoolLossRequest request, StreamObserver<DeclareSpoolLossResponse> observer) {
        replies.reply(observer, () -> spools.declareLost(request));
    }

    @Override
    public void verifyChain(VerifyChainRequest request, StreamObserver<VerifyChainResponse> observer) {
        ServerCallStreamObserver<VerifyChainResponse> stream = (ServerCallStreamObserver<VerifyChainResponse>) observer;
        replies.reply(observer, () -> verify(request, stream));
    }

    @Override
    public void queryAudit(QueryAuditRequest request, StreamObserver<QueryAuditResponse> observer) {
        replies.reply(observer, () -> query(request));
    }

    @Override
    public void exportAudit(ExportAuditRequest request, StreamObserver<ExportAuditResponse> observer) {
        exports.export(request, (ServerCallStreamObserver<ExportAuditResponse>) observer);
    }

    @Override
    public void getLineage(GetLineageRequest request, StreamObserver<GetLineageResponse> observer) {
        replies.reply(observer, () -> lineage.lineage(request));
    }

    @Override
    public void getCheckpoint(GetCheckpointRequest request, StreamObserver<GetCheckpointResponse> observer) {
        replies.reply(observer, () -> proofs.checkpoint(request));
    }

    @Override
    public void getInclusionProof(
            GetInclusionProofRequest request, StreamObserver<GetInclusionProofResponse> observer) {
        replies.reply(observer, () -> proofs.inclusion(request));
    }

    @Override
    public void getConsistencyProof(
            GetConsistencyProofRequest request, StreamObserver<GetConsistencyProofResponse> observer) {
        replies.reply(observer, () -> proofs.consistency(request));
    }

    @Override
    public void beginIncarnation(BeginIncarnationRequest request, StreamObserver<BeginIncarnationResponse> observer) {
        replies.reply(observer, () -> proofs.beginIncarnation(request));
    }

    @Override
    public void eraseAudit(EraseAuditRequest request, StreamObserver<EraseAuditResponse> observer) {
        replies.reply(observer, () -> retention.erase(request));
    }

    @Override
    public void identifyActors(IdentifyActorsRequest request, StreamObserver<IdentifyActorsResponse> observer) {
        replies.reply(observer, () -> actors.identify(request));
    }

    @Override
    public void eraseActor(EraseActorRequest request, StreamObserver<EraseActorResponse> observer) {
        replies.reply(observer, () -> actors.erase(request));
    }

    @Override
    public void placeHold(PlaceHoldRequest request, StreamObserver<PlaceHoldResponse> observer) {
        replies.reply(observer, () -> retention.place(request));
    }

    @Override
    public void releaseHold(ReleaseHoldRequest request, StreamObserver<ReleaseHoldResponse> observer) {
        replies.reply(observer, () -> retention.release(request));
    }

    @Override
    public void pruneLedger(PruneLedgerRequest request, StreamObserver<PruneLedgerResponse> observer) {
        replies.reply(observer, () -> prunings.prune(request));
    }

    @Override
    public void listHolds(ListHoldsRequest request, StreamObserver<ListHoldsResponse> observer) {
        replies.reply(observer, () -> retention.list(request));
    }

    static void requireSound(List<EventProblem> problems) {
        if (!problems.isEmpty()) {
            List<Violation> violations = problems.stream()
                    .map(problem ->
                            new Violation(problem.field(), "`" + problem.value() + "`: expected " + problem.expected()))
                    .toList();
            Violation first = violations.getFirst();
            throw RefusedException.violated(
                    ErrorReason.REQUEST_INVALID, first.field() + ": " + first.description(), violations);
        }
    }

    static RefusedException keyReused(String key) {
        return RefusedException.of(
                ErrorReason.IDEMPOTENCY_KEY_REUSED,
                "idempotency_key: `" + MalformedException.shown(key)
                        + "` was used with other content; nothing was appended",
                Map.of("field", "idempotency_key"));
    }

    private VerifyChainResponse verify(
            VerifyChainRequest request, ServerCallStreamObserver<VerifyChainResponse> stream) {
        TenantId tenant = gate.admit(request.getTenant());
        long from = request.getFromSeq();
        Long to = request.hasToSeq() ? request.getToSeq() : null;
        if (from < 0) {
            throw RefusedException.invalid("from_seq", Long.toString(from), "a position, 0 or more");
        }
        if (to != null && to < from) {
            throw RefusedException.invalid("to_seq", Long.toString(to), "a position from `from_seq` on");
        }
        String trusted = request.getTrustedCheckpoint().isEmpty() ? null : request.getTrustedCheckpoint();
        Context context = Context.current();
        Verification found = slots.run(() -> verifier.verify(tenant, from, to, trusted, (verified, total) -> {
            if (context.isCancelled()) {
                throw new StatusRuntimeException(Status.CANCELLED);
            }
            // A reader that is slow misses progress, never the result.
            if (stream.isReady()) {
                stream.onNext(VerifyChainResponse.newBuilder()
                        .setProgress(VerifyProgress.newBuilder()
                                .setVerified(verified)
                                .setTotal(total))
                        .build());
            }
        }));
        if (found instanceof Sound sound && sound.span().verified() == 0) {
            // Of a name that was misspelt, "valid" would be a lie.
            ledgers.requireExists(tenant);
        }
        VerifyResult.Builder result = result(found, from, to);
        prefixes.of(tenant)
                .filter(prefix -> result.getFromSeq() == prefix.to())
                .ifPresent(prefix -> result.setPruned(PrunedPrefix.newBuilder()
                        .setToSeq(prefix.to())
                        .setLastHash(ByteString.copyFrom(
                                prefix.beginning().lastHash().bytes()))
                        .setRootHash(ByteString.copyFrom(prefix.root().bytes()))
                        .setArchiveObject(prefix.object())
                        .setArchiveDigest(ByteString.copyFrom(prefix.digest().bytes()))
                        .setPrunedSeq(prefixes.recordedBy(tenant))));
        return VerifyChainResponse.newBuilder().setResult(result).build();
    }

    private static VerifyResult.Builder result(Verification found, long from, @Nullable Long to) {
        return switch (found) {
            case Sound sound -> span(sound.span()).setValid(true);
            case Broken broken ->
                span(broken.span())
                        .setFirstBadSeq(broken.fault().seq())
                        .setFault(fault(broken.fault().kind()))
                        .setMessage(broken.fault().message());
            case NoSuchRange range ->
                throw RefusedException.invalid(
                        to != null && to >= range.size() ? "to_seq" : "from_seq",
                        Long.toString(to != null && to >= range.size() ? to : from),
                        "a position of the ledger, which has " + range.size() + " entries");
        };
    }

    private static VerifyResult.Builder span(Span span) {
        VerifyResult.Builder result = VerifyResult.newBuilder()
                .setVerified(span.verified())
                .setFromSeq(span.fromSeq())
                .setToSeq(span.toSeq())
                .setOrigin(span.origin())
                .setCheckpoints(span.checkpoints())
                .setRedacted(span.redacted());
        if (span.lastHash() != null) {
            result.setHeadHash(ByteString.copyFrom(span.lastHash().bytes()));
        }
        return result;
    }

    private static ChainFault fault(Verification.Kind kind) {
        return switch (kind) {
            case SEQUENCE -> ChainFault.CHAIN_FAULT_SEQUENCE;
            case FRAME -> ChainFault.CHAIN_FAULT_FRAME;
            case ENTRY_HASH -> ChainFault.CHAIN_FAULT_ENTRY_HASH;
            case LINK -> ChainFault.CHAIN_FAULT_LINK;
            case PROJECTION -> ChainFault.CHAIN_FAULT_PROJECTION;
            case HEAD -> ChainFault.CHAIN_FAULT_HEAD;
            case ORIGIN -> ChainFault.CHAIN_FAULT_ORIGIN;
            case CHECKPOINT -> ChainFault.CHAIN_FAULT_CHECKPOINT;
            case DECISIONS -> ChainFault.CHAIN_FAULT_DECISIONS;
            case COMMITMENT -> ChainFault.CHAIN_FAULT_COMMITMENT;
        };
    }

    private QueryAuditResponse query(QueryAuditRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = conditions(request);
        Set<Environment> envs = CallContext.current().caller().envs();
        AuditFilter filter = AuditTranslator.filter(request, envs, seq(request.getPageToken(), conditions), size);
        AuditPage page = index.find(tenant, filter);
        List<RecordedEvent> found = page.entries();
        if (found.isEmpty() && page.next() == null) {
            ledgers.requireExists(tenant);
        }
        QueryAuditResponse.Builder response = QueryAuditResponse.newBuilder().setFirstSeq(prefixes.base(tenant));
        int bytes = 0;
        for (RecordedEvent recorded : found) {
            AuditEntry entry = AuditTranslator.entry(recorded, request.getIncludeFrames());
            bytes += entry.getSerializedSize();
            if (bytes > PAGE_BYTES && response.getEntriesCount() > 0) {
                break;
            }
            response.addEntries(entry);
        }
        int shown = response.getEntriesCount();
        Long next = shown < found.size() ? Long.valueOf(found.get(shown - 1).seq()) : page.next();
        if (next != null) {
            response.setNextPageToken(tokens.of(Long.toString(next), conditions));
        }
        return response.build();
    }

    private @Nullable Long seq(String token, byte[] conditions) {
        String position = tokens.position(token, conditions);
        return position == null ? null : Long.valueOf(position);
    }

    /** What the list is a list of, whatever the page. */
    private static byte[] conditions(QueryAuditRequest request) {
        return request.toBuilder()
                .clearPageSize()
                .clearPageToken()
                .clearIncludeFrames()
                .build()
                .toByteString()
                .concat(ByteString.copyFromUtf8("QueryAudit"))
                .toByteArray();
    }
}

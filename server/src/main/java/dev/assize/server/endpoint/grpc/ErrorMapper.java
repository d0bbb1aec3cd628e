package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.administration.PolicyDriftException;
import dev.assize.server.anchor.NoSuchTreeException;
import dev.assize.server.anchor.OutsideCorruptException;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.anchor.PrunedException;
import dev.assize.server.decision.NotOnRecordException;
import dev.assize.server.decision.PastBusyException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyUnavailableException;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.endpoint.grpc.RefusedException.Violation;
import dev.assize.server.ledger.DraftRefusedException;
import dev.assize.server.ledger.LedgerBusyException;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.StoreUnavailableException;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where what went wrong becomes a status. */
final class ErrorMapper {
    /*
     * Everything travels in trailers, and clients refuse trailers of more than 8 KiB by default: the message is cut,
     * and violations that no longer fit are left out and counted. The status travels twice, as the message
     * (percent-encoded, up to three times its size) and as the details (base64, four thirds).
     */

    static final String DOMAIN = "assize.dev";

    /** Bytes of a message on the wire. */
    private static final int MESSAGE_BYTES = 1_200;

    /** Bytes of all details before base64. */
    private static final int DETAIL_BYTES = 4_000;

    /** Bytes of a violation's field and description; longer ones are cut. */
    private static final int FIELD_BYTES = 200;

    private static final int DESCRIPTION_BYTES = 600;

    private static final Duration SOON = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(ErrorMapper.class);

    private final GrpcMetrics metrics;

    @Inject
    ErrorMapper(GrpcMetrics metrics) {
        this.metrics = metrics;
    }

    /** As gRPC sends it. */
    StatusRuntimeException toException(Throwable failure) {
        return failure instanceof StatusRuntimeException status
                ? status
                : StatusProto.toStatusRuntimeException(toStatus(failure));
    }

    /** Ends a call that no handler has answered. */
    void close(ServerCall<?, ?> call, Throwable failure) {
        StatusRuntimeException status = toException(failure);
        Metadata trailers = status.getTrailers();
        call.close(status.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    /** As an item of a batch carries it. */
    Status toStatus(Throwable failure) {
        return switch (failure) {
            case RefusedException refused -> status(refused);
            case MalformedException malformed -> status(malformed("", malformed));
            case RevisionNeverCommittedException never -> status(neverCommitted("", never));
            case PolicyStaleException stale ->
                status(RefusedException.retry(
                        ErrorReason.POLICY_STALE, "this node cannot confirm that its policy is fresh", SOON));
            case PastBusyException busy ->
                status(RefusedException.retry(ErrorReason.PAST_BUSY, String.valueOf(busy.getMessage()), SOON));
            case PolicyBusyException busy ->
                status(RefusedException.retry(ErrorReason.POLICY_BUSY, String.valueOf(busy.getMessage()), SOON));
            case PolicyUnavailableException unavailable -> storeUnavailable();
            case StoreUnavailableException unavailable -> storeUnavailable();
            case RecorderBusyException busy ->
                status(RefusedException.retry(
                        ErrorReason.DECISION_LOG_BUSY, String.valueOf(busy.getMessage()), busy.retryAfter()));
            case NotOnRecordException unrecorded ->
                status(RefusedException.retry(
                        ErrorReason.DECISION_NOT_RECORDED, String.valueOf(unrecorded.getMessage()), SOON));
            case LedgerBusyException busy ->
                status(RefusedException.retry(
                        ErrorReason.LEDGER_BUSY,
                        "the ledger's queue is full; nothing was appended",
                        busy.retryAfter()));
            case LedgerUnavailableException unavailable ->
                status(RefusedException.retry(
                        ErrorReason.LEDGER_UNAVAILABLE,
                        "the ledger could not be written, or it is unknown whether it was: send the same again under"
                                + " the same idempotency key to find out",
                        SOON));
            case LedgerUnanchoredException unanchored ->
                status(RefusedException.retry(
                        ErrorReason.LEDGER_UNANCHORED, String.valueOf(unanchored.getMessage()), SOON));
            case LedgerHaltedException halted ->
                status(RefusedException.precondition(
                        ErrorReason.LEDGER_HALTED, "ledger", String.valueOf(halted.getMessage())));
            case OutsideUnavailableException unreachable ->
                status(RefusedException.retry(
                        ErrorReason.LEDGER_UNANCHORED,
                        "the copy of the ledgers' heads outside of the database cannot be reached",
                        SOON));
            case OutsideCorruptException corrupt ->
                status(RefusedException.retry(
                        ErrorReason.LEDGER_UNANCHORED, String.valueOf(corrupt.getMessage()), SOON));
            case PrunedException pruned ->
                status(RefusedException.of(
                        ErrorReason.ENTRY_PRUNED,
                        String.valueOf(pruned.getMessage()),
                        Map.of("seq", Long.toString(pruned.seq()), "object", pruned.object())));
            case ArchiveUnavailableException unreachable ->
                status(RefusedException.retry(
                        ErrorReason.ARCHIVE_UNAVAILABLE, "nothing is pruned: " + unreachable.getMessage(), SOON));
            case PolicyDriftException drifted ->
                status(RefusedException.of(
                        ErrorReason.POLICY_DRIFTED, "nothing is pruned: " + drifted.getMessage(), Map.of()));
            case NoSuchTreeException none ->
                status(RefusedException.of(ErrorReason.LEDGER_NOT_SIGNED, String.valueOf(none.getMessage()), Map.of()));
            case MalformedFrameException altered ->
                status(RefusedException.of(
                        ErrorReason.LEDGER_UNREADABLE,
                        "a stored entry cannot be read, for somebody altered it: VerifyChain names it",
                        Map.of()));
            case DraftRefusedException refused ->
                status(RefusedException.violated(
                        ErrorReason.REQUEST_INVALID,
                        "events: " + refused.getMessage(),
                        List.of(new Violation("events", String.valueOf(refused.getMessage())))));
            case CompletionException wrapper when wrapper.getCause() != null -> toStatus(wrapper.getCause());
            case ExecutionException wrapper when wrapper.getCause() != null -> toStatus(wrapper.getCause());
            default -> internal(failure);
        };
    }

    /** What only the decision finds malformed, such as an attribute that is not of its declared type. */
    static RefusedException malformed(String prefix, MalformedException malformed) {
        String field = malformed.field();
        return RefusedException.invalid(prefix + (field == null ? "request" : field), malformed);
    }

    static RefusedException neverCommitted(String prefix, RevisionNeverCommittedException never) {
        return RefusedException.violated(
                ErrorReason.REVISION_NEVER_COMMITTED,
                prefix + "at_revision",
                never.revision().toString(),
                "a revision that was committed in the tenant");
    }

    private Status storeUnavailable() {
        return status(RefusedException.retry(
                ErrorReason.STORE_UNAVAILABLE, "the database cannot be reached from this node", SOON));
    }

    /** A bug of ours: the caller learns a number to quote, the log the rest. */
    private Status internal(Throwable failure) {
        String incident = UUID.randomUUID().toString();
        metrics.internalError();
        LOG.error("Internal error, incident {}", incident, failure);
        return status(RefusedException.of(
                ErrorReason.INTERNAL_ERROR,
                "an error of this server; its log knows incident " + incident,
                Map.of("incident", incident)));
    }

    private static Status status(RefusedException refused) {
        BoundedViolations violations = BoundedViolations.of(refused);
        ErrorInfo.Builder info = ErrorInfo.newBuilder()
                .setReason(refused.reason().name())
                .setDomain(DOMAIN)
                .putAllMetadata(refused.metadata());
        if (violations.leftOut > 0) {
            info.putMetadata("violations_left_out", Integer.toString(violations.leftOut));
        }
        Status.Builder status = Status.newBuilder()
                .setCode(refused.reason().code().value())
                .setMessage(cut(refused.getMessage(), MESSAGE_BYTES, ErrorMapper::percentEncoded))
                .addDetails(Any.pack(info.build()));
        if (violations.details.getFieldViolationsCount() > 0) {
            status.addDetails(Any.pack(violations.details.build()));
        }
        add(status, refused.detail());
        add(status, retryInfo(refused.retryAfter()));
        return status.build();
    }

    private static void add(Status.Builder status, @Nullable Message detail) {
        if (detail != null) {
            status.addDetails(Any.pack(detail));
        }
    }

    private static @Nullable RetryInfo retryInfo(@Nullable Duration after) {
        return after == null
                ? null
                : RetryInfo.newBuilder()
                        .setRetryDelay(com.google.protobuf.Duration.newBuilder()
                                .setSeconds(after.getSeconds())
                                .setNanos(after.getNano()))
                        .build();
    }

    /** Cuts before the character at which the text would get longer than so many bytes, however it is written. */
    private static String cut(String text, int maxBytes, IntUnaryOperator bytesOf) {
        int bytes = 0;
        for (int i = 0; i < text.length(); i = text.offsetByCodePoints(i, 1)) {
            bytes += bytesOf.applyAsInt(text.codePointAt(i));
            if (bytes > maxBytes) {
                return text.substring(0, i) + "…";
            }
        }
        return text;
    }

    /** As gRPC writes messages: percent-encoded but for printable ASCII. */
    private static int percentEncoded(int codePoint) {
        boolean plain = codePoint >= ' ' && codePoint <= '~' && codePoint != '%';
        return plain ? 1 : 3 * utf8(codePoint);
    }

    private static int utf8(int codePoint) {
        return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    }

    /** As many violations as fit, and how many do not. */
    private static final class BoundedViolations {

        private final BadRequest.Builder details = BadRequest.newBuilder();
        private int leftOut;

        static BoundedViolations of(RefusedException refused) {
            BoundedViolations bounded = new BoundedViolations();
            int bytes = MESSAGE_BYTES;
            for (Violation violation : refused.violations()) {
                BadRequest.FieldViolation entry = BadRequest.FieldViolation.newBuilder()
                        .setField(cut(violation.field(), FIELD_BYTES, ErrorMapper::utf8))
                        .setDescription(cut(violation.description(), DESCRIPTION_BYTES, ErrorMapper::utf8))
                        .build();
                bytes += entry.getSerializedSize() + 4;
                if (bounded.leftOut > 0 || bytes > DETAIL_BYTES) {
                    bounded.leftOut++;
                } else {
                    bounded.details.addFieldViolations(entry);
                }
            }
            return bounded;
        }
    }
}

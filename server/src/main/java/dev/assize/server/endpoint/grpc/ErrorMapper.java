package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.assize.server.endpoint.call.Refusals;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.RefusedException.Violation;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes refusals as statuses. */
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

    private static final Logger LOG = LoggerFactory.getLogger(ErrorMapper.class);

    private final GrpcMetrics metrics;

    @Inject
    ErrorMapper(GrpcMetrics metrics) {
        this.metrics = metrics;
    }

    /** As gRPC sends it. */
    StatusRuntimeException toException(Throwable failure) {
        return switch (failure) {
            case StatusRuntimeException status -> status;
            // What failed elsewhere, in a call made for this one.
            case CompletionException wrapper when wrapper.getCause() instanceof StatusRuntimeException status -> status;
            default -> StatusProto.toStatusRuntimeException(toStatus(failure));
        };
    }

    /** Ends a call that no handler has answered. */
    void close(ServerCall<?, ?> call, Throwable failure) {
        StatusRuntimeException status = toException(failure);
        Metadata trailers = status.getTrailers();
        call.close(status.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    /** As an item of a batch carries it. */
    Status toStatus(Throwable failure) {
        if (failure instanceof StatusRuntimeException others) {
            return StatusProto.fromStatusAndTrailers(others.getStatus(), others.getTrailers());
        }
        return Refusals.of(failure).map(ErrorMapper::status).orElseGet(() -> internal(failure));
    }

    private Status internal(Throwable failure) {
        String incident = UUID.randomUUID().toString();
        metrics.internalError();
        LOG.error("Internal error, incident {}", incident, failure);
        return status(Refusals.internal(incident));
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

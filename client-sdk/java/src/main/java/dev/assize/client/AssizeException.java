package dev.assize.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.net.SocketException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A call that had no good answer, with what the server said about it. */
public final class AssizeException extends RuntimeException {

    static final String MALFORMED_ANSWER = "MALFORMED_ANSWER";

    private static final long serialVersionUID = 1L;

    /** A chain of causes may be a ring. */
    private static final int DEEPEST_CAUSE = 16;

    private final String code;
    private final String reason;
    private final List<String> violations;
    private final @Nullable Duration retryDelay;

    private AssizeException(
            String code,
            String reason,
            String message,
            List<String> violations,
            @Nullable Duration retryDelay,
            @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.reason = reason;
        this.violations = List.copyOf(violations);
        this.retryDelay = retryDelay;
    }

    /** The gRPC status code, as {@code UNAVAILABLE}; {@code MALFORMED_ANSWER} where an answer did not fit what was asked. */
    public String code() {
        return code;
    }

    /** The same in the fewer words of a check. */
    public Failure failure() {
        return Failure.ofCode(code);
    }

    /** The server's own code for what is wrong, as {@code TENANT_NOT_ALLOWED}; empty where it gave none. */
    public String reason() {
        return reason;
    }

    /** Each malformed field with what was expected; empty where the request was not the trouble. */
    public List<String> violations() {
        return violations;
    }

    /** How long the server asks to wait before the next try. */
    public Optional<Duration> retryDelay() {
        return Optional.ofNullable(retryDelay);
    }

    static AssizeException of(Throwable failure) {
        if (failure instanceof AssizeException known) {
            return known;
        }
        Status status = statusOf(failure);
        String reason = "";
        List<String> violations = new ArrayList<>();
        Duration retryDelay = null;
        com.google.rpc.Status details = StatusProto.fromThrowable(failure);
        if (details != null) {
            for (Any detail : details.getDetailsList()) {
                try {
                    if (detail.is(ErrorInfo.class)) {
                        reason = detail.unpack(ErrorInfo.class).getReason();
                    } else if (detail.is(BadRequest.class)) {
                        detail.unpack(BadRequest.class)
                                .getFieldViolationsList()
                                .forEach(it -> violations.add(it.getField() + ": " + it.getDescription()));
                    } else if (detail.is(RetryInfo.class)) {
                        com.google.protobuf.Duration delay =
                                detail.unpack(RetryInfo.class).getRetryDelay();
                        retryDelay = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
                    }
                } catch (InvalidProtocolBufferException unreadable) {
                    violations.add("a detail of the error could not be read: " + unreadable.getMessage());
                }
            }
        }
        String code = status.getCode().name();
        String said = status.getDescription() == null ? "no description" : status.getDescription();
        return new AssizeException(code, reason, code + ": " + said, violations, retryDelay, failure);
    }

    /**
     * Of an RPC that failed, where gRPC says something else than what is meant. For an answer whose bytes are no message
     * it says that it has cancelled the call, and not what for. Where the connection ended under the call it may say
     * {@code INTERNAL} or {@code UNKNOWN}, which is as if no server had been reached.
     */
    static Status statusOf(Throwable failure) {
        Status status = Status.fromThrowable(failure);
        boolean unreadable =
                status.getCode() == Status.Code.CANCELLED && status.getCause() instanceof StatusRuntimeException;
        if (unreadable) {
            return Status.fromThrowable(status.getCause());
        }
        return switch (status.getCode()) {
            case INTERNAL, UNKNOWN, CANCELLED ->
                isLostConnection(status)
                        ? Status.UNAVAILABLE
                                .withCause(failure)
                                .withDescription("the connection was lost: " + status.getDescription())
                        : status;
            default -> status;
        };
    }

    /**
     * Whether the transport failed, and not the server: what a server says has no cause here. The classes of HTTP/2 are
     * known by their name, since each build of Netty has its own.
     */
    private static boolean isLostConnection(Status status) {
        Throwable cause = status.getCause();
        for (int depth = 0; cause != null && depth < DEEPEST_CAUSE; depth++) {
            if (cause instanceof ClosedChannelException
                    || cause instanceof SocketException
                    || cause.getClass().getName().contains(".http2.Http2Exception")) {
                return true;
            }
            cause = cause.getCause();
        }
        return false;
    }

    /** Of an answer that is none to what was asked. */
    static AssizeException malformed(String message) {
        return new AssizeException(MALFORMED_ANSWER, "", message, List.of(), null, null);
    }

    static AssizeException broken(String message) {
        return new AssizeException("INTERNAL", "", message, List.of(), null, null);
    }
}

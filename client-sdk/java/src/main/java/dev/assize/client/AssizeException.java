package dev.assize.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A call that had no good answer, with what the server said about it. */
public final class AssizeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

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

    /** The gRPC status code, as {@code UNAVAILABLE}. */
    public String code() {
        return code;
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
        Status status = Status.fromThrowable(failure);
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

    static AssizeException broken(String message) {
        return new AssizeException("INTERNAL", "", message, List.of(), null, null);
    }
}

package dev.assize.server.endpoint.call;

import com.google.protobuf.Message;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.ResourceInfo;
import dev.assize.server.model.MalformedException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request that is refused, with what its caller is to know. Carries no stack: it is an answer, not a fault. */
public final class RefusedException extends RuntimeException {

    private final transient ErrorReason reason;
    private final transient Map<String, String> metadata;
    private final transient List<Violation> violations;
    private final transient @Nullable Message detail;
    private final transient @Nullable Duration retryAfter;

    private RefusedException(
            ErrorReason reason,
            String message,
            Map<String, String> metadata,
            List<Violation> violations,
            @Nullable Message detail,
            @Nullable Duration retryAfter) {
        super(message, null, false, false);
        this.reason = reason;
        this.metadata = Map.copyOf(metadata);
        this.violations = List.copyOf(violations);
        this.detail = detail;
        this.retryAfter = retryAfter;
    }

    public static RefusedException of(ErrorReason reason, String message, Map<String, String> metadata) {
        return new RefusedException(reason, message, metadata, List.of(), null, null);
    }

    /** A field that is not as it must be. */
    public static RefusedException invalid(String field, String value, String expected) {
        return violated(ErrorReason.REQUEST_INVALID, field, value, expected);
    }

    public static RefusedException invalid(String field, MalformedException malformed) {
        return violated(ErrorReason.REQUEST_INVALID, field, malformed.value(), malformed.expected());
    }

    /** The same under a reason of its own. */
    public static RefusedException violated(ErrorReason reason, String field, String value, String expected) {
        String description = "`" + MalformedException.shown(value) + "`: expected " + expected;
        return violated(reason, field + ": " + description, List.of(new Violation(field, description)));
    }

    public static RefusedException violated(ErrorReason reason, String message, List<Violation> violations) {
        return new RefusedException(reason, message, Map.of(), violations, null, null);
    }

    public static RefusedException notFound(ErrorReason reason, String type, String name) {
        return new RefusedException(
                reason,
                "there is no " + type + " `" + MalformedException.shown(name) + "`",
                Map.of(),
                List.of(),
                ResourceInfo.newBuilder()
                        .setResourceType(type)
                        .setResourceName(MalformedException.shown(name))
                        .build(),
                null);
    }

    public static RefusedException precondition(ErrorReason reason, String subject, String description) {
        return new RefusedException(
                reason,
                description,
                Map.of(),
                List.of(),
                PreconditionFailure.newBuilder()
                        .addViolations(PreconditionFailure.Violation.newBuilder()
                                .setType(reason.name())
                                .setSubject(subject)
                                .setDescription(description))
                        .build(),
                null);
    }

    public static RefusedException retry(ErrorReason reason, String message, Duration after) {
        return new RefusedException(reason, message, Map.of(), List.of(), null, after);
    }

    public ErrorReason reason() {
        return reason;
    }

    public Map<String, String> metadata() {
        return metadata;
    }

    public List<Violation> violations() {
        return violations;
    }

    @Nullable
    public Message detail() {
        return detail;
    }

    @Nullable
    public Duration retryAfter() {
        return retryAfter;
    }

    @Override
    public String getMessage() {
        String message = super.getMessage();
        return message == null ? reason.name() : message;
    }

    /** One thing that is wrong, by the field it stands in. */
    public record Violation(String field, String description) {}
}

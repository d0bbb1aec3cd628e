package dev.assize.client.enforcement;

import dev.assize.client.CheckResult;
import dev.assize.client.Failure;
import io.grpc.Status;

/** Why somebody does not pass a door. The same in the clients of all languages, with the same answers. */
public enum Refusal {
    /** Nobody is known to ask. */
    UNAUTHENTICATED(401, Status.Code.UNAUTHENTICATED, "the caller is not known"),
    /** Nothing maps it to a question, it is denied, or it is an allow that nobody may take. */
    FORBIDDEN(403, Status.Code.PERMISSION_DENIED, "not allowed"),
    /** It names something malformed. */
    MALFORMED(400, Status.Code.INVALID_ARGUMENT, "the request names something malformed"),
    /** There was no answer, whosever fault that is, or an obligation could not be carried out. */
    UNAVAILABLE(503, Status.Code.UNAVAILABLE, "whether this is allowed cannot be said now");

    private final int httpStatus;
    private final Status.Code grpcCode;
    private final String says;

    Refusal(int httpStatus, Status.Code grpcCode, String says) {
        this.httpStatus = httpStatus;
        this.grpcCode = grpcCode;
        this.says = says;
    }

    /** What is answered over HTTP. */
    public int httpStatus() {
        return httpStatus;
    }

    /** What a gRPC call ends with. */
    public Status grpcStatus() {
        return grpcCode.toStatus().withDescription(says);
    }

    /** Of an answer that does not allow. */
    static Refusal of(CheckResult result) {
        return result.failure().map(Refusal::of).orElse(FORBIDDEN);
    }

    private static Refusal of(Failure failure) {
        return switch (failure) {
            case UNSPECIFIED_DECISION, UNKNOWN_OBLIGATION, HISTORICAL -> FORBIDDEN;
            case INVALID_ARGUMENT -> MALFORMED;
            case UNAVAILABLE,
                    DEADLINE_EXCEEDED,
                    UNAUTHENTICATED,
                    PERMISSION_DENIED,
                    RESOURCE_EXHAUSTED,
                    MALFORMED_ANSWER,
                    CANCELLED,
                    INTERNAL -> UNAVAILABLE;
        };
    }
}

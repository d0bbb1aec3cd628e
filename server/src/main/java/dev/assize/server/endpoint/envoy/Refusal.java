package dev.assize.server.endpoint.envoy;

import io.grpc.Status;
import java.util.Locale;

/** Why a request does not pass, other than by a decision. Envoy takes each as a deny, never as a failure of ours. */
enum Refusal {
    REQUEST_MALFORMED(400, Status.Code.INVALID_ARGUMENT),
    ROUTE_UNMAPPED(403, Status.Code.PERMISSION_DENIED),
    SUBJECT_MISSING(401, Status.Code.UNAUTHENTICATED),
    CALLER_REFUSED(403, Status.Code.PERMISSION_DENIED),
    OBLIGATION_UNKNOWN(403, Status.Code.PERMISSION_DENIED),
    SERVER_BUSY(503, Status.Code.RESOURCE_EXHAUSTED),
    ROUTE_MISCONFIGURED(500, Status.Code.INTERNAL),
    INTERNAL_ERROR(500, Status.Code.INTERNAL);

    private final int httpStatus;
    private final Status.Code code;

    Refusal(int httpStatus, Status.Code code) {
        this.httpStatus = httpStatus;
        this.code = code;
    }

    /** As meters name it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    int httpStatus() {
        return httpStatus;
    }

    Status.Code code() {
        return code;
    }
}

package dev.assize.server.endpoint.authzen;

import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.ErrorReason.Fault;

/** The status of HTTP for each error. */
final class HttpStatus {

    static final int OK = 200;
    static final int CREATED = 201;
    static final int ACCEPTED = 202;
    static final int BAD_REQUEST = 400;
    static final int UNAUTHORIZED = 401;
    static final int NOT_FOUND = 404;
    static final int METHOD_NOT_ALLOWED = 405;
    static final int CONFLICT = 409;
    static final int GONE = 410;
    static final int TOO_LARGE = 413;
    static final int INTERNAL_ERROR = 500;
    static final int UNAVAILABLE = 503;

    private HttpStatus() {}

    static int of(ErrorReason reason) {
        return switch (reason.code()) {
            case UNAUTHENTICATED -> UNAUTHORIZED;
            case PERMISSION_DENIED -> 403;
            case INVALID_ARGUMENT, OUT_OF_RANGE -> BAD_REQUEST;
            // A ledger that is halted is no fault of whoever asks.
            case FAILED_PRECONDITION -> reason.fault() == Fault.OPERATOR ? UNAVAILABLE : BAD_REQUEST;
            case NOT_FOUND -> NOT_FOUND;
            case ALREADY_EXISTS, ABORTED -> CONFLICT;
            case RESOURCE_EXHAUSTED -> 429;
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> UNAVAILABLE;
            case OK, UNKNOWN, UNIMPLEMENTED, INTERNAL, DATA_LOSS -> INTERNAL_ERROR;
        };
    }
}

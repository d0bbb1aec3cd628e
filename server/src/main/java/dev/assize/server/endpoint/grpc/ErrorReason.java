package dev.assize.server.endpoint.grpc;

import io.grpc.Status;

/** Every error a caller can meet: its name on the wire, its status code, and who must act. */
enum ErrorReason {
    CREDENTIALS_MISSING(Status.Code.UNAUTHENTICATED, Fault.CALLER),
    CREDENTIALS_INVALID(Status.Code.UNAUTHENTICATED, Fault.CALLER),
    TENANT_NOT_ALLOWED(Status.Code.PERMISSION_DENIED, Fault.ADMINISTRATOR),
    RPC_NOT_ALLOWED(Status.Code.PERMISSION_DENIED, Fault.ADMINISTRATOR),
    ENVIRONMENT_NOT_ALLOWED(Status.Code.PERMISSION_DENIED, Fault.ADMINISTRATOR),
    PERMISSION_MISSING(Status.Code.PERMISSION_DENIED, Fault.ADMINISTRATOR),
    ACT_AS_MISSING(Status.Code.PERMISSION_DENIED, Fault.ADMINISTRATOR),
    KEY_EXCEEDS_CALLER(Status.Code.PERMISSION_DENIED, Fault.CALLER),
    APPROVAL_OWN(Status.Code.PERMISSION_DENIED, Fault.CALLER),
    APPROVAL_NOT_THEIRS(Status.Code.PERMISSION_DENIED, Fault.CALLER),
    APPROVER_NOT_ELIGIBLE(Status.Code.PERMISSION_DENIED, Fault.ADMINISTRATOR),
    REQUEST_INVALID(Status.Code.INVALID_ARGUMENT, Fault.CALLER),
    POLICY_INVALID(Status.Code.INVALID_ARGUMENT, Fault.CALLER),
    REVISION_NEVER_COMMITTED(Status.Code.INVALID_ARGUMENT, Fault.CALLER),
    PAGE_TOKEN_INVALID(Status.Code.INVALID_ARGUMENT, Fault.CALLER),
    TENANT_NOT_FOUND(Status.Code.NOT_FOUND, Fault.CALLER),
    KEY_NOT_FOUND(Status.Code.NOT_FOUND, Fault.CALLER),
    APPROVAL_NOT_FOUND(Status.Code.NOT_FOUND, Fault.CALLER),
    APPROVAL_NOT_NEEDED(Status.Code.FAILED_PRECONDITION, Fault.CALLER),
    APPROVAL_RULES_TOO_MANY(Status.Code.FAILED_PRECONDITION, Fault.ADMINISTRATOR),
    APPROVAL_STATE(Status.Code.FAILED_PRECONDITION, Fault.CALLER),
    APPROVAL_VOTED(Status.Code.ALREADY_EXISTS, Fault.CALLER),
    IDEMPOTENCY_KEY_REUSED(Status.Code.ALREADY_EXISTS, Fault.CALLER),
    REVISION_MOVED(Status.Code.ABORTED, Fault.CALLER),
    APPROVALS_FULL(Status.Code.RESOURCE_EXHAUSTED, Fault.ADMINISTRATOR),
    LEDGER_BUSY(Status.Code.RESOURCE_EXHAUSTED, Fault.CALLER),
    VERIFIER_BUSY(Status.Code.RESOURCE_EXHAUSTED, Fault.CALLER),
    SEARCH_BUSY(Status.Code.RESOURCE_EXHAUSTED, Fault.CALLER),
    PAST_BUSY(Status.Code.RESOURCE_EXHAUSTED, Fault.CALLER),
    LEDGER_UNAVAILABLE(Status.Code.UNAVAILABLE, Fault.OPERATOR),
    LEDGER_UNANCHORED(Status.Code.UNAVAILABLE, Fault.OPERATOR),
    LEDGER_HALTED(Status.Code.FAILED_PRECONDITION, Fault.OPERATOR),
    LEDGER_WHOLE(Status.Code.FAILED_PRECONDITION, Fault.CALLER),
    LEDGER_NOT_SIGNED(Status.Code.OUT_OF_RANGE, Fault.CALLER),
    LEDGER_UNREADABLE(Status.Code.DATA_LOSS, Fault.OPERATOR),
    REVISION_NOT_REACHED(Status.Code.UNAVAILABLE, Fault.OPERATOR),
    POLICY_STALE(Status.Code.UNAVAILABLE, Fault.OPERATOR),
    STORE_UNAVAILABLE(Status.Code.UNAVAILABLE, Fault.OPERATOR),
    INTERNAL_ERROR(Status.Code.INTERNAL, Fault.US);

    private final Status.Code code;
    private final Fault fault;

    ErrorReason(Status.Code code, Fault fault) {
        this.code = code;
        this.fault = fault;
    }

    Status.Code code() {
        return code;
    }

    Fault fault() {
        return fault;
    }

    /** Who must act. */
    enum Fault {
        CALLER,
        ADMINISTRATOR,
        OPERATOR,
        US
    }
}

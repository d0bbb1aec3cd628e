package dev.assize.server.decision.approval;

/** Where a request stands at a moment. */
public enum ApprovalState {
    PENDING,
    APPROVED,
    REJECTED,
    /** It waited too long, or its approval ran out. */
    EXPIRED,
    USED,
    CANCELLED
}

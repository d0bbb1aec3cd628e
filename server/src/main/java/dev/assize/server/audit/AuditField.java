package dev.assize.server.audit;

import dev.assize.server.ledger.FrameFields;

/** The numbers of the body's fields in frames of version 1. Final: a number is never used again for another meaning. */
final class AuditField {

    static final int CATEGORY = 16;
    static final int ACTOR = 17;
    static final int ACTOR_TENANT = 18;
    static final int ON_BEHALF_OF = 19;
    static final int ROLE = 20;
    static final int ACTION = 21;
    static final int RESOURCE = 22;
    static final int ENV = 23;
    static final int OUTCOME = 24;
    static final int OCCURRED_AT = 25;
    static final int RUN_ID = 26;
    static final int DECISION_ID = 27;
    static final int REASON = 28;
    static final int OVERRIDE = 29;
    static final int PAYLOAD = 30;
    static final int READS = 31;
    static final int WRITES = 32;
    static final int TRACE_CONTEXT = FrameFields.TRACE_CONTEXT;
    static final int MASKED = 34;
    static final int IDEMPOTENCY_KEY = 35;
    static final int PAYLOAD_COMMITMENTS = FrameFields.COMMITMENTS;

    private AuditField() {}
}

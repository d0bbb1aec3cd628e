package dev.assize.server.recording;

/** The numbers of the fields of a decision's record. Final: a number is never used again for another meaning. */
final class RecordField {

    static final int SALT = 1;
    static final int DECISION_ID = 2;
    static final int DECIDED_AT = 3;
    static final int CALLER = 4;
    static final int CALLER_TENANT = 5;
    static final int SUBJECT = 6;
    static final int SUBJECT_TENANT = 7;
    static final int ON_BEHALF_OF = 8;
    static final int ON_BEHALF_OF_TENANT = 9;
    static final int ACTION = 10;
    static final int RESOURCE = 11;
    static final int ENV = 12;
    static final int RUN_ID = 13;
    static final int ACTIVE_ROLES = 14;
    static final int DECISION = 15;
    static final int REASON = 16;
    static final int DELEGATOR_REASON = 17;
    static final int BINDING = 18;
    static final int ROLE = 19;
    static final int RULE = 20;
    static final int FREEZE = 21;
    static final int SEPARATION_OF_DUTY = 22;
    static final int APPROVAL_RULE = 23;
    static final int REVISION = 24;
    static final int PLATFORM_REVISION = 25;
    static final int APPROVAL_ID = 26;
    static final int OBLIGATIONS = 27;
    static final int ATTRIBUTES = 28;
    static final int TRACE_CONTEXT = 29;

    private RecordField() {}
}

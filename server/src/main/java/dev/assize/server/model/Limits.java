package dev.assize.server.model;

/** The bounds of the contract, in one place. Each is tested at its edge. */
public final class Limits {

    /** Bytes of a subject's id, and of an id in a resource path. */
    public static final int ID_BYTES = 256;

    public static final int PATH_SEGMENTS = 8;
    public static final int PATH_BYTES = 1_024;
    public static final int REQUEST_BYTES = 64 * 1_024;

    /** Bytes of a message that is read while other calls of its connection wait; a check of more is refused anyway. */
    public static final int PROMPT_MESSAGE_BYTES = REQUEST_BYTES;

    public static final int ATTRIBUTES = 64;
    public static final int ATTRIBUTE_BYTES = 4 * 1_024;
    public static final int ATTRIBUTE_DEPTH = 4;

    /** Roles that a request may name as active. */
    public static final int ACTIVE_ROLES = 32;

    public static final int BATCH_ITEMS = 1_000;
    public static final int PAGE_ITEMS = 1_000;

    /** How deep roles inherit and groups nest: edges on the longest path. */
    public static final int NESTING = 16;

    public static final int DOCUMENT_BYTES = 256 * 1_024;
    public static final int AUDIT_PAYLOAD_BYTES = 8 * 1_024;
    public static final int AUDIT_EVENTS = 500;
    public static final int IDEMPOTENCY_KEY_BYTES = 128;

    private Limits() {}
}

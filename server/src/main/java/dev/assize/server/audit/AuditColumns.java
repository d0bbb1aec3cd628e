package dev.assize.server.audit;

/**
 * The query columns of a stored entry: their names, as {@link AuditCodec#project} writes them and as the store's
 * table has them. Values are texts: names as they are, times as microseconds since 1970, the outcome as its number.
 */
public final class AuditColumns {

    public static final String RECORDED_AT = "recorded_at";
    public static final String RECORDED_BY = "recorded_by";
    public static final String RECORDED_BY_TENANT = "recorded_by_tenant";
    public static final String TYPE = "type";
    public static final String CATEGORY = "category";
    public static final String ACTOR = "actor";
    public static final String ROLE = "role";
    public static final String ACTION = "action";
    public static final String RESOURCE = "resource";
    public static final String ENV = "env";
    public static final String OUTCOME = "outcome";
    public static final String OCCURRED_AT = "occurred_at";
    public static final String RUN_ID = "run_id";
    public static final String DECISION_ID = "decision_id";

    /**
     * What the entry lists as read and written: a line `reads[0] uri` for each element, reads first; a backslash is two, and
     * a line break one with an `n`. It stands in a table
     * of its own, a row for each.
     */
    public static final String LINEAGE = "lineage";

    /** How a line of the lineage begins. */
    public static final String READS = "reads[";

    public static final String WRITES = "writes[";

    private AuditColumns() {}
}

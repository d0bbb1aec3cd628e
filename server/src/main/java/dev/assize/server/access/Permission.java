package dev.assize.server.access;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What an RPC needs: an action on a resource type of tenant `assize`, asked for path `tenant:T/TYPE`. */
public enum Permission {
    CHECK("policy", "check"),
    EXPLAIN("policy", "explain"),
    SEARCH("policy", "search"),
    APPLY_POLICY("policy", "apply"),
    SUGGEST_CHANGE("policy", "suggest"),
    ACCEPT_CHANGE("policy", "accept"),
    COMMENT_ON_CHANGE("policy", "comment"),
    READ_POLICY("policy", "read"),
    READ_HISTORY("policy", "read-history"),
    REVIEW_ACCESS("policy", "review"),
    WATCH_POLICY("policy", "watch"),
    CREATE_FREEZE("freeze", "create"),
    LIFT_FREEZE("freeze", "lift"),
    READ_FREEZES("freeze", "read"),
    CREATE_TENANT("tenant", "create"),
    READ_TENANT("tenant", "read"),
    SUSPEND_TENANT("tenant", "suspend"),
    RESUME_TENANT("tenant", "resume"),
    DELETE_TENANT("tenant", "delete"),
    APPEND_AUDIT("ledger", "append"),
    READ_AUDIT("ledger", "read"),
    READ_DECISIONS("ledger", "read-decisions"),
    EXPORT_AUDIT("ledger", "export"),
    VERIFY_LEDGER("ledger", "verify"),
    ERASE_AUDIT("ledger", "erase"),
    IDENTIFY_ACTORS("ledger", "identify"),
    HOLD_AUDIT("ledger", "hold"),
    PRUNE_LEDGER("ledger", "prune"),
    BEGIN_INCARNATION("ledger", "begin-incarnation"),
    SETTLE_SPOOL("ledger", "settle-spool"),
    REQUEST_APPROVAL("approval", "request"),
    RESOLVE_APPROVAL("approval", "resolve"),
    COMMENT_ON_APPROVAL("approval", "comment"),
    READ_APPROVALS("approval", "read"),
    CANCEL_APPROVAL("approval", "cancel"),
    USE_APPROVAL("approval", "use"),
    CREATE_KEY("key", "create"),
    READ_KEYS("key", "read"),
    REVOKE_KEY("key", "revoke"),
    SEAL_KEY("key", "seal");

    /**
     * What the break-glass key may do in every tenant, whatever policy says: look at policy, change it, stop and lift, read
     * and verify what was done, and end keys. It makes no keys, speaks for nobody, and neither writes nor removes history, so
     * that of its hour nothing stays but what it changed, on record.
     */
    static final Set<Permission> BREAK_GLASS = Collections.unmodifiableSet(EnumSet.of(
            EXPLAIN,
            SEARCH,
            APPLY_POLICY,
            READ_POLICY,
            READ_HISTORY,
            WATCH_POLICY,
            CREATE_FREEZE,
            LIFT_FREEZE,
            READ_FREEZES,
            READ_AUDIT,
            VERIFY_LEDGER,
            READ_APPROVALS,
            READ_KEYS,
            REVOKE_KEY));

    /** Asked for path `tenant:T/subject:TYPE`: to speak for subjects of that type. */
    public static final String ACT_AS_RESOURCE_TYPE = "subject";

    public static final String ACT_AS_ACTION = "act-as";

    private final String resourceType;
    private final String action;

    Permission(String resourceType, String action) {
        this.resourceType = resourceType;
        this.action = action;
    }

    public String resourceType() {
        return resourceType;
    }

    public String action() {
        return action;
    }
}

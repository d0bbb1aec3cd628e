package dev.assize.server.model;

/** Why a decision is what it is; the order of the denies is not their precedence. */
public enum Reason {
    ALLOWED,
    TENANT_UNKNOWN,
    ENVIRONMENT_UNKNOWN,
    TYPE_UNKNOWN,
    ACTION_UNKNOWN,
    FROZEN,
    EXPLICIT_DENY,
    CONDITION_ERROR,
    CONDITION_FALSE,
    GRANT_EXPIRED,
    GRANT_NOT_YET_VALID,
    OUT_OF_SCOPE,
    NO_GRANT,
    SEPARATION_OF_DUTY,
    APPROVAL_REQUIRED,
    DELEGATOR_DENIED;

    public boolean isAllow() {
        return this == ALLOWED;
    }
}

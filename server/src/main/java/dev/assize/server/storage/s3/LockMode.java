package dev.assize.server.storage.s3;

/** Who can remove an object before its time (S3 Object Lock). */
public enum LockMode {
    /** Who has a permission of its own for that. */
    GOVERNANCE,
    /** Nobody, not even the account's owner. */
    COMPLIANCE
}

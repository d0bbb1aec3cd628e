package dev.assize.server.audit;

import dev.assize.server.model.TenantId;

/** Finds entries by their query columns. Blocks. */
public interface AuditIndex {

    /** The next of the entries that fit, in the order asked for, at most as many as the filter's limit. */
    AuditPage find(TenantId tenant, AuditFilter filter);
}

package dev.assize.server.audit;

import dev.assize.server.model.TenantId;
import java.util.List;

/** Finds entries by their query columns. Blocks. */
public interface AuditIndex {

    /** The entries that fit, in the order asked for, at most as many as the filter's limit. */
    List<RecordedEvent> find(TenantId tenant, AuditFilter filter);
}

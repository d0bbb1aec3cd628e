package dev.assize.server.audit;

import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Set;

/** What tenants say of how their ledgers are kept. */
@FunctionalInterface
public interface AuditSettings {

    /**
     * What is masked in the tenant's events now. Throws where that is not known: nothing may then be written, for it would
     * be written unmasked.
     */
    List<PiiPattern> piiPatterns(TenantId tenant);

    /** Types of subjects that stand in the tenant's ledger under pseudonyms. Throws where that is not known. */
    default Set<String> pseudonyms(TenantId tenant) {
        return Set.of();
    }
}

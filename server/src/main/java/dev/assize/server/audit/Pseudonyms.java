package dev.assize.server.audit;

import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;

/** Knows under which pseudonyms subjects stand in ledgers. Blocks; a broken surrounding is an exception. */
public interface Pseudonyms {

    /** The pseudonym of a subject in a tenant's ledger, always the same until it is erased; made where there is none. */
    Subject of(TenantId tenant, Subject subject);
}

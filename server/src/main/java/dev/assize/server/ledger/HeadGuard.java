package dev.assize.server.ledger;

import dev.assize.server.model.TenantId;

/** Decides whether something may be appended behind a head. Asked by every append, with the head locked. */
@FunctionalInterface
public interface HeadGuard {

    /**
     * Returns where it may. Must be quick, and must not ask the database: everybody who appends to the tenant waits.
     *
     * @throws LedgerHaltedException where nothing may be appended until an operator has acted
     * @throws LedgerUnanchoredException where nothing may be appended for now
     */
    void admit(TenantId tenant, LedgerHead head);
}

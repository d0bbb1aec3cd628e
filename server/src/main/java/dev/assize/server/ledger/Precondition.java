package dev.assize.server.ledger;

/**
 * What must hold of a tenant's ledger for something to be appended to it. Asked at most once, with the tenant's head
 * locked: no entry can come between the answer and what is then appended.
 */
@FunctionalInterface
public interface Precondition {

    /**
     * Whether to append. Reads of the store on the calling thread see the ledger as the append finds it; everything else
     * that appends to the tenant waits until this returns.
     */
    boolean holds();
}

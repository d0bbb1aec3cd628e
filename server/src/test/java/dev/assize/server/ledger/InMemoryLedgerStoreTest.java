package dev.assize.server.ledger;

import java.time.InstantSource;

class InMemoryLedgerStoreTest extends LedgerStoreContract {

    @Override
    protected LedgerStore store(InstantSource clock) {
        return new InMemoryLedgerStore(clock, projector());
    }
}

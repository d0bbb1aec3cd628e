package dev.assize.server.storage;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.LedgerStoreContract;
import dev.assize.server.testing.TestDatabase;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

class PostgresLedgerStoreTest extends LedgerStoreContract {

    private static TestDatabase testDatabase;

    private @Nullable Database database;

    @BeforeAll
    static void create() {
        testDatabase = TestDatabase.fresh();
    }

    @AfterAll
    static void drop() {
        testDatabase.close();
    }

    @Override
    protected LedgerStore store(InstantSource clock) {
        Database opened = testDatabase.open(clock);
        database = opened;
        return new PostgresLedgerStore(opened, new LedgerWriter(opened, new AuditCodec(), clock));
    }

    @AfterEach
    void close() {
        if (database != null) {
            database.close();
        }
    }
}

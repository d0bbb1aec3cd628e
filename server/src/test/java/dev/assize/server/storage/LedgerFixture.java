package dev.assize.server.storage;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** Ledgers in PostgreSQL that are written at noon, with a tenant of its own for each test. */
abstract class LedgerFixture {

    static final Instant NOON = Instant.parse("2026-03-01T12:00:00.000001Z");
    static final AuditCodec CODEC = new AuditCodec();
    private static final AtomicInteger TENANTS = new AtomicInteger();

    static TestDatabase testDatabase;
    static Database database;
    static LedgerWriter writer;
    static PostgresLedgerStore ledger;

    TenantId tenant;

    @BeforeAll
    static void openDatabase() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        writer = new LedgerWriter(database, CODEC, (_, _) -> {}, () -> NOON);
        ledger = new PostgresLedgerStore(database, writer);
    }

    @AfterAll
    static void dropDatabase() {
        database.close();
        testDatabase.close();
    }

    @BeforeEach
    void nameTenant() {
        tenant = new TenantId("t" + TENANTS.incrementAndGet());
    }
}

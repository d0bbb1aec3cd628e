package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.DraftRefusedException;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.LedgerStoreContract;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PostgresLedgerStoreTest extends LedgerStoreContract {

    private static TestDatabase testDatabase;
    private static Database database;

    @BeforeAll
    static void create() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @Override
    protected LedgerStore store(InstantSource clock) {
        return new PostgresLedgerStore(database, new LedgerWriter(database, new AuditCodec(), (_, _) -> {}, clock));
    }

    @Test
    void refusesWhatPostgresCannotKeep() {
        assertRefused("run\0", "contains U+0000");
        assertRefused("r".repeat(LedgerWriter.MAX_TEXT_BYTES + 1), "2001 bytes: expected at most 2000");
        append("r".repeat(LedgerWriter.MAX_TEXT_BYTES));
    }

    private void assertRefused(String runId, String message) {
        assertThatThrownBy(() -> append(runId))
                .isInstanceOf(DraftRefusedException.class)
                .hasMessageContaining(message);
        assertThat(store(InstantSource.system()).head(new TenantId("refusing"))).isEmpty();
    }

    private void append(String runId) {
        byte[] body = new FrameBody()
                .text(17, "user:alice")
                .text(21, "append")
                .text(22, "ledger")
                .text(23, "default")
                .u8(24, 1)
                .text(26, runId)
                .toBytes();
        store(InstantSource.system())
                .append(
                        new TenantId("refusing"),
                        List.of(new AppendCommand(
                                Recorder.ASSIZE, List.of(new EntryDraft(Recorder.ASSIZE, "test", body)), null)));
    }
}

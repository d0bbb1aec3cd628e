package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.testing.TestDatabase;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/** The pool's only connection, on which an answer was left unread: whoever has it next would be told that one. */
class UnreadAnswerTest {

    private static final String TENANT = "acme";

    private final TestDatabase testDatabase = TestDatabase.migrated();
    private Database database;

    @BeforeEach
    void start() {
        StorageConfig config = testDatabase.config();
        database = new Database(
                new StorageConfig(
                        config.location(),
                        config.ledgerName(),
                        1,
                        config.connectTimeout(),
                        config.statementTimeout(),
                        config.idleTimeout()),
                InstantSource.system());
        database.start();
    }

    @AfterEach
    void stop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void nobodyIsToldThatWhatFailedIsDurable() {
        leaveAnAnswerUnread();
        assertThatThrownBy(() -> database.atOnce(TENANT, new Trip().then("SELECT 1 / 0", parameters -> {}), () -> {}))
                .isInstanceOf(StoreUnavailableException.class);
        assertThat(answer()).containsExactly(TENANT);
    }

    @Test
    void nobodyIsToldTheRowsOfAnother() {
        leaveAnAnswerUnread();
        assertThatThrownBy(this::answer).isInstanceOf(StoreUnavailableException.class);
        assertThat(answer()).as("by another connection").containsExactly(TENANT);
    }

    private List<String> answer() {
        return database.inSnapshot(
                TENANT,
                transaction -> transaction.read(
                        "SELECT current_setting('assize.tenant')", parameters -> {}, row -> row.getString(1)));
    }

    /** As the driver does where a COPY is cancelled that is over already. */
    private void leaveAnAnswerUnread() {
        String _ = database.inSnapshot("", UnreadAnswerTest::breakOff);
    }

    private static String breakOff(TenantTransaction transaction) throws SQLException {
        CopyOut copy = transaction
                .connection()
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut("COPY (SELECT generate_series(1, 3)) TO STDOUT");
        copy.readFromCopy();
        copy.cancelCopy();
        return "broken off";
    }
}

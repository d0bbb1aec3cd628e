package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Entries that a disk has lost, and not what stood beside them: the ledger can be continued, and whoever was told that an
 * event is on record can have it there again.
 */
class LostEntriesTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final int KEPT = 3;
    private static final List<AuditEvent> SENT = List.of(AnchoredNode.erasable(10), AnchoredNode.event(11));

    @TempDir
    private Path directory;

    private TestDatabase database;
    private AnchoredNode node;

    @BeforeEach
    void sign() {
        database = TestDatabase.migrated();
        node = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
        assertThat(node.round()).isEmpty();
        node.append(ACME, KEPT);
    }

    @AfterEach
    void stop() {
        node.close();
        database.close();
    }

    /** Behind a few entries, behind a whole block of those that rows of terms share, and in the middle of a later one. */
    @ParameterizedTest
    @ValueSource(ints = {KEPT, 63, 64, 130})
    void anEventOfALostEntryIsAppendedAgainUnderItsKey(int kept) throws SQLException {
        if (kept > KEPT) {
            node.append(ACME, kept - KEPT);
        }
        assertThat(append("kk")).isInstanceOf(Appended.class);
        lose(kept);
        execute("INSERT INTO decision_page VALUES ('acme', " + kept + ", 0, '\\x000141', 0, 0)");
        execute("INSERT INTO decision_bucket SELECT bucket, 'acme', " + kept
                + ", '\\x0000000000010000' FROM generate_series(1, 6) AS bucket");

        begin();

        assertThat(query(
                        "SELECT (SELECT count(*) FROM ledger_lineage WHERE seq >= " + kept + ") + (SELECT count(*) FROM"
                                + " ledger_payload) + (SELECT count(*) FROM decision_page) + (SELECT count(*) FROM"
                                + " decision_bucket) + (SELECT count(*) FROM"
                                + " ledger_term WHERE tenant_id = 'acme' AND (block * 64 + 64"
                                + " - position(B'1' IN bits::bit(64)) > " + kept + ")) + (SELECT count(*) FROM"
                                + " ledger_idempotency)"))
                .isEqualTo("0");
        assertThat(query("SELECT convert_from(frame, 'UTF8') FROM (SELECT substring(frame FROM position("
                        + "'\"removed\"' IN frame) FOR 57) AS frame FROM ledger_entry WHERE seq = "
                        + kept + ") AS e"))
                .startsWith("\"removed\":{\"lineage\":6,\"values\":2,\"decisions\":1,\"keys\":1}");
        AppendResult again = append("kk");
        assertThat(again)
                .isInstanceOfSatisfying(
                        Appended.class,
                        appended -> assertThat(appended.receipts())
                                .extracting(Receipt::seq)
                                .containsExactly(kept + 1L, kept + 2L));
        assertThat(append("kk")).isEqualTo(new Replayed(((Appended) again).receipts()));
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    /** Also where what is kept of it is the last of a block. */
    @ParameterizedTest
    @ValueSource(ints = {KEPT, 63})
    void whatWasSentTogetherIsSentAgainTogetherWhereAPartOfItIsLost(int before) throws SQLException {
        if (before > KEPT) {
            node.append(ACME, before - KEPT);
        }
        append("kk");
        lose(before + 1);
        begin();
        assertThat(append("kk"))
                .isInstanceOfSatisfying(
                        Appended.class,
                        appended -> assertThat(appended.receipts()).hasSize(2));
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void noIncarnationBeginsWhileEntriesStandBehindTheHead() throws SQLException {
        append("kk");
        assertThat(node.round()).isEmpty();
        execute("UPDATE ledger_head SET size = 4 WHERE tenant_id = 'acme'");
        assertThatThrownBy(this::begin)
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("entry 4 of tenant `acme` stands behind the head, which counts 4 entries");
        execute("UPDATE ledger_head SET size = 5 WHERE tenant_id = 'acme'");
        assertThat(node.round()).isEmpty();
        node.append(ACME, 1);
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void nothingBesideAnEntryThatIsThereIsForgotten() throws SQLException {
        append("kk");
        assertThatThrownBy(() -> execute("SELECT set_config('assize.tenant', 'acme', false);"
                        + " UPDATE ledger_head SET size = 0, last_recorded_at = NULL WHERE tenant_id = 'acme';"
                        + " SELECT forget_lost_entries('acme')"))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("entries stand behind the head of acme, which counts 0 entries");
    }

    /** Each is a change to the one row of the table; none of them may acknowledge what is not there. */
    @Test
    void noRetryGetsTheReceiptsOfOtherEntries() throws SQLException {
        for (String change : List.of(
                "first_seq = 0",
                "first_seq = first_seq + 1",
                "entry_count = 1",
                "entry_count = 3",
                "entry_count = 0",
                "recorded_at = recorded_at + interval '1 microsecond'",
                "recorded_at = recorded_at - interval '1 day'",
                "content_hash = sha256('x')",
                "key = 'x' || key")) {
            String key = "key of " + change;
            List<Receipt> first = ((Appended) append(key)).receipts();
            execute("UPDATE ledger_idempotency SET " + change + " WHERE key = '" + key.replace("'", "''") + "'");
            switch (append(key)) {
                case Appended(List<Receipt> receipts) ->
                    assertThat(receipts).as(change).hasSize(2).doesNotContainAnyElementsOf(first);
                case Replayed(List<Receipt> receipts) ->
                    assertThat(receipts).as(change).isEqualTo(first);
                case KeyReused _ -> assertThat(change).startsWith("content_hash");
                case AppendResult.Refused _ -> throw new AssertionError(change);
            }
        }
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void aRowThatWasPutThereInAdvanceAcknowledgesNothing() throws SQLException {
        append("kk");
        execute("UPDATE ledger_idempotency SET key = 'later'");
        assertThat(append("later")).isEqualTo(new KeyReused("later"));
    }

    private AppendResult append(String key) {
        return node.append(ACME, SENT, key);
    }

    /** Entries alone, and the head with them. */
    private void lose(int from) throws SQLException {
        assertThat(node.round()).isEmpty();
        execute("DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq >= " + from
                + "; UPDATE ledger_head SET size = " + from + ", (last_hash, last_recorded_at) = (SELECT entry_hash,"
                + " recorded_at FROM ledger_entry WHERE tenant_id = 'acme' AND seq = " + (from - 1)
                + ") WHERE tenant_id = 'acme'");
    }

    private void begin() {
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
        assertThat(node.round()).isEmpty();
    }

    private String query(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            return row.getString(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private Connection connect() throws SQLException {
        DatabaseAccess superuser = database.superuser();
        Connection connection = DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
        connection.setSchema("assize");
        return connection;
    }
}

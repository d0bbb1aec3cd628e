package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Action;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Changes every stored byte of a small signed ledger, one at a time, and has it verified: frames, hashes, query columns,
 * the head, the checkpoints. Each change is found, and the ledger is sound again when it is taken back. Of what has many bytes
 * each is changed with {@code -Dassize.test.everyByte=true}, and else every third.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FlippedByteTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final int ENTRIES = 3;
    private static final boolean EVERY_BYTE = Boolean.getBoolean("assize.test.everyByte");

    private final TestDatabase database = TestDatabase.migrated();
    private AnchoredNode node;
    private Connection superuser;

    @BeforeAll
    void sign(@TempDir Path directory) throws SQLException {
        node = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
        assertThat(node.round()).isEmpty();
        node.append(ACME, List.of(AnchoredNode.event(0), AnchoredNode.erasable(1), failed(2)));
        assertThat(node.round()).isEmpty();
        DatabaseAccess access = database.superuser();
        superuser = DriverManager.getConnection(access.url(), access.user(), access.password());
        execute("SET search_path = assize");
        // Rows are to be moved about as somebody could who dropped it.
        execute("ALTER TABLE ledger_lineage DROP CONSTRAINT ledger_lineage_pkey");
        execute("ALTER TABLE ledger_term DROP CONSTRAINT ledger_term_kind_check");
    }

    @AfterAll
    void stop() throws SQLException {
        superuser.close();
        node.close();
        database.close();
    }

    @Test
    void everyFlippedByteOfAnEntryIsFound() throws SQLException {
        for (String column : List.of("frame", "entry_hash")) {
            for (int seq = 0; seq < ENTRIES; seq++) {
                sweepBytes("ledger_entry", column, "seq = " + seq, seq, seq);
            }
        }
    }

    @Test
    void everyChangedColumnOfAnEntryIsFound() throws SQLException {
        for (String column : columns("ledger_entry")) {
            if (column.equals("frame") || column.equals("entry_hash")) {
                continue;
            }
            for (int seq = 0; seq < ENTRIES; seq++) {
                sweepValue("ledger_entry", column, "seq = " + seq);
            }
        }
    }

    @Test
    void everyChangeOfAValueBesideAnEntryIsFound() throws SQLException {
        for (String field : List.of("field = 28", "field = 30")) {
            sweepBytes("ledger_payload", "salt", field, 1, 0);
            sweepBytes("ledger_payload", "value", field, 1, 1);
            for (String column : List.of("tenant_id", "seq", "field")) {
                sweepValue("ledger_payload", column, field);
            }
        }
    }

    @Test
    void everyChangedColumnOfTheLineageIsFound() throws SQLException {
        for (String column : columns("ledger_lineage")) {
            for (int seq = 0; seq < ENTRIES; seq++) {
                sweepValue("ledger_lineage", column, "seq = " + seq + " AND kind = 1 AND position = " + seq % 2);
            }
        }
    }

    @Test
    void everyRowOfTheLineageThatIsMissingOrTooManyIsFound() throws SQLException {
        execute("CREATE TABLE kept AS TABLE ledger_lineage");
        for (String change : List.of(
                "DELETE FROM ledger_lineage WHERE seq = 1 AND kind = 2",
                "DELETE FROM ledger_lineage WHERE seq = 1",
                "INSERT INTO ledger_lineage SELECT tenant_id, seq, kind, 7, uri, recorded_at, env, outcome, run_id"
                        + " FROM ledger_lineage WHERE seq = 1 AND kind = 2",
                "INSERT INTO ledger_lineage SELECT tenant_id, 1000, kind, position, uri, recorded_at, env, outcome,"
                        + " run_id FROM ledger_lineage WHERE seq = 1 AND kind = 2")) {
            execute(change);
            assertThat(node.verifySigned(ACME, null)).as(change).isInstanceOfSatisfying(Broken.class, broken -> {
                assertThat(broken.fault().kind()).isEqualTo(Verification.Kind.PROJECTION);
                assertThat(broken.fault().message()).contains("lineage");
            });
            execute("TRUNCATE ledger_lineage; INSERT INTO ledger_lineage SELECT * FROM kept");
        }
        execute("DROP TABLE kept");
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void everyChangeOfWhatEntriesAreFoundByIsFound() throws SQLException {
        for (int kind = 1; kind <= 5; kind++) {
            String[] values = query("SELECT coalesce(string_agg(value, '|'), '') FROM ledger_term WHERE kind = " + kind
                            + " AND tenant_id = 'acme'")
                    .split("\\|", -1);
            assertThat(values).as("values of kind %d", kind).doesNotContain("");
            for (String column : List.of("tenant_id", "kind", "value", "block", "bits")) {
                for (String value : values) {
                    sweepValue("ledger_term", column, "kind = " + kind + " AND value = '" + value + "'");
                }
            }
        }
        for (int bit = 0; bit < ENTRIES; bit++) {
            String flip = "UPDATE ledger_term SET bits = nullif(bits # " + (1 << bit)
                    + ", 0) WHERE tenant_id = 'acme' AND kind = 1";
            execute("ALTER TABLE ledger_term ALTER bits DROP NOT NULL; CREATE TABLE kept AS TABLE ledger_term");
            execute(flip + "; DELETE FROM ledger_term WHERE bits IS NULL");
            int seq = bit;
            assertThat(node.verifySigned(ACME, null)).as(flip).isInstanceOfSatisfying(Broken.class, broken -> {
                assertThat(broken.fault().kind()).isEqualTo(Verification.Kind.PROJECTION);
                assertThat(broken.fault().seq()).isEqualTo(seq);
            });
            execute("TRUNCATE ledger_term; INSERT INTO ledger_term SELECT * FROM kept; DROP TABLE kept");
        }
        execute("ALTER TABLE ledger_term ALTER bits SET NOT NULL");
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void everyChangeOfTheHeadIsFound() throws SQLException {
        sweepBytes("ledger_head", "last_hash", "true", -1, 0);
        for (String column : columns("ledger_head")) {
            if (!column.equals("last_hash") && !column.equals("halted")) {
                sweepValue("ledger_head", column, "true");
            }
        }
    }

    @Test
    void everyChangeOfACheckpointIsFound() throws SQLException {
        for (String table : List.of("ledger_checkpoint", "ledger_tree")) {
            sweepBytes(table, "root", "true", -1, 0);
            sweepText(table, "note");
            sweepValue(table, "size", "true");
        }
    }

    private static AuditEvent failed(int i) {
        return EventBuilder.event(
                        "replay.executed",
                        new Subject("user", "alice"),
                        new Action("replay"),
                        ResourcePath.parse("vault:company"))
                .outcome(Outcome.FAILURE)
                .category("replay")
                .role("operator")
                .occurredAt(Instant.parse("2026-02-28T00:00:00Z").plusSeconds(i))
                .runId("run-" + i)
                .decisionId("decision-" + i)
                .reads(List.of("db:prices", "db:rates"))
                .writes(List.of("db:report-" + i))
                .build();
    }

    /**
     * Flips one bit of each byte, or of every third; which bit depends on the place, so that all of them come up.
     *
     * @param from the first of every third, another for each that is alike
     */
    private void sweepBytes(String table, String column, String where, long seq, int from) throws SQLException {
        String row = " WHERE tenant_id = 'acme' AND " + where;
        int length = Integer.parseInt(query("SELECT length(" + column + ") FROM " + table + row));
        assertThat(length).isPositive();
        for (int at = EVERY_BYTE ? 0 : from; at < length; at += EVERY_BYTE ? 1 : ENTRIES) {
            String flip = "UPDATE " + table + " SET " + column + " = set_byte(" + column + ", " + at + ", get_byte("
                    + column + ", " + at + ") # " + (1 << at % Byte.SIZE) + ")" + row;
            execute(flip);
            Verification found = node.verifySigned(ACME, null);
            assertThat(found).as("byte %d of %s, %s", at, column, where).isInstanceOf(Broken.class);
            if (seq >= 0) {
                assertThat(((Broken) found).fault().seq())
                        .as("byte %d of %s", at, column)
                        .isEqualTo(seq);
            }
            execute(flip);
        }
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    /** Replaces one character at a time. */
    private void sweepText(String table, String column) throws SQLException {
        String row = " WHERE tenant_id = 'acme'";
        int length = Integer.parseInt(query("SELECT length(" + column + ") FROM " + table + row));
        execute("ALTER TABLE " + table + " ADD COLUMN kept text");
        execute("UPDATE " + table + " SET kept = " + column);
        for (int at = 1; at <= length; at += EVERY_BYTE ? 1 : ENTRIES) {
            execute("UPDATE " + table + " SET " + column + " = overlay(kept placing" + " CASE substr(kept, " + at
                    + ", 1) WHEN 'A' THEN 'Q' ELSE 'A' END from " + at + " for 1)" + row);
            assertThat(node.verifySigned(ACME, null))
                    .as("character %d of %s.%s", at, table, column)
                    .isInstanceOf(Broken.class);
        }
        execute("UPDATE " + table + " SET " + column + " = kept");
        execute("ALTER TABLE " + table + " DROP COLUMN kept");
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    /** Sets another value of the column's type. */
    private void sweepValue(String table, String column, String where) throws SQLException {
        String row = " WHERE tenant_id = 'acme' AND " + where;
        String type = query(
                "SELECT data_type FROM information_schema.columns WHERE table_schema = 'assize' AND table_name = '"
                        + table + "' AND column_name = '" + column + "'");
        String other = switch (type) {
            case "text" -> "coalesce(" + column + ", '') || 'x'";
            case "smallint", "integer", "bigint" -> "coalesce(" + column + ", 0) + 1";
            case "timestamp with time zone" -> "coalesce(" + column + ", now()) + interval '1 microsecond'";
            default -> throw new AssertionError(table + "." + column + " is a " + type);
        };
        execute("CREATE TABLE kept AS TABLE " + table);
        execute("UPDATE " + table + " SET " + column + " = " + other + row);
        assertThat(node.verifySigned(ACME, null))
                .as("%s.%s, %s", table, column, where)
                .isInstanceOf(Broken.class);
        execute("TRUNCATE " + table + "; INSERT INTO " + table + " SELECT * FROM kept; DROP TABLE kept");
        assertThat(node.verifySigned(ACME, null))
                .as("%s.%s taken back", table, column)
                .isInstanceOf(Sound.class);
    }

    private List<String> columns(String table) throws SQLException {
        List<String> columns = new ArrayList<>();
        try (Statement statement = superuser.createStatement();
                ResultSet row = statement.executeQuery("SELECT column_name FROM information_schema.columns"
                        + " WHERE table_schema = 'assize' AND table_name = '" + table + "'")) {
            while (row.next()) {
                columns.add(row.getString(1));
            }
        }
        assertThat(columns).hasSizeGreaterThan(4);
        return columns;
    }

    private String query(String sql) throws SQLException {
        try (Statement statement = superuser.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            return row.getString(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = superuser.createStatement()) {
            statement.execute(sql);
        }
    }
}

package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.Sound;
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
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Changes what is stored beside the entries of a ledger with a full tile: the tiles, the log of heads, the times of
 * checkpoints. Of 8 KiB of hashes every 61st byte is changed, so that each place within a hash comes up, and with
 * {@code -Dassize.test.everyByte=true} each.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FlippedTreeTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final int ENTRIES = 258;
    private static final boolean EVERY_BYTE = Boolean.getBoolean("assize.test.everyByte");

    /** What finds a change of which columns: each table of the ledger with each of its columns. */
    private static final Map<String, String> FOUND = Map.ofEntries(
            Map.entry("decision_page", "PostgresDecisionStoreTest: every byte and column"),
            Map.entry("decision_bucket", "PostgresDecisionStoreTest: bits of every bucket, and rows"),
            Map.entry("ledger_entry", "FlippedByteTest: every column"),
            Map.entry("ledger_lineage", "FlippedByteTest: every column"),
            Map.entry("ledger_payload", "FlippedByteTest: every column"),
            Map.entry("ledger_term", "FlippedByteTest: every column"),
            Map.entry("ledger_head", "FlippedByteTest: every column but halted, which only stops appends"),
            Map.entry(
                    "ledger_checkpoint", "FlippedByteTest: root, note, size; here: tenant_id, incarnation, hour, time"),
            Map.entry("ledger_tree", "FlippedByteTest: root, note, size; here: tenant_id, incarnation, signed_at"),
            Map.entry("ledger_tile", "here: every column"),
            Map.entry("meta_leaf", "here, by the patrol: every column"),
            Map.entry("meta_cosignature", "who trusts a witness verifies its line"),
            Map.entry("ledger_idempotency", "LostEntriesTest: an answer counts where its entries bear it out"),
            Map.entry("ledger_patrol", "PatrolTest: signed; its time only says when another node may walk"),
            Map.entry("ledger_pruned", "TamperedPruningTest: every column"),
            Map.entry("ledger_past_action", "TamperedPruningTest: every column, by the signed digest of them"),
            Map.entry("ledger_pruning", "TamperedPruningTest: every column"),
            Map.entry(
                    "ledger_spool",
                    "FlippedRowsTest: every column but what the spool told last, when, and by which key, which entries do not"
                            + " say"),
            Map.entry("ledger_pseudonym", "PseudonymTest: every column"),
            Map.entry("ledger_hold", "FlippedRowsTest: every column"));

    private final TestDatabase database = TestDatabase.migrated();
    private AnchoredNode node;
    private Connection superuser;

    @BeforeAll
    void sign(@TempDir Path directory) throws SQLException {
        node = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
        assertThat(node.round()).isEmpty();
        node.append(ACME, ENTRIES);
        node.append(OTHER, 1);
        assertThat(node.round()).isEmpty();
        DatabaseAccess access = database.superuser();
        superuser = DriverManager.getConnection(access.url(), access.user(), access.password());
        superuser.setSchema("assize");
    }

    @AfterAll
    void stop() throws SQLException {
        superuser.close();
        node.close();
        database.close();
    }

    @Test
    void ofEveryTableOfTheLedgerItIsSaidWhatFindsAChange() throws SQLException {
        List<String> tables = List.of(query("SELECT string_agg(c.relname, ',') FROM pg_class c WHERE c.relnamespace ="
                        + " 'assize'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
                        + " AND c.relname ~ '^(ledger|meta|decision)_'")
                .split(","));
        assertThat(FOUND).containsOnlyKeys(tables);
    }

    @Test
    void flippedBytesOfTilesAreFound() throws SQLException {
        for (String column : List.of("root", "hashes")) {
            int length = Integer.parseInt(query("SELECT length(" + column + ") FROM ledger_tile"));
            for (int at = 0; at < length; at += EVERY_BYTE ? 1 : column.equals("root") ? 7 : 61) {
                String flip = "UPDATE ledger_tile SET " + column + " = set_byte(" + column + ", " + at + ", get_byte("
                        + column + ", " + at + ") # " + (1 << at % Byte.SIZE) + ")";
                execute(flip);
                assertBroken(column + " " + at);
                execute(flip);
            }
        }
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void changedColumnsBesideTheTreeAreFound() throws SQLException {
        for (String column : List.of("tenant_id", "incarnation", "level", "index")) {
            assertFound("ledger_tile", column);
        }
        for (String column : List.of("tenant_id", "incarnation", "hour", "signed_at")) {
            assertFound("ledger_checkpoint", column);
        }
        for (String column : List.of("incarnation", "signed_at")) {
            assertFound("ledger_tree", column);
        }
    }

    @Test
    void missingTilesAndMadeUpOnesAreFound() throws SQLException {
        for (String change : List.of(
                "DELETE FROM ledger_tile",
                "INSERT INTO ledger_tile SELECT tenant_id, incarnation, level, 1, root, hashes FROM ledger_tile",
                "INSERT INTO ledger_tile SELECT tenant_id, incarnation, 1, 0, root, hashes FROM ledger_tile")) {
            changed("ledger_tile", change, () -> assertBroken(change));
        }
    }

    @Test
    void aCheckpointThatIsBackdatedWithItsHourIsFound() throws SQLException {
        String back = "UPDATE ledger_checkpoint SET hour = hour - 8760, signed_at = signed_at - interval '8760 hours'"
                + " WHERE tenant_id = 'acme'";
        changed("ledger_checkpoint", back, () -> assertBroken(back));
    }

    @Test
    void changesOfTheLogOfHeadsAreFoundByThePatrol() throws SQLException {
        assertThat(node.verifier().headsFault()).isEmpty();
        int length = Integer.parseInt(query("SELECT length(leaf) FROM meta_leaf WHERE index = 0"));
        for (int at = 1; at <= length; at += EVERY_BYTE ? 1 : 5) {
            String flip = "UPDATE meta_leaf SET leaf = overlay(leaf placing CASE substr(leaf, " + at
                    + ", 1) WHEN 'A' THEN 'Q' ELSE 'A' END from " + at + " for 1) WHERE index = 0";
            changed("meta_leaf", flip, () -> assertHeads(flip));
        }
        for (String change : List.of(
                "UPDATE meta_leaf SET incarnation = 2 WHERE index = 0",
                "UPDATE meta_leaf SET index = index + 7 WHERE index = 0",
                "UPDATE meta_leaf SET tenant_id = 'else' WHERE index = 0",
                "DELETE FROM meta_leaf WHERE index = 1")) {
            changed("meta_leaf", change, () -> assertHeads(change));
        }
        String root = "UPDATE ledger_tree SET root = sha256('') WHERE tenant_id = '~meta'";
        changed("ledger_tree", root, () -> {
            assertHeads(root);
            node.patrol().round();
            assertThat(node.patrol().complaint().orElseThrow()).contains("the log of heads");
        });
    }

    private void assertHeads(String change) {
        assertThat(node.verifier().headsFault()).as(change).isPresent();
    }

    private void assertBroken(String change) {
        assertThat(node.verifySigned(ACME, null))
                .as(change)
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault().kind()).isEqualTo(Kind.CHECKPOINT));
    }

    private void assertFound(String table, String column) throws SQLException {
        String other = switch (column) {
            case "tenant_id" -> "'else'";
            case "signed_at" -> "signed_at - interval '1 microsecond'";
            default -> column + " + 1";
        };
        String change = "UPDATE " + table + " SET " + column + " = " + other + " WHERE tenant_id = 'acme'";
        changed(table, change, () -> assertBroken(change));
    }

    private void changed(String table, String change, Runnable finds) throws SQLException {
        execute("CREATE TABLE kept AS TABLE " + table);
        execute(change);
        finds.run();
        execute("TRUNCATE " + table + "; INSERT INTO " + table + " SELECT * FROM kept; DROP TABLE kept");
        assertThat(node.verifySigned(ACME, null)).as(change + " taken back").isInstanceOf(Sound.class);
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

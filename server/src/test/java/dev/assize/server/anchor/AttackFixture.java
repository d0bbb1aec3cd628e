package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A ledger of which 300 entries are signed, and somebody who may do everything in its database. */
abstract class AttackFixture {

    static final TenantId ACME = new TenantId("acme");
    static final TenantId OTHER = new TenantId("other");
    static final int SIGNED = 300;

    /** What a dump has of ledgers. */
    static final List<String> TABLES = List.of(
            "ledger_head",
            "ledger_entry",
            "ledger_lineage",
            "ledger_term",
            "ledger_idempotency",
            "ledger_tree",
            "ledger_tile",
            "ledger_checkpoint",
            "meta_leaf");

    @TempDir
    Path directory;

    TestDatabase database;
    AnchoredNode node;

    @BeforeEach
    void sign() {
        database = TestDatabase.migrated();
        node = start();
        assertThat(node.round()).isEmpty();
        node.append(ACME, SIGNED);
        node.append(OTHER, 10);
        assertThat(node.round()).isEmpty();
        assertThat(latest(ACME).size()).isEqualTo(SIGNED);
    }

    @AfterEach
    void stop() {
        node.close();
        database.close();
    }

    static void assertUnsigned(Verification found, long seq) {
        assertThat(((Broken) found).fault())
                .extracting(Verification.Fault::seq, Verification.Fault::kind)
                .containsExactly(seq, Verification.Kind.CHECKPOINT);
    }

    /** A node that has started on a database as it was some signed entries ago. */
    AnchoredNode restoreOldDump() throws SQLException {
        dump();
        node.append(ACME, 30);
        node.append(OTHER, 5);
        node.round();
        return restoreDump();
    }

    void dump() throws SQLException {
        for (String table : TABLES) {
            execute("CREATE TABLE dump_" + table + " AS TABLE " + table);
        }
    }

    AnchoredNode restoreDump() throws SQLException {
        for (String table : TABLES) {
            execute("DELETE FROM " + table + "; INSERT INTO " + table + " SELECT * FROM dump_" + table);
        }
        AnchoredNode next = restarted();
        next.round();
        return next;
    }

    /** Cuts the tail off as its owner could: head and entries fit together. */
    void truncateTo(int size) throws SQLException {
        execute("DELETE FROM ledger_lineage WHERE tenant_id = 'acme' AND seq >= " + size);
        String kept = "bits & ~(-1::bigint << " + size % 64 + ")";
        execute("DELETE FROM ledger_term WHERE tenant_id = 'acme' AND (block > " + size / 64 + " OR block = "
                + size / 64
                + " AND " + kept + " = 0); UPDATE ledger_term SET bits = " + kept
                + " WHERE tenant_id = 'acme' AND block = " + size / 64);
        execute("DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq >= " + size
                + "; UPDATE ledger_head SET size = "
                + size
                + ", (last_hash, last_recorded_at) = (SELECT entry_hash, recorded_at FROM ledger_entry WHERE tenant_id ="
                + " 'acme' AND seq = " + (size - 1) + ") WHERE tenant_id = 'acme'");
    }

    /** Replaces the tail by another that is as well linked, written by the service itself under no guard. */
    void rewriteFrom(int size, int count) throws SQLException {
        truncateTo(size);
        try (AnchoredNode rewriter = AnchoredNode.unguarded(database)) {
            rewriter.append(ACME, count);
        }
    }

    /** Cuts the tail off, and has an operator go on from there. */
    void lose(int size) throws SQLException {
        truncateTo(size);
        begin();
    }

    /** Begins a new incarnation of what is left. */
    void begin() {
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
    }

    AnchorRepository.PublishedCheckpoint latest(TenantId tenant) {
        return node.checkpoints().latest(tenant).orElseThrow().signed();
    }

    AnchoredNode start() {
        return AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
    }

    AnchoredNode restarted() {
        node.close();
        node = start();
        return node;
    }

    void execute(String sql) throws SQLException {
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = assize; " + sql);
        }
    }
}

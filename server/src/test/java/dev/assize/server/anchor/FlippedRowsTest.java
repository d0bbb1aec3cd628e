package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.SpoolRepository.Loss;
import dev.assize.server.audit.SpoolRepository.LossResult;
import dev.assize.server.audit.SpoolRepository.Sender;
import dev.assize.server.audit.SpoolRepository.Verdict;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.audit.SpooledBatch.SpooledEvents;
import dev.assize.server.audit.SpooledLog;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.storage.DatabaseAccess;
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

/** Changes rows that stand beside a ledger and move as its entries say: legal holds, and how far spools are. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FlippedRowsTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Recorder ANN = new Recorder(new Subject("user", "ann"), TenantId.ASSIZE);
    private static final Recorder BOB = new Recorder(new Subject("user", "bob"), TenantId.ASSIZE);
    /**
     * Of a spool: what it has told, its last hash, which it compares with its own, and what says how many its key may begin yet,
     * are nothing that entries say.
     */
    private static final List<String> UNSAID = List.of(
            "tenant_id", "highest_number", "heard_at", "last_hash", "begun_by_key", "begun_as", "only_heard_of");

    private static final Recorder SIDECAR = new Recorder(new Subject("service", "sidecar"), ACME);
    private static final String SENDS = "a".repeat(32);
    private static final String LOSES = "b".repeat(32);

    private final TestDatabase database = TestDatabase.migrated();
    private AnchoredNode node;
    private Connection superuser;
    private Hold placed;
    private Hold released;

    @BeforeAll
    void sign(@TempDir Path directory) throws SQLException {
        node = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
        assertThat(node.round()).isEmpty();
        node.append(ACME, 2);
        HoldScope scope = new HoldScope(
                new Subject("user", "alice"),
                ResourcePath.parse("vault:company"),
                Instant.parse("2026-01-01T00:00:00.123456789Z"),
                Instant.parse("2027-01-01T00:00:00Z"));
        placed = node.retention().place(new Hold.Placing(ACME, ANN, scope, "case 12"));
        released =
                node.retention().place(new Hold.Placing(ACME, ANN, new HoldScope(null, null, null, null), "case 13"));
        node.retention().release(new Hold.Release(ACME, BOB, released.id(), "closed"));
        assertThat(send(SENDS, 1, 2)).isEqualTo(Verdict.APPENDED);
        assertThat(send(LOSES, 1, 1)).isEqualTo(Verdict.APPENDED);
        assertThat(node.round()).isEmpty();
        DatabaseAccess access = database.superuser();
        superuser = DriverManager.getConnection(access.url(), access.user(), access.password());
        superuser.setSchema("assize");
        // As somebody can who owns the database: of two positions of a row either may come first.
        execute("ALTER TABLE ledger_hold DROP CONSTRAINT ledger_hold_check");
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @AfterAll
    void stop() throws SQLException {
        superuser.close();
        node.close();
        database.close();
    }

    @Test
    void everyChangedColumnOfAHoldIsFound() throws SQLException {
        for (String column : columns("ledger_hold")) {
            change("ledger_hold", column, "hold_id = '" + placed.id() + "'");
            change("ledger_hold", column, "hold_id = '" + released.id() + "'");
        }
    }

    @Test
    void aHoldThatIsGoneOrMadeUpOrReleasedByHandIsFound() throws SQLException {
        for (String change : List.of(
                "DELETE FROM ledger_hold WHERE released_at IS NULL",
                "DELETE FROM ledger_hold WHERE released_at IS NOT NULL",
                "UPDATE ledger_hold SET actor = NULL WHERE released_at IS NULL",
                "UPDATE ledger_hold SET released_by = NULL, released_by_tenant = NULL, released_at = NULL,"
                        + " released_seq = NULL",
                "UPDATE ledger_hold SET released_by = 'user:bob', released_by_tenant = 'assize', released_at = now(),"
                        + " released_seq = placed_seq + 1 WHERE released_at IS NULL",
                "INSERT INTO ledger_hold (tenant_id, hold_id, reason, placed_by, placed_by_tenant, placed_at,"
                        + " placed_seq) VALUES ('acme', 'h1', 'case 14', 'user:ann', 'assize', now(), 1)")) {
            execute("CREATE TABLE kept AS TABLE ledger_hold");
            execute(change);
            assertBroken(change);
            assertThat(node.verifier().walk(ACME, null).step(1))
                    .as("patrol, %s", change)
                    .isPresent();
            back("ledger_hold");
        }
    }

    @Test
    void everyChangedColumnOfASpoolIsFound() throws SQLException {
        for (String column : columns("ledger_spool")) {
            if (!UNSAID.contains(column)) {
                change("ledger_spool", column, "spool_id = '" + SENDS + "'");
            }
        }
        execute("CREATE TABLE kept AS TABLE ledger_spool");
        execute("UPDATE ledger_spool SET last_hash = NULL WHERE spool_id = '" + SENDS + "'");
        assertBroken("no hash");
        back("ledger_spool");
        execute("CREATE TABLE kept AS TABLE ledger_spool");
        for (int at = 0; at < Digest.LENGTH; at++) {
            execute("UPDATE ledger_spool SET last_hash = set_byte(last_hash, " + at + ", get_byte(last_hash, " + at
                    + ") # " + (1 << at % Byte.SIZE) + ") WHERE spool_id = '" + SENDS + "'");
            assertThat(send(SENDS, 3, 1)).as("byte %d", at).isEqualTo(Verdict.FORKED);
        }
        back("ledger_spool");
    }

    @Test
    void aSpoolThatIsGoneOrPutBackIsFound() throws SQLException {
        String before = "next_number = 2, highest_number = 1, last_seq = e.seq, last_entry_hash = e.entry_hash,"
                + " last_recorded_at = e.recorded_at FROM ledger_entry e WHERE s.spool_id = '" + SENDS
                + "' AND e.tenant_id = s.tenant_id AND e.seq = s.last_seq - 1";
        for (String change : List.of(
                "DELETE FROM ledger_spool WHERE spool_id = '" + SENDS + "'",
                "UPDATE ledger_spool s SET " + before,
                "UPDATE ledger_spool SET next_number = 1, last_hash = sha256(last_hash), last_seq = NULL,"
                        + " last_entry_hash = NULL, last_recorded_at = NULL WHERE spool_id = '" + SENDS + "'")) {
            execute("CREATE TABLE kept AS TABLE ledger_spool");
            execute(change);
            assertBroken(change);
            assertThat(node.verifier().walk(ACME, null).step(100))
                    .as("patrol, %s", change)
                    .isPresent();
            back("ledger_spool");
        }
    }

    @Test
    void whatWasDeclaredLostIsNotTakenForAChange() throws SQLException {
        assertThat(node.spools().declareLost(new Loss(ACME, BOB, SIDECAR, LOSES, 7, "disk broke")))
                .isInstanceOf(LossResult.NotMissing.class);
        execute("UPDATE ledger_spool SET highest_number = 7 WHERE spool_id = '" + LOSES + "'");
        assertThat(node.spools().declareLost(new Loss(ACME, BOB, SIDECAR, LOSES, 7, "disk broke")))
                .isInstanceOf(LossResult.Declared.class);
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
        change("ledger_spool", "next_number", "spool_id = '" + LOSES + "'");
        assertThat(send(LOSES, 8, 1)).isEqualTo(Verdict.APPENDED);
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    private Verdict send(String spool, long first, int count) {
        List<SpooledEvents> records = new ArrayList<>();
        for (long number = first; number < first + count; number++) {
            records.add(new SpooledEvents(number, List.of(AnchoredNode.event((int) number))));
        }
        SpooledBatch batch =
                new SpooledBatch(spool, records, hash(spool, first), hash(spool, first + count), first + count - 1);
        return node.spooled().append(ACME, new Sender(SIDECAR, "key"), batch).verdict();
    }

    private static Digest hash(String spool, long next) {
        return next == 1 ? SpooledLog.begins(spool) : Digest.sha256((spool + next).getBytes(UTF_8));
    }

    /** Sets another value of the column's type. */
    private void change(String table, String column, String where) throws SQLException {
        String type = query(
                "SELECT data_type FROM information_schema.columns WHERE table_schema = 'assize' AND table_name = '"
                        + table + "' AND column_name = '" + column + "'");
        String other = switch (type) {
            case "text" ->
                column.equals("spool_id") ? "translate(spool_id, 'ab', 'cd')" : "coalesce(" + column + ", 'a:') || 'x'";
            case "bigint" ->
                "coalesce(" + column
                        + ", placed_seq) + 1".replace("placed_seq", table.equals("ledger_hold") ? "placed_seq" : "0");
            case "bytea" -> "sha256(" + column + ")";
            case "timestamp with time zone" -> "coalesce(" + column + ", now()) + interval '1 microsecond'";
            default -> throw new AssertionError(table + "." + column + " is a " + type);
        };
        execute("CREATE TABLE kept AS TABLE " + table);
        execute("UPDATE " + table + " SET " + column + " = " + other + together(column, other) + " WHERE " + where);
        assertBroken(column + " of " + where);
        back(table);
    }

    /** A row says all of a release, or nothing, as a constraint has it. */
    private static String together(String column, String other) {
        if (column.equals("next_number")) {
            return ", highest_number = greatest(highest_number, " + other + ")";
        }
        if (!column.startsWith("released_")) {
            return "";
        }
        StringBuilder others = new StringBuilder();
        for (String also : List.of("released_by", "released_by_tenant", "released_at", "released_seq")) {
            if (!also.equals(column)) {
                String made =
                        also.equals("released_at") ? "now()" : also.equals("released_seq") ? "placed_seq + 1" : "'a:b'";
                others.append(", ")
                        .append(also)
                        .append(" = coalesce(")
                        .append(also)
                        .append(", ")
                        .append(made)
                        .append(")");
            }
        }
        return others.toString();
    }

    private void back(String table) throws SQLException {
        execute("TRUNCATE " + table + "; INSERT INTO " + table + " SELECT * FROM kept; DROP TABLE kept");
        assertThat(node.verifySigned(ACME, null)).as("taken back").isInstanceOf(Sound.class);
    }

    private void assertBroken(String change) {
        assertThat(node.verifySigned(ACME, null))
                .as(change)
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault().kind()).isEqualTo(Kind.PROJECTION));
    }

    private List<String> columns(String table) throws SQLException {
        return List.of(query("SELECT string_agg(column_name, ',') FROM information_schema.columns"
                        + " WHERE table_schema = 'assize' AND table_name = '" + table + "'")
                .split(","));
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

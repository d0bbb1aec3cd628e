package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.verification.VerificationConfig;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the patrol finds without anybody asking; its rounds run when a test says so. */
class PatrolTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final int SIGNED = 300;

    /** Each round leaves from the first entry. */
    private static final VerificationConfig ALWAYS =
            new VerificationConfig(Duration.ofMillis(1), 1_000_000, Duration.ofSeconds(1));

    private static final VerificationConfig DAILY =
            new VerificationConfig(Duration.ofDays(1), 1_000_000, Duration.ofSeconds(1));

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void sign() {
        database = TestDatabase.migrated();
        try (AnchoredNode node = start(DAILY)) {
            node.append(ACME, SIGNED);
            node.append(OTHER, 10);
            assertThat(node.round()).isEmpty();
        }
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void anEditedRowOfAnIdleTenantIsFound() throws SQLException {
        try (AnchoredNode node = start(ALWAYS)) {
            node.patrol().round();
            assertThat(node.patrol().complaint()).isEmpty();
            assertThat(recorded(node, "assize.ledger.verification-failed")).isEmpty();

            execute("UPDATE ledger_entry SET actor = 'user:mallory' WHERE tenant_id = 'acme' AND seq = 7");
            node.patrol().round();
            node.patrol().round();
            assertThat(node.patrol().complaint().orElseThrow()).contains("`acme`", "entry 7", "user:mallory");
            assertThat(node.meters()
                            .get("assize.verification.broken.ledgers")
                            .gauge()
                            .value())
                    .isEqualTo(1);
            List<RecordedEvent> failures = recorded(node, "assize.ledger.verification-failed");
            assertThat(failures).as("once for each fault").hasSize(1);
            assertThat(failures.getFirst().event().payload())
                    .contains("\"tenant\":\"acme\"", "\"seq\":7", "\"fault\":\"PROJECTION\"");

            execute("UPDATE ledger_entry SET actor = 'user:alice' WHERE tenant_id = 'acme' AND seq = 7");
            node.patrol().round();
            assertThat(node.patrol().complaint()).as("it was mended").isEmpty();
            assertThat(recorded(node, "assize.ledger.verified"))
                    .as("once a day for each ledger")
                    .hasSizeBetween(2, 3);
        }
    }

    @Test
    void aTenantThatWasDeletedIsFound() throws SQLException {
        try (AnchoredNode node = start(ALWAYS)) {
            node.anchor().round();
            execute("DELETE FROM ledger_entry WHERE tenant_id = 'other';"
                    + " DELETE FROM ledger_head WHERE tenant_id = 'other';"
                    + " DELETE FROM ledger_lineage WHERE tenant_id = 'other'");
            node.patrol().round();
            assertThat(node.patrol().complaint().orElseThrow()).contains("`other`", "lost entries");
        }
    }

    @Test
    void betweenTwoWalksOnlyWhatIsNewIsRead() {
        try (AnchoredNode node = start(DAILY)) {
            node.patrol().round();
            node.append(ACME, 50);
            assertThat(node.round()).isEmpty();
            // What the patrol itself recorded is signed and verified in the end, too.
            node.patrol().round();
            node.append(TenantId.ASSIZE, 1);
            assertThat(node.round()).isEmpty();
            node.patrol().round();
            double before = verified(node);
            node.append(ACME, 70);
            assertThat(node.round()).isEmpty();
            node.patrol().round();
            assertThat(verified(node) - before).isEqualTo(70);
        }
        try (AnchoredNode another = start(DAILY)) {
            another.append(ACME, 5);
            assertThat(another.round()).isEmpty();
            another.patrol().round();
            assertThat(verified(another)).as("goes on where the first one was").isEqualTo(5);
        }
    }

    @Test
    void whatOnlyTheDatabaseVouchesForIsNotBelieved() throws SQLException {
        try (AnchoredNode node = start(DAILY)) {
            node.patrol().round();
        }
        execute("UPDATE ledger_entry SET actor = 'user:mallory' WHERE tenant_id = 'acme' AND seq = 7");
        String theirs = query("SELECT note FROM ledger_patrol WHERE tenant_id = 'other'");
        String own = query("SELECT note FROM ledger_patrol WHERE tenant_id = 'acme'");
        String checkpoint = query("SELECT note FROM ledger_tree WHERE tenant_id = 'acme'");
        for (String forged :
                List.of(theirs, checkpoint, "", own.replace("\n1\n300\n", "\n1\n299\n"), own.replace("\n2", "\n3"))) {
            execute("UPDATE ledger_patrol SET note = '" + forged + "' WHERE tenant_id = 'acme'");
            try (AnchoredNode node = start(DAILY)) {
                node.patrol().round();
                assertThat(node.patrol().complaint().orElse("")).as(forged).contains("entry 7");
            }
        }
    }

    @Test
    void aFaultIsKnownToANodeThatStarts() throws SQLException {
        execute("UPDATE ledger_entry SET actor = 'user:mallory' WHERE tenant_id = 'acme' AND seq = 7");
        try (AnchoredNode node = start(DAILY)) {
            node.patrol().round();
        }
        try (AnchoredNode another = start(DAILY)) {
            another.patrol().round();
            assertThat(another.patrol().complaint().orElseThrow()).contains("entry 7");
            assertThat(verified(another)).as("without walking again").isLessThan(SIGNED);
        }
    }

    @Test
    void oneNodeWalksALedgerAtATime() throws SQLException {
        execute("INSERT INTO ledger_patrol SELECT tenant_id, '', now() + interval '1 minute' FROM ledger_head");
        try (AnchoredNode node = start(DAILY)) {
            node.patrol().round();
            assertThat(verified(node)).as("another node has them").isZero();

            execute("UPDATE ledger_patrol SET leased_until = now() + interval '1 year'");
            node.patrol().round();
            assertThat(verified(node)).as("no node takes a lease for a year").isGreaterThanOrEqualTo(SIGNED + 10);
        }
    }

    private static double verified(AnchoredNode node) {
        return node.meters().get("assize.verification.entries").counter().count();
    }

    /** An entry appended behind them is there only when they are. */
    private static List<RecordedEvent> recorded(AnchoredNode node, String type) {
        node.append(TenantId.ASSIZE, 1);
        return node.index()
                .find(TenantId.ASSIZE, new AuditFilter(null, null, null, null, null, null, null, type, true, null, 100))
                .entries();
    }

    private AnchoredNode start(VerificationConfig config) {
        AnchoredNode node = AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                AnchorConfig.defaults(directory.resolve("keys")),
                WitnessConfig.defaults(),
                config);
        assertThat(node.round()).isEmpty();
        return node;
    }

    private String query(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? Optional.ofNullable(row.getString(1)).orElse("") : "";
        }
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private Connection connect() throws SQLException {
        DatabaseAccess access = database.superuser();
        Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
        connection.setSchema("assize");
        return connection;
    }
}

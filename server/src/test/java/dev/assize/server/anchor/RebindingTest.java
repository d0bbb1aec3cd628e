package dev.assize.server.anchor;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.anchor.Rebinding.Findings;
import dev.assize.server.anchor.Rebinding.NotLostException;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The place outside is lost, and an operator goes on with another. */
class RebindingTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId BETA = new TenantId("beta");

    @TempDir
    private Path directory;

    private TestDatabase database;
    private String kept = "";

    /** Two ledgers, signed and kept in the place `old`. */
    @BeforeEach
    void sign() {
        database = TestDatabase.migrated();
        try (AnchoredNode node = node("old")) {
            assertThat(node.round()).isEmpty();
            node.append(ACME, 300);
            node.append(BETA, 5);
            node.append(TenantId.ASSIZE, 1);
            assertThat(node.round()).isEmpty();
            kept = node.checkpoints().latest(ACME).orElseThrow().signed().note();
        }
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void refusesWhereNothingIsLost() {
        try (AnchoredNode node = node("old")) {
            assertThatThrownBy(() -> node.rebinding().examine())
                    .isInstanceOf(NotLostException.class)
                    .hasMessageContaining("nothing is lost");
        }
        try (TestDatabase fresh = TestDatabase.migrated();
                AnchoredNode node = AnchoredNode.start(
                        fresh, new FileOutsideStore(directory.resolve("x")), directory.resolve("other-keys"))) {
            assertThatThrownBy(() -> node.rebinding().examine())
                    .isInstanceOf(NotLostException.class)
                    .hasMessageContaining("kept nowhere yet");
        }
    }

    @Test
    void refusesAPlaceThatHoldsAnotherCopy() {
        try (AnchoredNode node = node("new")) {
            assertThat(node.outside().create(node.repository().deployment())).isPresent();
            Findings findings = node.rebinding().examine();
            assertThatThrownBy(() -> node.rebinding().rebind(findings, "the disk is lost"))
                    .isInstanceOf(OutsideCorruptException.class)
                    .hasMessageContaining("expected an empty place");
        }
        assertStillKeptInTheOldPlace();
    }

    @Test
    void refusesWhereTheLedgerThatRecordsItIsBroken() throws SQLException {
        execute("UPDATE ledger_entry SET frame = set_byte(frame, 300, 65) WHERE tenant_id = 'assize' AND seq = 0");
        try (AnchoredNode node = node("new")) {
            Findings findings = node.rebinding().examine();
            assertThat(findings.faults()).containsOnlyKeys(TenantId.ASSIZE);
            assertThatThrownBy(() -> node.rebinding().rebind(findings, "the disk is lost"))
                    .isInstanceOf(NotLostException.class)
                    .hasMessageContaining("tenant `assize`");
            assertThat(directory.resolve("new")).doesNotExist();
        }
    }

    @Test
    void goesOnInANewPlaceAndSaysSo() throws SQLException {
        try (AnchoredNode node = node("new")) {
            assertThat(node.round()).contains("is not at");
            assertThatThrownBy(() -> node.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
            Findings findings = node.rebinding().examine();
            assertThat(findings.ledgers()).isEqualTo(3);
            assertThat(findings.entries()).isEqualTo(306);
            assertThat(findings.faults()).isEmpty();
            assertThat(findings.metaFault()).isEmpty();
            assertThat(directory.resolve("new")).as("nothing is done yet").doesNotExist();

            Receipt entry = node.rebinding().rebind(findings, "the disk is lost");
            assertThat(entry.seq()).isEqualTo(1);
            assertThat(query("SELECT reason_of FROM (SELECT encode(frame, 'escape') AS reason_of FROM ledger_entry"
                            + " WHERE tenant_id = 'assize' AND type = 'assize.ledger.anchor-rebound') r"))
                    .contains("the disk is lost", findings.from());
        }
        try (AnchoredNode next = node("new")) {
            assertThat(next.round()).isEmpty();
            next.append(ACME, 1);
            assertThat(next.round()).isEmpty();
            Checkpoints.Checkpoint latest = next.checkpoints().latest(ACME).orElseThrow();
            assertThat(latest.signed().size()).isEqualTo(301);
            assertThat(latest.place())
                    .satisfies(place -> assertThat(requireNonNull(place).meta().incarnation())
                            .isEqualTo(2));
            assertThat(next.verifySigned(ACME, kept)).isInstanceOf(Sound.class);
            assertThat(next.verifySigned(TenantId.ASSIZE, null)).isInstanceOf(Sound.class);
            assertThat(next.checkpoints().inclusion(ACME, 7, null).proof()).isNotEmpty();
        }
        try (AnchoredNode old = node("old")) {
            assertThat(old.round()).contains("every node needs the same place outside");
            assertThatThrownBy(() -> old.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
        }
    }

    @Test
    void haltsWhatIsNotWhatWasSigned() throws SQLException {
        execute("UPDATE ledger_entry SET frame = set_byte(frame, 300, 65) WHERE tenant_id = 'acme' AND seq = 7;"
                + " DELETE FROM ledger_entry WHERE tenant_id = 'beta'; DELETE FROM ledger_head WHERE tenant_id = 'beta';"
                + " DELETE FROM ledger_lineage WHERE tenant_id = 'beta';"
                + " DELETE FROM ledger_tree WHERE tenant_id = 'beta'");
        try (AnchoredNode node = node("new")) {
            Findings findings = node.rebinding().examine();
            assertThat(findings.faults()).containsOnlyKeys(ACME, BETA);
            assertThat(findings.faults().get(ACME)).startsWith("entry 7: ");
            assertThat(findings.faults().get(BETA)).contains("was signed up to entry 5");
            node.rebinding().rebind(findings, "the disk is lost");
        }
        try (AnchoredNode next = node("new")) {
            assertThat(next.round()).isEmpty();
            assertThatThrownBy(() -> next.append(ACME, 1)).isInstanceOf(LedgerHaltedException.class);
            assertThatThrownBy(() -> next.append(BETA, 1)).isInstanceOf(LedgerHaltedException.class);
            next.append(new TenantId("gamma"), 1);
            for (TenantId lost : new TenantId[] {ACME, BETA}) {
                assertThat(next.incarnations().begin(lost, new IncarnationRecord(Recorder.ASSIZE, "go on")))
                        .isPresent();
            }
            assertThat(next.round()).isEmpty();
            next.append(ACME, 1);
            next.append(BETA, 1);
            assertThat(next.round()).isEmpty();
        }
    }

    @Test
    void findsALogOfHeadsThatWasChanged() throws SQLException {
        execute("DELETE FROM meta_leaf WHERE index = 0");
        try (AnchoredNode node = node("new")) {
            assertThat(node.rebinding().examine().metaFault())
                    .hasValueSatisfying(it -> assertThat(it).contains("were signed"));
        }
    }

    @Test
    void completesWhatAnAttemptBeforeItBegan() throws SQLException {
        try (AnchoredNode node = node("new")) {
            Findings findings = node.rebinding().examine();
            node.repository().halt(TenantId.ASSIZE, "so that it cannot be recorded");
            assertThatThrownBy(() -> node.rebinding().rebind(findings, "first"))
                    .isInstanceOf(LedgerHaltedException.class);
            assertStillKeptInTheOldPlace();
            execute("UPDATE ledger_head SET halted = NULL WHERE tenant_id = 'assize'");
            node.rebinding().rebind(node.rebinding().examine(), "second");
        }
        try (AnchoredNode next = node("new")) {
            assertThat(next.round()).isEmpty();
            next.append(ACME, 1);
        }
    }

    private void assertStillKeptInTheOldPlace() {
        try (AnchoredNode old = node("old")) {
            assertThat(old.round()).isEmpty();
        }
    }

    private AnchoredNode node(String place) {
        return AnchoredNode.start(database, new FileOutsideStore(directory.resolve(place)), directory.resolve("keys"));
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = assize; " + sql);
        }
    }

    private String query(String sql) throws SQLException {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = assize");
            try (ResultSet row = statement.executeQuery(sql)) {
                assertThat(row.next()).isTrue();
                return row.getString(1);
            }
        }
    }

    private Connection superuser() throws SQLException {
        DatabaseAccess superuser = database.superuser();
        return DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
    }
}

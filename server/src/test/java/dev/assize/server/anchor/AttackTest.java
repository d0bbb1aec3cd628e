package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.anchor.Incarnations.Begun;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attacks on a ledger by somebody who may do everything in the database, each named after what is done, with what finds
 * it: the chain in the table (a full verification), the signed checkpoint, the copy outside.
 */
class AttackTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final int SIGNED = 300;

    /** What a dump has of ledgers. */
    private static final List<String> TABLES = List.of(
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
    private Path directory;

    private TestDatabase database;
    private AnchoredNode node;

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

    @Test
    void editedRowIsFoundByTheChain() throws SQLException {
        execute("UPDATE ledger_entry SET frame = set_byte(frame, length(frame) - 1, 65)"
                + " WHERE tenant_id = 'acme' AND seq = 7");
        assertThat(((Broken) node.verify(ACME)).fault().seq()).isEqualTo(7);
    }

    @Test
    void editedRowThatIsNotSignedYetIsNeverSigned() throws SQLException {
        node.append(ACME, 5);
        execute("UPDATE ledger_entry SET frame = set_byte(frame, length(frame) - 1, 65)"
                + " WHERE tenant_id = 'acme' AND seq = " + (SIGNED + 2));
        node.round();
        assertThat(latest(ACME).size()).isEqualTo(SIGNED);
        assertThatThrownBy(() -> node.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("entry " + (SIGNED + 2));
        node.append(OTHER, 1);
    }

    @Test
    void editedQueryColumnIsFoundByTheChain() throws SQLException {
        execute("UPDATE ledger_entry SET actor = 'user:mallory' WHERE tenant_id = 'acme' AND seq = 7");
        assertThat(((Broken) node.verify(ACME)).fault().kind()).isEqualTo(Verification.Kind.PROJECTION);
    }

    @Test
    void deletedRowIsFoundByTheChain() throws SQLException {
        execute("DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq = 7");
        assertThat(((Broken) node.verify(ACME)).fault().seq()).isEqualTo(7);
    }

    @Test
    void deletedRowIsFoundThoughTheOthersMoveUp() throws SQLException {
        execute("DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq = 7;"
                + " DELETE FROM ledger_lineage WHERE tenant_id = 'acme' AND seq = 7;"
                + " UPDATE ledger_entry SET seq = seq - 1 WHERE tenant_id = 'acme' AND seq > 7;"
                + " UPDATE ledger_head SET size = size - 1 WHERE tenant_id = 'acme'");
        assertThat(((Broken) node.verify(ACME)).fault().seq()).isEqualTo(7);
    }

    @Test
    void insertedRowIsFoundByTheChain() throws SQLException {
        execute("INSERT INTO ledger_entry SELECT (jsonb_populate_record(e, '{\"seq\": 300}')).* FROM ledger_entry e"
                + " WHERE tenant_id = 'acme' AND seq = 7; UPDATE ledger_head SET size = 301 WHERE tenant_id = 'acme'");
        assertThat(((Broken) node.verify(ACME)).fault().seq()).isEqualTo(SIGNED);
    }

    @Test
    void movedRowsAreFoundByTheChain() throws SQLException {
        execute("UPDATE ledger_entry SET seq = 1000 WHERE tenant_id = 'acme' AND seq = 7;"
                + " UPDATE ledger_entry SET seq = 7 WHERE tenant_id = 'acme' AND seq = 8;"
                + " UPDATE ledger_entry SET seq = 8 WHERE tenant_id = 'acme' AND seq = 1000");
        assertThat(((Broken) node.verify(ACME)).fault().seq()).isEqualTo(7);
    }

    @Test
    void rewrittenSuffixIsFoundByTheSignedCheckpoint() throws SQLException {
        rewriteFrom(SIGNED - 20, 20);
        assertThat(node.verify(ACME)).as("the chain alone holds").isInstanceOf(Sound.class);
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 1);
        assertUnsigned(node.verifier().verifyInside(ACME, (_, _) -> {}), SIGNED - 1);
        refusesToGoOn("are not those that were signed");
    }

    @Test
    void rewrittenSuffixThatIsLongerThanTheSignedOneIsFound() throws SQLException {
        rewriteFrom(SIGNED - 20, 50);
        assertThat(node.verify(ACME)).as("the chain alone holds").isInstanceOf(Sound.class);
        refusesToGoOn("are not those that were signed");
    }

    @Test
    void rewrittenSuffixWithTheKeyIsFoundByTheCopyOutside() throws SQLException {
        // Who has the key and the database, but not the place outside, signs what he likes: here with a copy of his
        // own.
        rewriteFrom(SIGNED - 20, 20);
        execute("DELETE FROM ledger_tree; DELETE FROM ledger_tile; DELETE FROM ledger_checkpoint;"
                + " DELETE FROM meta_leaf; DELETE FROM anchor;");
        try (AnchoredNode mallory = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("mallory")), directory.resolve("keys"))) {
            assertThat(mallory.round()).isEmpty();
            assertThat(mallory.checkpoints().latest(ACME)).isPresent();
        }
        AnchoredNode honest = restarted();
        assertThat(honest.round()).contains("every node needs the same place outside");
        assertThatThrownBy(() -> honest.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
        execute("UPDATE anchor SET anchor_id = '" + anchorId() + "'");
        honest.round();
        assertThatThrownBy(() -> honest.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("is not one that is kept outside");
    }

    @Test
    void truncatedTailIsFoundByTheCopyOutside() throws SQLException {
        truncateTo(SIGNED - 20);
        assertThat(node.verify(ACME)).as("the chain alone holds").isInstanceOf(Sound.class);
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 20);
        assertThatThrownBy(() -> node.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("ends at entry 280")
                .hasMessageContaining("signed up to entry 300");
        node.append(OTHER, 1);
    }

    @Test
    void truncatedTailIsFoundByWhoTrustsTheCheckpointItWasCutTo() throws SQLException {
        String kept = latest(ACME).note();
        node.append(ACME, 20);
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, kept)).isInstanceOf(Sound.class);
        truncateTo(SIGNED);
        assertUnsigned(node.verifySigned(ACME, kept), SIGNED);
        assertUnsigned(node.verifySigned(ACME, 1), SIGNED);
        assertUnsigned(node.verifySigned(ACME, SIGNED), SIGNED);
    }

    @Test
    void headThatIsNotTheLastEntrysIsFoundBehindATrustedCheckpoint() throws SQLException {
        String kept = latest(ACME).note();
        assertThat(node.verifySigned(ACME, kept)).isInstanceOf(Sound.class);
        execute("UPDATE ledger_head SET last_hash = sha256('') WHERE tenant_id = 'acme'");
        assertThat(((Broken) node.verifySigned(ACME, kept)).fault().kind()).isEqualTo(Verification.Kind.HEAD);
    }

    @Test
    void truncatedTailIsFoundByANodeThatStarts() throws SQLException {
        truncateTo(SIGNED - 20);
        AnchoredNode next = restarted();
        assertThat(next.round()).isEmpty();
        assertThatThrownBy(() -> next.append(ACME, 1)).isInstanceOf(LedgerHaltedException.class);
    }

    @Test
    void forkIsFoundByTheCopyOutside() throws SQLException {
        // Cut, and grown again by a service that was made to believe the database.
        truncateTo(SIGNED - 20);
        try (AnchoredNode deceived = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("mallory")), directory.resolve("keys"))) {
            execute("DELETE FROM anchor; DELETE FROM ledger_tree; DELETE FROM ledger_tile; DELETE FROM meta_leaf;"
                    + " DELETE FROM ledger_checkpoint");
            assertThat(deceived.round()).isEmpty();
            deceived.append(ACME, 40);
            assertThat(deceived.verify(ACME)).as("the chain alone holds").isInstanceOf(Sound.class);
        }
        execute("UPDATE anchor SET anchor_id = '" + anchorId() + "'");
        AnchoredNode honest = restarted();
        honest.round();
        assertThatThrownBy(() -> honest.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("its first 300 entries are not those that were signed");
    }

    @Test
    void forkIsFoundByTheRootOutsideThoughNothingSignedIsLeftInTheDatabase() throws SQLException {
        String signing = "DELETE FROM ledger_tree; DELETE FROM ledger_tile; DELETE FROM ledger_checkpoint;"
                + " DELETE FROM meta_leaf; DELETE FROM anchor";
        rewriteFrom(SIGNED - 20, 40);
        execute(signing);
        assertThat(node.verify(ACME)).as("the chain alone holds").isInstanceOf(Sound.class);
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 1);
    }

    @Test
    void rewrittenHistoryIsFoundByWhoKeptACheckpoint() throws SQLException {
        String kept = latest(ACME).note();
        node.append(ACME, 20);
        node.round();
        assertThat(((Sound) node.verifySigned(ACME, kept)).span().verified()).isEqualTo(20);
        assertThat(((Sound) node.verifySigned(ACME, latest(ACME).note())).span().verified())
                .isZero();
        rewriteFrom(SIGNED - 20, 60);
        execute("DELETE FROM ledger_tree; DELETE FROM ledger_tile; DELETE FROM ledger_checkpoint;"
                + " DELETE FROM meta_leaf; DELETE FROM anchor;");
        try (AnchoredNode mallory = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("mallory")), directory.resolve("keys"))) {
            assertThat(mallory.round()).isEmpty();
            assertThat(mallory.verifySigned(ACME, null))
                    .as("with the key, and all that is kept replaced")
                    .isInstanceOf(Sound.class);
            assertThat(((Broken) mallory.verifySigned(ACME, kept)).fault().kind())
                    .isEqualTo(Verification.Kind.CHECKPOINT);
        }
    }

    @Test
    void aCheckpointOfAnotherLedgerOrSignerIsNotTakenForTrust() {
        String kept = latest(ACME).note();
        for (String note :
                List.of("", kept.replace("\n300\n", "\n301\n"), latest(OTHER).note(), "x\n\ny")) {
            assertThatThrownBy(() -> node.verifySigned(ACME, note)).isInstanceOf(MalformedException.class);
        }
    }

    @Test
    void whatATrustedCheckpointHoldsIsNotARangeBehindIt() {
        String kept = latest(ACME).note();
        node.append(ACME, 1);
        assertThatThrownBy(() -> node.verifier().verify(ACME, 0, SIGNED - 1L, kept, (_, _) -> {}))
                .isInstanceOf(MalformedException.class)
                .hasMessageContaining("a position behind the trusted checkpoint's " + SIGNED);
    }

    @Test
    void checkpointsAreHeldToTheirSignatures() throws SQLException {
        assertThat(((Sound) node.verifySigned(ACME, null)).span().checkpoints()).isPositive();
        execute("UPDATE ledger_checkpoint SET root = sha256('') WHERE tenant_id = 'acme'");
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 1);
    }

    private static void assertUnsigned(Verification found, long seq) {
        assertThat(((Broken) found).fault())
                .extracting(Verification.Fault::seq, Verification.Fault::kind)
                .containsExactly(seq, Verification.Kind.CHECKPOINT);
    }

    @Test
    void deletedTenantIsFoundByTheLogOfHeads() throws SQLException {
        execute(
                "DELETE FROM ledger_entry WHERE tenant_id = 'acme'; DELETE FROM ledger_lineage WHERE tenant_id = 'acme';"
                        + " DELETE FROM ledger_head WHERE tenant_id = 'acme'");
        assertUnsigned(node.verifySigned(ACME, null), 0);
        assertThatThrownBy(() -> node.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("ends at entry 0");
    }

    @Test
    void restoredOldDumpIsFoundByTheCopyOutside() throws SQLException {
        AnchoredNode next = restoreOldDump();
        for (TenantId tenant : List.of(ACME, OTHER)) {
            assertThatThrownBy(() -> next.append(tenant, 1)).isInstanceOf(LedgerHaltedException.class);
        }
    }

    @Test
    void restoredOldDumpIsFoundByWhoeverVerifies() throws SQLException {
        AnchoredNode next = restoreOldDump();
        assertNeverVerified(next);
    }

    @Test
    void restoredDumpOfBeforeAnIncarnationIsFoundByWhoeverVerifies() throws SQLException {
        dump();
        truncateTo(SIGNED - 5);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
        assertNeverVerified(restoreDump());
    }

    private void assertNeverVerified(AnchoredNode next) {
        assertUnsigned(next.verifySigned(ACME, null), SIGNED);
        assertUnsigned(next.verifySigned(ACME, 1), SIGNED);
        assertUnsigned(next.verifySigned(ACME, latest(ACME).note()), SIGNED);
    }

    /** A node that has started on a database as it was some signed entries ago. */
    private AnchoredNode restoreOldDump() throws SQLException {
        dump();
        node.append(ACME, 30);
        node.append(OTHER, 5);
        node.round();
        return restoreDump();
    }

    private void dump() throws SQLException {
        for (String table : TABLES) {
            execute("CREATE TABLE dump_" + table + " AS TABLE " + table);
        }
    }

    private AnchoredNode restoreDump() throws SQLException {
        for (String table : TABLES) {
            execute("DELETE FROM " + table + "; INSERT INTO " + table + " SELECT * FROM dump_" + table);
        }
        AnchoredNode next = restarted();
        next.round();
        return next;
    }

    @Test
    void staleCopyOutsideIsRefused() throws Exception {
        byte[] old = Files.readAllBytes(directory.resolve("anchor/anchor"));
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        Files.write(directory.resolve("anchor/anchor"), old);
        assertThat(node.round()).contains("somebody has put an older one there");
        assertThatThrownBy(() -> node.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
        AnchoredNode next = restarted();
        assertThat(next.round()).isNotEmpty();
        assertThatThrownBy(() -> next.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
    }

    @Test
    void lostCopyOutsideIsRefused() throws Exception {
        Files.delete(directory.resolve("anchor/anchor"));
        AnchoredNode next = restarted();
        assertThat(next.round()).contains("expected it there");
        assertThatThrownBy(() -> next.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
    }

    @Test
    void forgedHeadsOutsideAreNotBelievedWithoutTheKey() throws Exception {
        Path object = directory.resolve("anchor/anchor");
        String text = Files.readString(object);
        Files.writeString(object, text.replaceFirst("incarnation 1", "incarnation 2"));
        AnchoredNode next = restarted();
        assertThat(next.round()).contains("is not signed by a key of this deployment");
        assertThatThrownBy(() -> next.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
        Files.writeString(object, text);
        try (Stream<Path> heads = Files.list(directory.resolve("anchor/leaves"))) {
            Path leaves = heads.sorted().toList().getFirst();
            Files.writeString(leaves, Files.readString(leaves).replace("300", "280"));
        }
        AnchoredNode other = restarted();
        assertThat(other.round()).contains("does not have the hash in its name");
        assertThatThrownBy(() -> other.append(ACME, 1)).isInstanceOf(LedgerUnanchoredException.class);
    }

    @Test
    void forgedTreeOfALedgerThatWasNeverSignedIsNotBelieved() throws SQLException {
        TenantId fresh = new TenantId("fresh");
        node.append(fresh, 300);
        execute("INSERT INTO ledger_tree (tenant_id, incarnation, size, root, note, signed_at)"
                + " VALUES ('fresh', 1, 256, sha256('x'), 'x', now());"
                + " INSERT INTO ledger_tile (tenant_id, incarnation, level, index, root, hashes)"
                + " VALUES ('fresh', 1, 0, 0, sha256('x'), decode(repeat('00', 8192), 'hex'))");
        node.round();
        assertThatThrownBy(() -> node.append(fresh, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("is not kept outside");
    }

    @Test
    void deletedTreesAreSignedAnew() throws SQLException {
        execute("DELETE FROM ledger_tree WHERE tenant_id = 'acme'");
        node.append(OTHER, 1);
        assertThat(node.round()).isEmpty();
        assertThat(latest(ACME).size()).isEqualTo(SIGNED);
        assertThat(latest(OTHER).size()).isEqualTo(11);
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
    }

    @Test
    void aChangedLogOfHeadsStopsNobody() throws SQLException {
        execute("UPDATE meta_leaf SET leaf = 'x' WHERE index = 0");
        node.append(ACME, 1);
        assertThat(node.round()).isEmpty();
        assertThat(latest(ACME).size()).isEqualTo(SIGNED + 1);
        execute("DELETE FROM meta_leaf; DELETE FROM ledger_tree WHERE tenant_id = '~meta'");
        for (int i = 0; i < 3; i++) {
            node.append(ACME, 1);
            assertThat(node.round()).isEmpty();
        }
        assertThat(latest(ACME).size()).isEqualTo(SIGNED + 4);
        assertThat(node.checkpoints().latest(ACME).orElseThrow().place()).isNotNull();
    }

    /** Without the copy outside a database that was changed throughout looks whole. */
    @Test
    void nodeThatNeverReadTheCopyOutsideVerifiesNothing() {
        node.close();
        node = start();
        assertThatThrownBy(() -> node.verifySigned(ACME, null))
                .isInstanceOf(LedgerUnanchoredException.class)
                .hasMessageContaining("nothing is verified before");
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Verification.Sound.class);
    }

    @Test
    void whoKeepsNodesFromSigningStopsAppends() throws SQLException {
        node.close();
        node = AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                new AnchorConfig(
                        directory.resolve("keys"), Duration.ofMillis(10), Duration.ofSeconds(1), 100, 1_000, 100));
        assertThat(node.round()).isEmpty();
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(hashtextextended('assize.anchor', 0))");
            assertThat(refusalBeforeLong()).contains("were not signed and kept outside for");
            // Closing the connection would free the lock too, but only when its backend is gone.
            statement.execute("SELECT pg_advisory_unlock(hashtextextended('assize.anchor', 0))");
        }
        assertThat(isAppendedBeforeLong()).isTrue();
    }

    /** Why nothing is appended any more, or "nothing". That the place was not looked at for too long a slow machine says, too. */
    private String refusalBeforeLong() {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (System.nanoTime() < deadline) {
            String refusal = refusal();
            if (!refusal.equals("nothing") && !refusal.contains("was not reached for")) {
                return refusal;
            }
            node.round();
        }
        return "nothing";
    }

    private boolean isAppendedBeforeLong() {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        do {
            assertThat(node.round()).isEmpty();
            if (refusal().equals("nothing")) {
                return true;
            }
        } while (System.nanoTime() < deadline);
        return false;
    }

    private String refusal() {
        try {
            node.append(ACME, 1);
            return "nothing";
        } catch (LedgerUnanchoredException refused) {
            return String.valueOf(refused.getMessage());
        }
    }

    @Test
    void whatWaitsToBeSignedIsCountedFromItsOwnTimeOnEveryNode() throws SQLException {
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(hashtextextended('assize.anchor', 0))");
            node.append(ACME, 1);
            node.round();
            assertThat(lag(node)).isLessThan(30);
            execute("UPDATE ledger_entry SET recorded_at = recorded_at - interval '70 seconds'"
                    + " WHERE tenant_id = 'acme' AND seq = " + SIGNED);
            node.round();
            assertThat(lag(node)).as("nobody has appended since").isGreaterThanOrEqualTo(70);
            AnchoredNode next = restarted();
            next.round();
            assertThat(lag(next)).isGreaterThanOrEqualTo(70);
            assertThatThrownBy(() -> next.append(ACME, 1))
                    .isInstanceOf(LedgerUnanchoredException.class)
                    .hasMessageContaining("entry " + SIGNED + " of tenant `acme`");
            next.append(OTHER, 1);
            statement.execute("SELECT pg_advisory_unlock(hashtextextended('assize.anchor', 0))");
        }
        assertThat(node.round()).isEmpty();
        assertThat(lag(node)).isZero();
        node.append(ACME, 1);
    }

    private static double lag(AnchoredNode of) {
        return of.meters().get("assize.anchor.lag.seconds").gauge().value();
    }

    @Test
    void anOperatorContinuesWhatWasEdited() throws SQLException {
        node.append(ACME, 5);
        execute("UPDATE ledger_entry SET frame = set_byte(frame, length(frame) - 1, 65)"
                + " WHERE tenant_id = 'acme' AND seq = " + (SIGNED + 2));
        node.round();
        assertThatThrownBy(() -> node.append(ACME, 1)).isInstanceOf(LedgerHaltedException.class);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "edited")))
                .isPresent();
        assertThat(node.round()).isEmpty();
        node.append(ACME, 10);
        assertThat(node.round()).isEmpty();
        assertThat(latest(ACME).incarnation()).isEqualTo(2);
        assertThat(latest(ACME).size()).isEqualTo(SIGNED + 16);
        AnchoredNode next = restarted();
        next.round();
        next.append(ACME, 1);
        assertThat(next.round()).isEmpty();
        assertThat(((Broken) next.verify(ACME)).fault().seq())
                .as("what was edited stays so, and is named")
                .isEqualTo(SIGNED + 2);
    }

    @Test
    void whatAnEarlierIncarnationSignedIsStillVerified() throws SQLException {
        String kept = latest(ACME).note();
        node.append(ACME, 20);
        node.round();
        truncateTo(SIGNED + 10);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        assertThat(((Sound) node.verifySigned(ACME, kept)).span().verified()).isEqualTo(16);
    }

    @Test
    void rewrittenPastIsFoundByWhatAnEarlierIncarnationSigned() throws SQLException {
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        // The database keeps one checkpoint an hour: that of 300 entries is in the log of heads alone by now.
        rewriteFrom(SIGNED - 20, 24);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 1);
        assertUnsigned(node.verifySigned(ACME, SIGNED - 25), SIGNED - 1);
        execute("UPDATE ledger_checkpoint SET hour = hour - 1, signed_at = signed_at - interval '1 hour'"
                + " WHERE incarnation = 1; DELETE FROM meta_leaf");
        assertThat(node.verifySigned(ACME, null))
                .as("what is left was signed of entries that are lost")
                .isInstanceOf(Sound.class);
    }

    @Test
    void rewrittenPastIsFoundByTheCheckpointOfAnHourOfAnEarlierIncarnation() throws SQLException {
        execute("UPDATE ledger_checkpoint SET hour = hour - 1, signed_at = signed_at - interval '1 hour'"
                + " WHERE tenant_id = 'acme'");
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        rewriteFrom(SIGNED - 20, 24);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
        assertThat(node.round()).isEmpty();
        execute("DELETE FROM meta_leaf");
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 1);
    }

    @Test
    void aPartIsHeldToItsCheckpoints() throws SQLException {
        rewriteFrom(SIGNED - 20, 20);
        assertThat(((Broken) node.verifySigned(ACME, 1)).fault().kind()).isEqualTo(Verification.Kind.CHECKPOINT);
    }

    @Test
    void aPartIsHeldToWhatWasSignedBehindIt() throws SQLException {
        String kept = latest(ACME).note();
        node.append(ACME, 40);
        assertThat(node.round()).isEmpty();
        for (long[] part : new long[][] {{0, 10}, {1, 10}, {5, 5}, {250, 320}, {SIGNED, SIGNED + 5}}) {
            assertThat(node.verifySigned(ACME, part[0], part[1], null))
                    .as("%d to %d", part[0], part[1])
                    .isInstanceOfSatisfying(
                            Sound.class,
                            sound -> assertThat(sound.span().checkpoints()).isPositive());
        }
        assertThat(node.verifySigned(ACME, 0, SIGNED + 5, kept))
                .isInstanceOfSatisfying(
                        Sound.class,
                        sound -> assertThat(sound.span().checkpoints()).isPositive());

        rewriteFrom(10, SIGNED + 40 - 10);
        for (long[] part : new long[][] {{0, 10}, {1, 10}, {10, 10}, {5, 20}, {11, 250}}) {
            assertUnsigned(node.verifySigned(ACME, part[0], part[1], null), part[1]);
        }
        assertUnsigned(node.verifySigned(ACME, 1, 9, null), 9);
    }

    @Test
    void aPartBehindATrustedCheckpointIsHeldToWhatWasSignedBehindIt() throws SQLException {
        String kept = latest(ACME).note();
        node.append(ACME, 40);
        assertThat(node.round()).isEmpty();
        rewriteFrom(SIGNED + 3, 37);
        assertUnsigned(node.verifySigned(ACME, 0, SIGNED + 5, kept), SIGNED + 5);
    }

    @Test
    void aPartIsHeldToWhatAnEarlierIncarnationSignedBehindIt() throws SQLException {
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        rewriteFrom(SIGNED - 20, 24);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        assertUnsigned(node.verifySigned(ACME, SIGNED - 20, SIGNED - 10, null), SIGNED - 10);
        assertThat(node.verifySigned(ACME, SIGNED + 5, SIGNED + 6, null))
                .as("behind what the first incarnation has signed")
                .isInstanceOf(Sound.class);
    }

    @Test
    void aPartIsNotHeldToWhatWasSignedOfEntriesThatAreLost() throws SQLException {
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        lose(SIGNED - 10);
        node.append(ACME, 40);
        assertThat(node.round()).isEmpty();
        // Up to here, which is more than the first incarnation has signed.
        lose(SIGNED + 20);
        node.append(ACME, 5);
        assertThat(node.round()).isEmpty();
        for (long to : new long[] {10, SIGNED - 11, SIGNED - 10, SIGNED + 3, SIGNED + 20, SIGNED + 21}) {
            assertThat(node.verifySigned(ACME, 1, to, null)).as("to %d", to).isInstanceOf(Sound.class);
        }
    }

    @Test
    void aPartIsHeldToWhatIsOutsideWhereTheDatabaseHasNoCheckpoint() throws SQLException {
        String forget = "DELETE FROM ledger_tree WHERE tenant_id = 'acme';"
                + " DELETE FROM ledger_checkpoint WHERE tenant_id = 'acme'";
        execute(forget);
        for (long from : new long[] {0, 1, 5, 20}) {
            assertThat(node.verifySigned(ACME, from, 20, null))
                    .as("from %d", from)
                    .isInstanceOfSatisfying(
                            Sound.class,
                            sound -> assertThat(sound.span().checkpoints()).isEqualTo(1));
        }
        rewriteFrom(10, SIGNED - 10);
        assertUnsigned(node.verifySigned(ACME, 5, 20, null), 20);
        assertUnsigned(node.verifySigned(ACME, 15, 20, null), 20);
    }

    @Test
    void aPartIsHeldToWhatWasSignedBeforeAnIncarnationThatHasSignedNothingYet() throws SQLException {
        node.append(ACME, 400);
        assertThat(node.round()).isEmpty();
        node.append(ACME, 10);
        assertThat(node.round()).isEmpty();
        lose(SIGNED + 405);
        for (long[] part : new long[][] {{0, 10}, {1, 10}, {200, 300}, {600, 650}}) {
            assertThat(node.verifySigned(ACME, part[0], part[1], null))
                    .as("%d to %d", part[0], part[1])
                    .isInstanceOfSatisfying(
                            Sound.class,
                            sound -> assertThat(sound.span().checkpoints()).isPositive());
        }
        node.append(ACME, 5);
        assertThat(node.verifySigned(ACME, SIGNED + 404, SIGNED + 407, null)).isInstanceOf(Sound.class);
    }

    private void lose(int size) throws SQLException {
        truncateTo(size);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                .isPresent();
    }

    @Test
    void raisedIncarnationIsNotBelieved() throws SQLException {
        truncateTo(SIGNED - 20);
        execute("UPDATE ledger_head SET incarnation = 2 WHERE tenant_id = 'acme'");
        node.append(ACME, 3);
        node.round();
        assertThatThrownBy(() -> node.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining("incarnation 2 was never begun");
    }

    @Test
    void anOperatorContinuesWhatHasLostItsTail() throws SQLException {
        truncateTo(SIGNED - 20);
        Begun begun = node.incarnations()
                .begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost"))
                .orElseThrow();
        assertThat(begun.incarnation()).isEqualTo(2);
        assertThat(begun.entry().seq()).isEqualTo(SIGNED - 20);
        assertThat(node.round()).isEmpty();
        List<Receipt> receipts = node.append(ACME, 4);
        assertThat(receipts.getFirst().seq()).isEqualTo(SIGNED - 19);
        assertThat(node.round()).isEmpty();
        assertThat(latest(ACME).incarnation()).isEqualTo(2);
        assertThat(latest(ACME).size()).isEqualTo(SIGNED - 15);
        assertThat(node.verify(ACME)).isInstanceOf(Sound.class);
        assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "again")))
                .as("nothing stands against it any more")
                .isEmpty();
    }

    @Test
    void anOperatorContinuesAfterAnOldDump() throws SQLException {
        restoreOldDump();
        for (TenantId tenant : List.of(ACME, OTHER)) {
            assertThat(node.incarnations().begin(tenant, new IncarnationRecord(Recorder.ASSIZE, "dump restored")))
                    .isPresent();
        }
        assertThat(node.round()).isEmpty();
        node.append(ACME, 1);
        node.append(OTHER, 1);
        assertThat(node.round()).isEmpty();
        assertThat(latest(OTHER).incarnation()).isEqualTo(2);
        assertThat(node.verify(ACME)).isInstanceOf(Sound.class);
    }

    /** The signed head, and what is appended to it, are refused. */
    private void refusesToGoOn(String because) {
        AnchoredNode next = restarted();
        next.round();
        try {
            next.append(ACME, 1);
        } catch (LedgerHaltedException alreadyFound) {
            assertThat(alreadyFound).hasMessageContaining(because);
        }
        next.round();
        assertThatThrownBy(() -> next.append(ACME, 1))
                .isInstanceOf(LedgerHaltedException.class)
                .hasMessageContaining(because);
        assertThat(next.checkpoints().latest(ACME).orElseThrow().signed().size())
                .isEqualTo(SIGNED);
    }

    /** Cuts the tail off as its owner could: head and entries fit together. */
    private void truncateTo(int size) throws SQLException {
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
    private void rewriteFrom(int size, int count) throws SQLException {
        truncateTo(size);
        try (AnchoredNode rewriter = AnchoredNode.unguarded(database)) {
            rewriter.append(ACME, count);
        }
    }

    private String anchorId() {
        String text = new String(
                new FileOutsideStore(directory.resolve("anchor"))
                        .read(OutsideCopy.OBJECT)
                        .orElseThrow()
                        .content(),
                StandardCharsets.UTF_8);
        return text.lines()
                .filter(line -> line.startsWith("id "))
                .findFirst()
                .orElseThrow()
                .substring("id ".length());
    }

    private AnchorRepository.PublishedCheckpoint latest(TenantId tenant) {
        return node.checkpoints().latest(tenant).orElseThrow().signed();
    }

    private AnchoredNode start() {
        return AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
    }

    private AnchoredNode restarted() {
        node.close();
        node = start();
        return node;
    }

    private void execute(String sql) throws SQLException {
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = assize; " + sql);
        }
    }
}

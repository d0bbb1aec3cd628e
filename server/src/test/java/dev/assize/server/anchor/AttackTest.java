package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Attacks on a ledger by somebody who may do everything in the database, each named after what is done, with what finds
 * it: the chain in the table (a full verification), the signed checkpoint, the copy outside.
 */
class AttackTest extends AttackFixture {

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
        lose(SIGNED - 5);
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
        assertNeverVerified(restoreDump());
    }

    private void assertNeverVerified(AnchoredNode next) {
        assertUnsigned(next.verifySigned(ACME, null), SIGNED);
        assertUnsigned(next.verifySigned(ACME, 1), SIGNED);
        assertUnsigned(next.verifySigned(ACME, latest(ACME).note()), SIGNED);
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
}

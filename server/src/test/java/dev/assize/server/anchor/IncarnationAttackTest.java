package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.anchor.Incarnations.Begun;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What holds of a ledger that an operator has begun anew, whatever was done to it before. */
class IncarnationAttackTest extends AttackFixture {

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
        lose(SIGNED + 10);
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
        begin();
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
        begin();
        assertThat(node.round()).isEmpty();
        execute("DELETE FROM meta_leaf");
        assertUnsigned(node.verifySigned(ACME, null), SIGNED - 1);
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
}

package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** A part of a ledger is held to what was signed of it and behind it, wherever it begins and ends. */
class PartAttackTest extends AttackFixture {

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
        begin();
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
}

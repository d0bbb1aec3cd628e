package dev.assize.client.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.AppendHistory.Check;
import dev.assize.client.ledger.AppendHistory.Operation;
import dev.assize.client.ledger.AppendHistory.Summary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppendHistoryTest {

    private static final Operation A0 = new Operation(0, 0);
    private static final Operation A1 = new Operation(0, 1);
    private static final Operation B0 = new Operation(1, 0);

    @TempDir
    Path directory;

    private AppendHistory history;

    @BeforeEach
    void open() throws IOException {
        history = AppendHistory.in(directory.resolve("history"));
    }

    @AfterEach
    void close() throws IOException {
        history.close();
    }

    @Test
    void refusesAGap() {
        assertRefused(() -> ledger(A0, null, B0), "entry 1 is missing: entry 2 follows");
    }

    @Test
    void refusesAnOperationThatStandsTwice() throws Exception {
        history.acknowledged(A0, 0, 1, 0, hash(0));
        assertRefused(() -> ledger(A0, B0, A0), "entry 2 repeats 0.0");
    }

    @Test
    void refusesALedgerWithoutTheLastAcknowledgedEntry() throws Exception {
        history.acknowledged(A0, 0, 1, 0, hash(0));
        history.acknowledged(B0, 0, 1, 2, hash(2));
        assertRefused(() -> ledger(A0, A1), "entry 2 was acknowledged, and the ledger ends with 2 entries");
    }

    @Test
    void refusesAnotherEntryWhereOneWasAcknowledged() throws Exception {
        history.acknowledged(A0, 0, 1, 0, hash(0));
        assertRefused(() -> ledger(B0, A0), "entry 0 was acknowledged to 0.0 and is that of 1.0");
        assertRefused(() -> history.check().entry(0, hash(0), Optional.empty()), "is that of somebody else");
    }

    @Test
    void refusesAnotherHash() throws Exception {
        history.acknowledged(A0, 0, 1, 0, hash(7));
        assertRefused(() -> ledger(A0), "entry 0 has another hash than was acknowledged");
    }

    @Test
    void refusesAnEntryBeforeOneThatWasAcknowledgedWhenItWasSent() throws Exception {
        history.acknowledged(B0, 5, 9, 0, hash(0));
        history.acknowledged(A0, 0, 4, 1, hash(1));
        assertRefused(
                () -> ledger(B0, A0), "entry 1 was acknowledged before entry 0, which stands before it, was sent");
    }

    @Test
    void refusesTwoAcknowledgementsThatExcludeEachOther() throws Exception {
        history.acknowledged(A0, 0, 1, 0, hash(0));
        assertRefused(() -> history.acknowledged(B0, 0, 1, 0, hash(0)), "to 0.0 and to 1.0");
        assertRefused(() -> history.acknowledged(A0, 0, 1, 0, hash(1)), "with two hashes");
        history.acknowledged(A0, 0, 1, 1, hash(1));
        assertRefused(() -> ledger(A0, A0), "entry 1 repeats 0.0");
    }

    @Test
    void refusesAnAcknowledgementThatSaysNothing() {
        assertRefused(() -> history.acknowledged(A0, 0, 1, -1, hash(0)), "no position or no hash");
        assertRefused(() -> history.acknowledged(A0, 0, 1, 0, new byte[0]), "no position or no hash");
    }

    @Test
    void acceptsWhatWasSentTogetherInAnyOrder() throws Exception {
        history.acknowledged(A0, 0, 4, 1, hash(1));
        history.acknowledged(B0, 3, 9, 0, hash(0));
        assertThat(ledger(B0, A0)).isEqualTo(new Summary(2, 2, 2));
    }

    @Test
    void acceptsRetriesByTheFirstSendingAndTheFirstAnswer() throws Exception {
        history.acknowledged(A0, 6, 8, 0, hash(0));
        history.acknowledged(A0, 1, 9, 0, hash(0));
        history.acknowledged(B0, 2, 3, 1, hash(1));
        assertThat(history.size()).isEqualTo(2);
        assertThat(ledger(A0, B0)).isEqualTo(new Summary(2, 2, 2));
    }

    @Test
    void acceptsWhatWasNeverAcknowledgedOnceAndOthersEntries() throws Exception {
        history.acknowledged(A1, 3, 4, 2, hash(2));
        Check check = history.check();
        check.entry(0, hash(0), Optional.empty());
        check.entry(1, hash(1), Optional.of(B0));
        check.entry(2, hash(2), Optional.of(A1));
        assertThat(check.conclude()).isEqualTo(new Summary(3, 2, 1));
    }

    @Test
    void readsOperationsBack() {
        assertThat(Operation.parse(new Operation(7, 12).toString())).contains(new Operation(7, 12));
        for (String other : new String[] {"", "7", "7.", ".7", "a.b", "-1.2", "1.-2", "1.2.3", "99999999999.1"}) {
            assertThat(Operation.parse(other)).as(other).isEmpty();
        }
    }

    /** The entries from 0 on; null is a gap. */
    private Summary ledger(@Nullable Operation... entries) throws NotProvenException, IOException {
        Check check = history.check();
        for (int seq = 0; seq < entries.length; seq++) {
            Operation operation = entries[seq];
            if (operation != null) {
                check.entry(seq, hash(seq), Optional.of(operation));
            }
        }
        return check.conclude();
    }

    private static byte[] hash(int of) {
        return ChainVerifier.entryHash(new byte[] {(byte) of});
    }

    private static void assertRefused(ThrowingCallable claim, String why) {
        assertThatThrownBy(claim).isInstanceOf(NotProvenException.class).hasMessageContaining(why);
    }
}

package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FanOutTest {

    private static final ByteString DIGEST = ByteString.copyFromUtf8("digest");

    private final FanOut fanOut = new FanOut(2, 3, 10);

    @Test
    void whatNobodyHeardIsMissing() {
        fanOut.heard(0, 10, 11, DIGEST, 1);
        assertThat(fanOut.missing()).isEqualTo(5);
        assertThat(fanOut.isEverywhere(0)).isFalse();
        fanOut.heard(1, 10, 11, DIGEST, 1);
        assertThat(fanOut.isEverywhere(0)).isTrue();
        assertThat(fanOut.missing()).isEqualTo(4);
    }

    @Test
    void aStateThatIsToldInTwoWaysIsCounted() {
        fanOut.heard(0, 10, 11, DIGEST, 1);
        fanOut.heard(1, 10, 11, ByteString.copyFromUtf8("another"), 1);
        assertThat(fanOut.disagreements()).isEqualTo(1);
    }

    @Test
    void whoIsToldOfTwoChangesAtOnceHasBoth() {
        long millisecond = TimeUnit.MILLISECONDS.toNanos(1);
        for (int change = 0; change < 3; change++) {
            fanOut.sent(change, (1 + change) * millisecond);
            fanOut.answered(change, (2 + change) * millisecond);
        }
        // The first state is that before the changes, and the last one has what was changed by others since.
        fanOut.heard(0, 0, 10, DIGEST, millisecond);
        fanOut.heard(0, 10, 12, DIGEST, 5 * millisecond);
        fanOut.heard(0, 12, 15, DIGEST, 5 * millisecond);

        assertThat(fanOut.missing()).isEqualTo(3);
        assertThat(fanOut.sinceSent().count()).isEqualTo(3);
        assertThat(fanOut.sinceSent().micros(100)).isBetween(4_000.0, 4_010.0);
        assertThat(fanOut.sinceAnswered().micros(1)).isBetween(1_000.0, 1_001.0);
        assertThat(fanOut.answers().micros(50)).isBetween(1_000.0, 1_001.0);
    }
}

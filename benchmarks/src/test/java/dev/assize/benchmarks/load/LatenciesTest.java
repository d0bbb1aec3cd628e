package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LatenciesTest {

    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);

    /** One caller asks each millisecond for nine seconds, and then one answer takes a second. */
    @Test
    void correctionBringsBackWhatAStallKeptFromBeingAsked() {
        Latencies closed = new Latencies();
        for (int i = 0; i < 9_000; i++) {
            closed.record(MILLI);
        }
        closed.record(1_000 * MILLI);

        Latencies corrected = closed.corrected(MILLI);

        assertThat(closed.micros(99)).isCloseTo(1_000, within(2.0));
        assertThat(corrected.count()).isEqualTo(10_000);
        assertThat(corrected.micros(90)).isCloseTo(1_000, within(2.0));
        assertThat(corrected.micros(95)).isCloseTo(500_000, within(2_000.0));
        assertThat(corrected.micros(99)).isCloseTo(900_000, within(2_000.0));
    }

    @Test
    void correctionWithoutAStallChangesNothing() {
        Latencies closed = new Latencies();
        for (int i = 1; i <= 100; i++) {
            closed.record(i * MILLI / 100);
        }

        assertThat(closed.corrected(MILLI).micros()).isEqualTo(closed.micros());
    }

    @Test
    void whatTakesLongerThanItCanHoldIsTheLongest() {
        Latencies latencies = new Latencies();
        latencies.record(TimeUnit.HOURS.toNanos(1));

        assertThat(latencies.micros(100)).isCloseTo(120e6, within(120e3));
    }

    @Test
    void namesPercentilesAsTheReportReadsThem() {
        assertThat(new Latencies().micros()).containsOnlyKeys("50", "75", "90", "95", "99", "99.9", "99.99", "100");
    }

    @Test
    void aCopyStaysAsItWas() {
        Latencies latencies = new Latencies();
        latencies.record(MILLI);
        Latencies copy = latencies.copy();
        latencies.clear();

        assertThat(copy.count()).isEqualTo(1);
        assertThat(latencies.count()).isZero();
    }
}

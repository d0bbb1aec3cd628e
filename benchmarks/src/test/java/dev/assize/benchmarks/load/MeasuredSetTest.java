package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class MeasuredSetTest {

    private static final Cell ONE = cell("one");
    private static final Cell OTHER = cell("other");

    private final MeasuredSet set = new MeasuredSet("set", List.of(ONE, OTHER), 0.25);

    @Test
    void refusesACellThatItDoesNotHave() {
        assertThatIllegalArgumentException().isThrownBy(() -> set.row("third"));
    }

    @Test
    void aRatioIsOfBurstsInTheSameRound() {
        measured(1, 100, 50, 0, 0);
        measured(2, 300, 100, 0, 0);

        assertThat(set.ratios("one", "other", Burst::requestsPerSecond)).containsExactly(2, 3);
    }

    @Test
    void aRoundInWhichEitherWasDisturbedIsLeftOut() {
        measured(1, 100, 50, 0.3, 0);
        measured(2, 300, 100, 0, 0.2);
        measured(3, 800, 100, 0, 0);

        assertThat(set.ratios("one", "other", Burst::requestsPerSecond)).containsExactly(3, 8);
        assertThat(set.estimate("one", Burst::requestsPerSecond).median()).isEqualTo(550);
        assertThat(set.isNoisy()).isFalse();
    }

    @Test
    void whereMostWereDisturbedAllCountAndItIsSaid() {
        measured(1, 100, 50, 0.3, 0);
        measured(2, 300, 100, 0.9, 0);
        measured(3, 800, 100, 0, 0);

        assertThat(set.isNoisy()).isTrue();
        assertThat(set.ratios("one", "other", Burst::requestsPerSecond)).containsExactly(2, 3, 8);
        Findings findings = new Findings();
        findings.add(set);
        findings.ratio("rates", set, "one", "other", Burst::requestsPerSecond, Bar.atLeast(1));
        assertThat(findings.remarks()).singleElement().asString().endsWith("set");
        assertThat(findings.ratios().getFirst().verdict()).isEqualTo("not proven");
    }

    @Test
    void aPercentileOfAllBurstsCountsEachRequestOnce() {
        Latencies quick = new Latencies();
        Latencies slow = new Latencies();
        for (int i = 0; i < 990; i++) {
            quick.record(1_000_000);
        }
        for (int i = 0; i < 10; i++) {
            slow.record(9_000_000);
        }
        set.row("one").bursts().add(burst(1, quick));
        set.row("one").bursts().add(burst(2, slow));
        set.row("other").bursts().add(burst(1, quick));
        set.row("other").bursts().add(burst(2, quick));

        assertThat(set.microsOfAll("one", 99)).isBetween(990.0, 1_010.0);
        assertThat(set.microsOfAll("one", 99.5)).isBetween(8_900.0, 9_100.0);
    }

    @Test
    void whatNothingIsKnownOfIsNoRatio() {
        measured(1, 100, 0, 0, 0);

        assertThat(set.ratios("one", "other", Burst::requestsPerSecond)).isEmpty();
    }

    @Test
    void processorTimeIsOfTheServerAlone() {
        Burst burst = burst(1, 1_000, 0);

        assertThat(burst.cpuMicrosPerRequest()).isEqualTo(250);
        assertThat(burst.requestsPerServerSecond()).isEqualTo(4_000);
        assertThat(burst.serverCores()).isEqualTo(0.25);
        assertThat(burst.isClientSaturated()).isFalse();
    }

    @Test
    void aClientWithoutRoomIsSaid() {
        Latencies none = new Latencies();
        WireRun.Observed observed = new WireRun.Observed(1, 0, 0, 0, none, none, 0, 1_000_000_000, null);

        assertThat(new Burst(1, observed, 0.5, 0, 0.96, 0).isClientSaturated()).isTrue();
    }

    private void measured(int round, int one, int other, double foreignOfOne, double foreignOfOther) {
        set.row("one").bursts().add(burst(round, one, foreignOfOne));
        set.row("other").bursts().add(burst(round, other, foreignOfOther));
    }

    private static Burst burst(int round, Latencies latencies) {
        return new Burst(
                round,
                new WireRun.Observed(latencies.count(), 0, 0, 0, latencies, latencies, 0, 1_000_000_000, null),
                0.25,
                0,
                0.5,
                0);
    }

    private static Burst burst(int round, int requests, double foreign) {
        Latencies none = new Latencies();
        return new Burst(
                round,
                new WireRun.Observed(requests, 0, 0, 0, none, none, 0, 1_000_000_000, null),
                0.25,
                0,
                0.5,
                foreign);
    }

    private static Cell cell(String label) {
        return Cell.closed(
                label,
                new FakeServer("nobody"),
                new Workload("", "", Workload.Kind.CHECK, new byte[1][], 1, (i, m) -> true),
                Shape.of(1, 1));
    }
}

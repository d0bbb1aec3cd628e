package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class RoundsTest {

    private static final Profile PROFILE = Profile.full();
    private static final List<Cell> CELLS = List.of(cell("one"), cell("other"), cell("third"));

    /** As `round:label`; round 0 is the warm-up. */
    private final List<String> measured = new ArrayList<>();

    @Test
    void roundsOfADisturbedMachineComeToAnEnd() throws Exception {
        MeasuredSet set = measure(burst -> true);

        assertThat(set.row("one").bursts()).hasSize(PROFILE.mostRounds());
        assertThat(set.isNoisy()).isTrue();
    }

    /** A ratio takes both of its bursts from one round: what was disturbed in two rounds costs two ratios. */
    @Test
    void aDisturbedRoundIsMadeUpFor() throws Exception {
        MeasuredSet set = measure(burst -> burst.equals("3:other") || burst.equals("5:one"));

        assertThat(set.row("third").bursts()).hasSize(PROFILE.rounds() + 2);
        assertThat(set.ratios("one", "other", Burst::requestsPerSecond)).hasSize(PROFILE.rounds());
    }

    @Test
    void whatIsJudgedHasNineRoundsAndACurveFewer() throws Exception {
        MeasuredSet curve = rounds(burst -> false).curve("set", CELLS);

        assertThat(PROFILE.rounds()).isGreaterThanOrEqualTo(9);
        assertThat(Profile.smoke().rounds()).isGreaterThanOrEqualTo(9);
        assertThat(curve.row("one").bursts()).hasSize(PROFILE.curveRounds());
        assertThat(rounds(burst -> true).curve("set", CELLS).row("one").bursts())
                .hasSize(PROFILE.curveRounds() + PROFILE.mostRounds() - PROFILE.rounds());
    }

    @Test
    void anOpenBurstIsAsLongAsItsPercentilesNeed() throws Exception {
        List<Duration> lengths = new ArrayList<>();
        new Rounds(
                        (round, cell, settle, length) -> {
                            lengths.add(length);
                            return burst(round, cell, burst -> false);
                        },
                        PROFILE)
                .measure("set", List.of(cell("one").at(100)));

        assertThat(lengths.subList(1, lengths.size())).containsOnly(PROFILE.openBurst());
    }

    @Test
    void everyRoundHasEachCellOnceBehindAWarmUp() throws Exception {
        MeasuredSet set = measure(burst -> false);

        assertThat(measured).startsWith("0:one", "0:other", "0:third");
        for (int round = 1; round <= PROFILE.rounds(); round++) {
            assertThat(measured.subList(3 * round, 3 * round + 3))
                    .containsExactlyInAnyOrder(round + ":one", round + ":other", round + ":third");
            assertThat(set.row("other").bursts().get(round - 1).round()).isEqualTo(round);
        }
        assertThat(measured).hasSize(3 * (PROFILE.rounds() + 1));
    }

    @Test
    void theOrderDiffersFromRoundToRound() throws Exception {
        measure(burst -> false);

        assertThat(measured.stream()
                        .skip(3)
                        .filter(burst -> burst.endsWith(":one"))
                        .map(measured::indexOf)
                        .map(place -> place % 3))
                .contains(0, 1, 2);
    }

    private MeasuredSet measure(Predicate<String> isDisturbed) throws IOException, InterruptedException {
        return rounds(isDisturbed).measure("set", CELLS);
    }

    private Rounds rounds(Predicate<String> isDisturbed) {
        return new Rounds((round, cell, settle, length) -> burst(round, cell, isDisturbed), PROFILE);
    }

    private Burst burst(int round, Cell cell, Predicate<String> isDisturbed) {
        String name = round + ":" + cell.label();
        measured.add(name);
        Latencies none = new Latencies();
        WireRun.Observed observed = new WireRun.Observed(
                1, 0, 0, 0, none, none, 0, Duration.ofSeconds(1).toNanos(), null);
        return new Burst(round, observed, 0.5, 0, 0.1, isDisturbed.test(name) ? 1 : 0);
    }

    private static Cell cell(String label) {
        return Cell.closed(
                label,
                new FakeServer(label),
                new Workload("", "", Workload.Kind.CHECK, new byte[1][], 1, (request, message) -> true),
                Shape.of(1, 1));
    }
}

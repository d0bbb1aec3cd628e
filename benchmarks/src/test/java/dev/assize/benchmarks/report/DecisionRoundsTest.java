package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.benchmarks.report.Decisions.Measurement;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DecisionRoundsTest {

    private static final Cell GOOD = new Cell("peers", "good", "one-tenant", "HOT", 2);
    private static final Cell BROKEN = new Cell("peers", "broken", "one-tenant", "HOT", 2);
    private static final Cell SELDOM = new Cell("peers", "seldom", "one-tenant", "HOT", 1);

    private final List<String> told = new ArrayList<>();

    @Test
    void leavesOutWhatCannotBeMeasuredAndTellsIt() throws Exception {
        DecisionRounds rounds = new DecisionRounds(2, List.of(BROKEN, GOOD), told::add);
        List<Cell> tried = new ArrayList<>();

        rounds.measure(
                (cell, round) -> {
                    tried.add(cell);
                    if (cell.equals(BROKEN)) {
                        throw new IOException("it does not start");
                    }
                    return measured(cell, round);
                },
                () -> {});

        assertThat(tried).containsExactlyInAnyOrder(BROKEN, GOOD, GOOD);
        assertThat(rounds.measurements()).extracting(Measurement::engine).containsExactly("good", "good");
        assertThat(rounds.failures())
                .containsExactly("broken, one-tenant, HOT could not be measured to its end: it does not start");
        assertThat(told).containsAll(rounds.failures());
    }

    @Test
    void doesNotTimeWhatFailedBefore() throws Exception {
        DecisionRounds rounds = new DecisionRounds(1, List.of(BROKEN, GOOD), told::add);

        rounds.tryTo(BROKEN, () -> {
            throw new IOException("no such library");
        });
        rounds.measure(DecisionRoundsTest::measured, () -> {});

        assertThat(rounds.measurements()).extracting(Measurement::engine).containsExactly("good");
    }

    @Test
    void endsWhereAnEngineAnswersOtherwise() {
        DecisionRounds rounds = new DecisionRounds(1, List.of(GOOD), told::add);

        assertThatThrownBy(() -> rounds.tryTo(GOOD, () -> {
                    throw new AssertionError("good answers true");
                }))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void hasEachRoundKept() throws Exception {
        DecisionRounds rounds = new DecisionRounds(2, List.of(GOOD, SELDOM), told::add);
        List<Integer> kept = new ArrayList<>();

        rounds.measure(
                DecisionRoundsTest::measured,
                () -> kept.add(rounds.measurements().size()));

        assertThat(kept).containsExactly(2, 3);
    }

    private static Measurement measured(Cell cell, int round) {
        return new Measurement(cell.part(), cell.engine(), cell.model(), cell.access(), round, List.of(1.0), 0);
    }
}

package dev.assize.benchmarks.report;

import dev.assize.benchmarks.load.Discretion;
import dev.assize.benchmarks.report.Decisions.Measurement;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Rounds of cells in a shuffled order. What cannot be measured is left out from then on, and told, since an hour of the others
 * stands beside it.
 */
final class DecisionRounds {

    private final int rounds;
    private final List<Cell> cells;
    private final Consumer<String> progress;
    private final List<Measurement> measurements = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private final Set<Cell> failed = new HashSet<>();

    DecisionRounds(int rounds, List<Cell> cells, Consumer<String> progress) {
        this.rounds = rounds;
        this.cells = cells;
        this.progress = progress;
    }

    /**
     * Measures every cell once a round.
     *
     * @param afterRound is told that there is more to keep
     */
    void measure(Meter meter, AfterRound afterRound) throws IOException, InterruptedException {
        for (int round = 0; round < rounds; round++) {
            int number = round;
            List<Cell> order = new ArrayList<>(cells);
            Collections.shuffle(order, new Random(round));
            for (Cell cell : order) {
                if (round < cell.rounds()) {
                    tryTo(cell, () -> measurements.add(told(cell, meter.measure(cell, number))));
                }
            }
            afterRound.keep();
        }
    }

    /** One step about a cell; none where it failed before. */
    void tryTo(Cell cell, Step step) throws InterruptedException {
        String what = cell.engine() + ", " + cell.model() + ", " + cell.access();
        if (!failed.contains(cell) && !tryTo(what, step)) {
            failed.add(cell);
        }
    }

    /** Whether it could be done. An error, as of an engine that answers otherwise than the model, ends everything. */
    boolean tryTo(String what, Step step) throws InterruptedException {
        try {
            step.run();
            return true;
        } catch (InterruptedException stop) {
            throw stop;
        } catch (Exception failure) {
            String told = Discretion.of(what + " could not be measured to its end: " + failure.getMessage());
            failures.add(told);
            progress.accept(told);
            return false;
        }
    }

    /** By cell and then by round, whatever the order they were shuffled into. */
    List<Measurement> measurements() {
        List<Measurement> ordered = new ArrayList<>();
        for (Cell cell : cells) {
            measurements.stream()
                    .filter(measured -> measured.isOf(cell.part(), cell.engine(), cell.model(), cell.access()))
                    .forEach(ordered::add);
        }
        return ordered;
    }

    List<String> failures() {
        return List.copyOf(failures);
    }

    private Measurement told(Cell cell, Measurement measured) {
        progress.accept("round %d of %d: %s, %s, %s: %s ns"
                .formatted(
                        measured.round() + 1,
                        rounds,
                        cell.engine(),
                        cell.model(),
                        cell.access(),
                        Numbers.plain(Spread.of(measured.nanos()).median())));
        return measured;
    }

    /** Measures a cell in a round. */
    @FunctionalInterface
    interface Meter {

        Measurement measure(Cell cell, int round) throws Exception;
    }

    /** Keeps what there is so far. */
    @FunctionalInterface
    interface AfterRound {

        void keep() throws IOException;
    }

    /** What may fail. */
    @FunctionalInterface
    interface Step {

        void run() throws Exception;
    }
}

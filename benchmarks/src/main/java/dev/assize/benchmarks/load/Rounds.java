package dev.assize.benchmarks.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Measures sets of cells in interleaved bursts: each round has one of every cell, in an order of its own. Rounds go on, up to
 * a bound, until there are as many as are wanted in which nobody disturbed any cell, since a ratio is taken within a round.
 */
final class Rounds {

    private final Meter meter;
    private final Profile profile;
    private final Random random = new Random(1);

    Rounds(Meter meter, Profile profile) {
        this.meter = meter;
        this.profile = profile;
    }

    /** Something is asked of the figures. */
    MeasuredSet measure(String name, List<Cell> cells) throws IOException, InterruptedException {
        return measure(name, cells, profile.rounds());
    }

    /** Nothing is asked of them: fewer bursts show as much. */
    MeasuredSet curve(String name, List<Cell> cells) throws IOException, InterruptedException {
        return measure(name, cells, profile.curveRounds());
    }

    private MeasuredSet measure(String name, List<Cell> cells, int rounds) throws IOException, InterruptedException {
        int most = rounds + profile.mostRounds() - profile.rounds();
        MeasuredSet set = new MeasuredSet(name, cells, profile.disturbedAbove());
        for (Cell cell : cells) {
            meter.measure(0, cell, profile.settle(), profile.settle());
        }
        for (int round = 1; round <= most && set.quietRounds() < rounds; round++) {
            round(round, set);
        }
        return set;
    }

    private void round(int round, MeasuredSet set) throws IOException, InterruptedException {
        List<MeasuredSet.Row> order = new ArrayList<>(set.rows());
        Collections.shuffle(order, random);
        for (MeasuredSet.Row row : order) {
            Duration length = row.cell().isOpen() ? profile.openBurst() : profile.burst();
            row.bursts().add(meter.measure(round, row.cell(), profile.settle(), length));
        }
    }

    /** Measures one burst. */
    interface Meter {

        Burst measure(int round, Cell cell, Duration settle, Duration length) throws IOException, InterruptedException;
    }
}

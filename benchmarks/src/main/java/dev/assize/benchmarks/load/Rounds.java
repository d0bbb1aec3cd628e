package dev.assize.benchmarks.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Measures sets of cells in interleaved bursts: each round has one of every cell, in an order of its own. Rounds go on, up to
 * a bound, until every cell has as many bursts as are wanted that nobody disturbed.
 */
final class Rounds {

    private final Meter meter;
    private final Profile profile;
    private final Random random = new Random(1);

    Rounds(Meter meter, Profile profile) {
        this.meter = meter;
        this.profile = profile;
    }

    MeasuredSet measure(String name, List<Cell> cells) throws IOException, InterruptedException {
        MeasuredSet set = new MeasuredSet(name, cells, profile.disturbedAbove());
        for (Cell cell : cells) {
            meter.measure(0, cell, profile.settle(), profile.settle());
        }
        for (int round = 1; round <= profile.mostRounds(); round++) {
            if (round > profile.rounds()
                    && set.rows().stream().allMatch(row -> set.undisturbed(row) >= profile.rounds())) {
                break;
            }
            round(round, set);
        }
        return set;
    }

    private void round(int round, MeasuredSet set) throws IOException, InterruptedException {
        List<MeasuredSet.Row> order = new ArrayList<>(set.rows());
        Collections.shuffle(order, random);
        for (MeasuredSet.Row row : order) {
            row.bursts().add(meter.measure(round, row.cell(), profile.settle(), profile.burst()));
        }
    }

    /** Measures one burst. */
    interface Meter {

        Burst measure(int round, Cell cell, Duration settle, Duration length) throws IOException, InterruptedException;
    }
}

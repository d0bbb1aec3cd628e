package dev.assize.benchmarks.load;

import java.util.SplittableRandom;

/**
 * When requests of the open model are due: independent of each other and of the answers (Poisson), at a rate that is kept
 * exactly over each round of a table. The same for every server of a set.
 */
final class Arrivals {

    private static final int TABLE = 1 << 12;
    private static final double NANOS = 1e9;

    /** From the beginning of a round to its i-th request, in rounds. */
    private final double[] places = new double[TABLE];

    private final double roundNanos;
    private final long startNanos;
    private long next;

    Arrivals(double perSecond, long startNanos, long seed) {
        if (!(perSecond > 0)) {
            throw new IllegalArgumentException("a rate of " + perSecond + ": expected more than 0");
        }
        this.roundNanos = TABLE * NANOS / perSecond;
        this.startNanos = startNanos;
        SplittableRandom random = new SplittableRandom(seed);
        double sum = 0;
        for (int i = 0; i < TABLE; i++) {
            sum -= Math.log(1 - random.nextDouble());
            places[i] = sum;
        }
        for (int i = 0; i < TABLE; i++) {
            places[i] /= sum;
        }
    }

    /** The next one's moment, as {@link System#nanoTime} has it. */
    long due() {
        long round = next / TABLE;
        return startNanos + (long) ((round + places[(int) (next % TABLE)]) * roundNanos);
    }

    void taken() {
        next++;
    }
}

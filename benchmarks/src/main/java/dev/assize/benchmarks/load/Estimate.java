package dev.assize.benchmarks.load;

import java.util.Arrays;

/**
 * A median, and between which two of the values the true one lies.
 *
 * <p>The interval is of order statistics: of n values from whatever distribution, the true median lies between the k-th
 * smallest and the k-th largest with probability 1 - 2 P(B &lt; k), B binomial (n, 1/2). It needs no assumption but that
 * bursts are alike, and nothing random, so that a report can be made again. Below six values no such interval reaches
 * 95 %: then it is the smallest and the largest value, and {@code coverage} says what that is worth.
 *
 * @param coverage the probability that the interval holds the true median
 * @param count how many values it rests on
 */
public record Estimate(double median, double low, double high, double coverage, int count) {

    static final double WANTED_COVERAGE = 0.95;

    /** Of values, at least one. */
    public static Estimate of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("No values");
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int rank = rank(sorted.length);
        return new Estimate(
                middle(sorted),
                sorted[rank - 1],
                sorted[sorted.length - rank],
                coverage(sorted.length, rank),
                sorted.length);
    }

    /** Whether the interval is as sure as it is meant to be. */
    boolean isSure() {
        return coverage >= WANTED_COVERAGE;
    }

    private static double middle(double[] sorted) {
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /** The innermost pair that is sure enough, counted from 1; the outermost where none is. */
    private static int rank(int count) {
        int rank = 1;
        while (2 * (rank + 1) <= count && coverage(count, rank + 1) >= WANTED_COVERAGE) {
            rank++;
        }
        return rank;
    }

    private static double coverage(int count, int rank) {
        double ways = 1;
        double below = 0;
        for (int i = 0; i < rank; i++) {
            below += ways;
            ways = ways * (count - i) / (i + 1);
        }
        return Math.max(0, 1 - 2 * below / Math.pow(2, count));
    }
}

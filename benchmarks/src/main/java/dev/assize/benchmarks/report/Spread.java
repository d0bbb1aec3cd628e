package dev.assize.benchmarks.report;

import java.util.Collection;

/**
 * The median of some values and an interval around it, by order statistics: it assumes nothing of how the values are
 * distributed, only that they are independent. Nine values give the second and the eighth, which hold the median of all
 * such values 96 times in 100; fewer than six give the smallest and the largest, which hold it less often.
 *
 * @param coverage how often such an interval holds the true median, from 0 to 1
 */
record Spread(double median, double low, double high, double coverage, int values) {

    private static final double WANTED_COVERAGE = 0.95;

    static Spread of(Collection<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int size = sorted.length;
        if (size == 0) {
            throw new IllegalArgumentException("no values: expected at least one");
        }
        double median = (sorted[(size - 1) / 2] + sorted[size / 2]) / 2;
        int cut = 0;
        while (cut + 1 < size - cut - 1 && coverage(size, cut + 1) >= WANTED_COVERAGE) {
            cut++;
        }
        return new Spread(median, sorted[cut], sorted[size - 1 - cut], coverage(size, cut), size);
    }

    /** That the true median lies between the values from `cut` to `size - 1 - cut`: between as many heads of fair coins. */
    private static double coverage(int size, int cut) {
        double outside = 0;
        double ways = 1;
        for (int heads = 0; heads <= cut; heads++) {
            outside += ways;
            ways = ways * (size - heads) / (heads + 1);
        }
        return 1 - 2 * outside / Math.pow(2, size);
    }
}

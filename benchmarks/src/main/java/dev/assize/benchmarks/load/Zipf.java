package dev.assize.benchmarks.load;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Draws from 0 to n - 1, of which the k-th is drawn 1/(k+1)^s as often as the first. */
final class Zipf {

    private final double[] sums;

    Zipf(int count, double exponent) {
        sums = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Math.pow(i + 1, -exponent);
            sums[i] = sum;
        }
    }

    int draw(SplittableRandom random) {
        int found = Arrays.binarySearch(sums, random.nextDouble() * sums[sums.length - 1]);
        return Math.min(found < 0 ? -found - 1 : found + 1, sums.length - 1);
    }

    /** The part of draws that the first so many have: what a cache of them would hit at the most. */
    double partOf(int first) {
        return sums[first - 1] / sums[sums.length - 1];
    }
}

package dev.assize.benchmarks.load;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Times of answers, to three digits. One thread records.
 *
 * <p>The open model records from when a request was due, and needs no correction: what a stall delayed is in it. In the
 * closed model nobody asks while the server stalls, so that one long answer stands where many would have been;
 * {@link #corrected} adds those that would have been asked meanwhile (Tene, "How not to measure latency").
 */
final class Latencies {

    /** As the report reads them. */
    static final double[] PERCENTILES = {50, 75, 90, 95, 99, 99.9, 99.99, 100};

    private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(2);
    private static final int DIGITS = 3;
    private static final double NANOS_IN_MICRO = 1_000;

    private final Histogram histogram;

    Latencies() {
        this(new Histogram(LONGEST_NANOS, DIGITS));
    }

    private Latencies(Histogram histogram) {
        this.histogram = histogram;
    }

    void record(long nanos) {
        histogram.recordValue(Math.clamp(nanos, 0, LONGEST_NANOS));
    }

    /** As they would have been, had each caller asked again that often whatever came back. */
    Latencies corrected(long intervalNanos) {
        return new Latencies(histogram.copyCorrectedForCoordinatedOmission(intervalNanos));
    }

    /** Takes all of another one's. */
    void add(Latencies others) {
        histogram.add(others.histogram);
    }

    Latencies copy() {
        return new Latencies(histogram.copy());
    }

    void clear() {
        histogram.reset();
    }

    long count() {
        return histogram.getTotalCount();
    }

    double micros(double percentile) {
        return histogram.getValueAtPercentile(percentile) / NANOS_IN_MICRO;
    }

    /** By percentile, as text. */
    Map<String, Double> micros() {
        Map<String, Double> micros = new LinkedHashMap<>();
        for (double percentile : PERCENTILES) {
            micros.put(name(percentile), micros(percentile));
        }
        return micros;
    }

    static String name(double percentile) {
        return percentile == Math.rint(percentile) ? Long.toString((long) percentile) : Double.toString(percentile);
    }
}

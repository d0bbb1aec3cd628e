package dev.assize.benchmarks.report;

import java.util.Locale;

/** Numbers as the page writes them: as many digits as mean something. */
final class Numbers {

    private Numbers() {}

    /** Three significant digits below 100, whole numbers with thousands above. */
    static String plain(double value) {
        double size = Math.abs(value);
        if (value == Math.rint(value) || size >= 100) {
            return String.format(Locale.ROOT, "%,.0f", value);
        }
        return String.format(Locale.ROOT, size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.3g", value);
    }

    static String interval(Spread spread) {
        return spread.values() == 1 ? "" : plain(spread.low()) + " to " + plain(spread.high());
    }

    /** As it was given: 1.5, 5. */
    static String exact(double value) {
        return trimmed(value);
    }

    /** Of a logarithmic or other axis: 1k, 2.5M. */
    static String tick(double value) {
        if (value >= 1e6) {
            return trimmed(value / 1e6) + "M";
        }
        return value >= 1e3 ? trimmed(value / 1e3) + "k" : trimmed(value);
    }

    private static String trimmed(double value) {
        String text = String.format(Locale.ROOT, "%.3f", value);
        return text.replaceAll("\\.?0+$", "");
    }
}

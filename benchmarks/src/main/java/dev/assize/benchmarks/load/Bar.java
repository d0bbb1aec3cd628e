package dev.assize.benchmarks.load;

import java.util.Locale;

/**
 * What a figure is to reach. It is met or missed where the whole interval of the figure lies on one side of it, and not
 * proven where it does not, or where there are too few bursts for an interval.
 *
 * <p>How far from the bar the median lies is said with it. On machines like those of a build two runs of the same thing
 * differ by up to 1.3 times: what lies nearer than that may be on the other side tomorrow.
 */
public record Bar(Side side, double limit) {

    /** Below this two figures of different runs are not known to differ. */
    static final double NOISE = 1.3;

    /** A figure that is to be that or less. */
    public static Bar atMost(double limit) {
        return new Bar(Side.AT_MOST, limit);
    }

    /** A figure that is to be that or more. */
    public static Bar atLeast(double limit) {
        return new Bar(Side.AT_LEAST, limit);
    }

    /** What can be said of a figure. */
    public Verdict judge(Estimate figure) {
        if (!figure.isSure()) {
            return Verdict.NOT_PROVEN;
        }
        boolean isMet = switch (side) {
            case AT_MOST -> figure.high() <= limit;
            case AT_LEAST -> figure.low() >= limit;
        };
        boolean isMissed = switch (side) {
            case AT_MOST -> figure.low() > limit;
            case AT_LEAST -> figure.high() < limit;
        };
        return isMet ? Verdict.MET : isMissed ? Verdict.NOT_MET : Verdict.NOT_PROVEN;
    }

    /** Whether a value that is known exactly is on its good side. */
    boolean holds(double value) {
        return switch (side) {
            case AT_MOST -> value <= limit;
            case AT_LEAST -> value >= limit;
        };
    }

    /** By how many times the median lies beyond the bar, whichever side it is on; 1 is at it. */
    double margin(Estimate figure) {
        double times = figure.median() / limit;
        return times >= 1 ? times : 1 / times;
    }

    @Override
    public String toString() {
        String number =
                limit == Math.rint(limit) ? String.format(Locale.ROOT, "%,d", (long) limit) : Double.toString(limit);
        return number
                + switch (side) {
                    case AT_MOST -> " or less";
                    case AT_LEAST -> " or more";
                };
    }

    /** Which side of the limit is the good one. */
    public enum Side {
        AT_MOST,
        AT_LEAST
    }

    /** What can be said. */
    public enum Verdict {
        MET("met"),
        NOT_MET("not met"),
        NOT_PROVEN("not proven");

        private final String text;

        Verdict(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }
}

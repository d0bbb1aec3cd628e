package dev.assize.benchmarks.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** From values to places on the paper, and the values worth a line. */
record Axis(boolean logarithmic, double from, double to, double fromPixel, double toPixel) {

    private static final double SHORT_DECADES = 3.5;

    /** Around all values; a logarithmic one from a power of ten to the next, another from 0. */
    static Axis around(boolean logarithmic, DoubleStream values, double fromPixel, double toPixel) {
        double[] all = values.filter(value -> !logarithmic || value > 0).toArray();
        double highest = DoubleStream.of(all).max().orElse(1);
        double lowest = DoubleStream.of(all).min().orElse(1);
        if (logarithmic) {
            double from = Math.pow(10, Math.floor(Math.log10(lowest)));
            double to = Math.pow(10, Math.ceil(Math.log10(highest)));
            return new Axis(true, from, to > from ? to : from * 10, fromPixel, toPixel);
        }
        double step = step(highest);
        return new Axis(false, 0, Math.max(step, Math.ceil(highest / step) * step), fromPixel, toPixel);
    }

    double at(double value) {
        double share = logarithmic
                ? Math.log10(Math.max(value, from) / from) / Math.log10(to / from)
                : (value - from) / (to - from);
        return fromPixel + share * (toPixel - fromPixel);
    }

    /** Of a logarithmic one powers of ten, and where these are few 2 and 5 times each, too. */
    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        if (logarithmic) {
            boolean isShort = Math.log10(to / from) < SHORT_DECADES;
            for (double tick = from; tick <= to * 1.0001; tick *= 10) {
                ticks.add(tick);
                if (isShort && tick * 10 <= to * 1.0001) {
                    ticks.add(tick * 2);
                    ticks.add(tick * 5);
                }
            }
        } else {
            double step = step(to);
            for (int i = 0; i * step <= to * 1.0001; i++) {
                ticks.add(i * step);
            }
        }
        return ticks;
    }

    /** 1, 2 or 5 of a power of ten, for about five lines. */
    private static double step(double highest) {
        double rough = Math.max(highest, 1e-9) / 5;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digit = rough / power;
        return power * (digit > 5 ? 10 : digit > 2 ? 5 : digit > 1 ? 2 : 1);
    }
}

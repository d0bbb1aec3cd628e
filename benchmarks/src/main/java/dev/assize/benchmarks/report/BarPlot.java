package dev.assize.benchmarks.report;

import java.util.List;
import java.util.stream.DoubleStream;

/** Lying bars, each with its interval, over a logarithmic axis. */
record BarPlot(String title, String label, List<Bar> bars) {

    private static final int WIDTH = 760;
    private static final int RIGHT = 90;
    private static final int TOP = 34;
    private static final int BOTTOM = 50;
    private static final int ROW = 30;
    private static final String GRID = "#d0d7de";
    private static final String INK = "#1b1f24";

    /** Ours are darker. */
    record Bar(String name, Spread value, boolean ours) {}

    String svg() {
        int left = 16 + bars.stream().mapToInt(bar -> Svg.width(bar.name)).max().orElse(0);
        int height = TOP + bars.size() * ROW + BOTTOM;
        Svg svg = new Svg(WIDTH, height, title);
        Axis axis = Axis.around(
                true,
                bars.stream().flatMapToDouble(bar -> DoubleStream.of(bar.value.low(), bar.value.high())),
                left,
                WIDTH - RIGHT);
        svg.heading(8, 18, title);
        for (double tick : axis.ticks()) {
            svg.line(axis.at(tick), TOP, axis.at(tick), height - BOTTOM, GRID);
            svg.text(axis.at(tick), height - BOTTOM + 18, "middle", Numbers.tick(tick));
        }
        for (int i = 0; i < bars.size(); i++) {
            draw(svg, axis, left, bars.get(i), i);
        }
        svg.text((left + WIDTH - RIGHT) / 2.0, height - 10, "middle", label + "; ours are darker");
        return svg.toString();
    }

    private static void draw(Svg svg, Axis axis, int left, Bar bar, int index) {
        double top = TOP + index * (double) ROW;
        double middle = top + ROW / 2.0;
        Spread value = bar.value;
        svg.text(left - 8, middle + 4, "end", bar.name);
        svg.box(left, top + 5, axis.at(value.median()) - left, ROW - 10, Svg.colour(bar.ours ? 0 : 4));
        svg.line(axis.at(value.low()), middle, axis.at(value.high()), middle, INK);
        svg.line(axis.at(value.low()), middle - 4, axis.at(value.low()), middle + 4, INK);
        svg.line(axis.at(value.high()), middle - 4, axis.at(value.high()), middle + 4, INK);
        svg.text(
                Math.max(axis.at(value.median()), axis.at(value.high())) + 6,
                middle + 4,
                "start",
                Numbers.plain(value.median()));
    }
}

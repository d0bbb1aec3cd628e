package dev.assize.benchmarks.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/** Lines of points, each with its interval, over two axes. */
record LinePlot(String title, Scale across, Scale upwards, List<Line> lines) {

    private static final int PLOT = 500;
    private static final int HEIGHT = 420;
    private static final int LEFT = 70;
    private static final int TOP = 40;
    private static final int BOTTOM = 50;
    private static final int ROW = 20;
    private static final int MOST_BESIDE = 260;
    private static final String GRID = "#d0d7de";

    /** So far apart are what two lines have at one place, in pixels, that neither hides the other's interval. */
    private static final double BESIDE = 4;

    /** Of one request in so many, by what it is called. */
    private static final Map<Double, String> PERCENTILES = percentiles();

    /**
     * What an axis says.
     *
     * @param percentiles whether it is one request in so many that is slower: its marks are called as percentiles are
     */
    record Scale(String label, boolean logarithmic, boolean percentiles) {

        Scale(String label, boolean logarithmic) {
            this(logarithmic ? label + ", logarithmic" : label, logarithmic, false);
        }
    }

    private static Map<Double, String> percentiles() {
        Map<Double, String> names = new LinkedHashMap<>();
        names.put(2.0, "p50");
        names.put(10.0, "p90");
        names.put(100.0, "p99");
        names.put(1e3, "p99.9");
        names.put(1e4, "p99.99");
        return names;
    }

    /**
     * A line.
     *
     * @param name what stands before a comma gives the colour, so that two lines of one thing have one
     */
    record Line(String name, boolean dashed, List<Point> points) {

        String family() {
            int comma = name.indexOf(',');
            return comma < 0 ? name : name.substring(0, comma);
        }
    }

    /** What lies between low and high is drawn as a bar. */
    record Point(double x, double y, double low, double high) {

        static Point of(double x, Spread y) {
            return new Point(x, y.median(), y.low(), y.high());
        }
    }

    String svg() {
        int right = LEFT + PLOT;
        int names =
                50 + lines.stream().mapToInt(line -> Svg.width(line.name)).max().orElse(0);
        // Long names would make it so wide that a page shows it too small to read.
        boolean isBelow = names > MOST_BESIDE;
        Svg svg = new Svg(
                Math.max(isBelow ? Math.max(right + 40, LEFT + names) : right + names, LEFT + Svg.width(title)),
                isBelow ? HEIGHT + 10 + lines.size() * ROW : HEIGHT,
                title);
        svg.heading(8, 20, title);
        // Of rates each point has a place of its own; of sizes and percentiles all lines have theirs at the same ones.
        double beside = across.logarithmic ? BESIDE : 0;
        double room = beside * lines.size() / 2;
        Axis x = Axis.around(across.logarithmic, points().mapToDouble(Point::x), LEFT + room, right - room);
        Axis y = Axis.around(
                upwards.logarithmic,
                points().flatMapToDouble(point -> DoubleStream.of(point.y, point.low, point.high)),
                HEIGHT - BOTTOM,
                TOP);
        for (double tick : y.ticks()) {
            svg.line(LEFT, y.at(tick), right, y.at(tick), GRID);
            svg.text(LEFT - 6, y.at(tick) + 4, "end", Numbers.tick(tick));
        }
        marks(x).forEach((tick, name) -> {
            svg.line(x.at(tick), TOP, x.at(tick), HEIGHT - BOTTOM, GRID);
            svg.text(x.at(tick), HEIGHT - BOTTOM + 18, "middle", name);
        });
        svg.text((LEFT + right) / 2.0, HEIGHT - 10, "middle", across.label);
        svg.upwards(16, (TOP + HEIGHT - BOTTOM) / 2.0, upwards.label);
        List<String> families = lines.stream().map(Line::family).distinct().toList();
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            String colour = Svg.colour(families.indexOf(line.family()));
            int shape = families.indexOf(line.family());
            draw(svg, x, y, line, colour, shape, (i - (lines.size() - 1) / 2.0) * beside);
            name(
                    svg,
                    isBelow ? LEFT : right + 12,
                    (isBelow ? HEIGHT : TOP) + 10 + i * (double) ROW,
                    line,
                    colour,
                    shape);
        }
        return svg.toString();
    }

    private Map<Double, String> marks(Axis x) {
        Map<Double, String> marks = new LinkedHashMap<>();
        if (across.percentiles) {
            marks.putAll(PERCENTILES);
            marks.keySet().removeIf(tick -> tick > x.to() * 1.0001);
        } else {
            x.ticks().forEach(tick -> marks.put(tick, Numbers.tick(tick)));
        }
        return marks;
    }

    private static void draw(Svg svg, Axis x, Axis y, Line line, String colour, int shape, double beside) {
        StringBuilder path = new StringBuilder();
        for (Point point : line.points) {
            double at = x.at(point.x) + beside;
            path.append(String.format(Locale.ROOT, "%.1f,%.1f ", at, y.at(point.y)));
            svg.line(at, y.at(point.low), at, y.at(point.high), colour);
            svg.mark(at, y.at(point.y), colour, shape);
        }
        svg.path(path.toString(), colour, line.dashed);
    }

    private static void name(Svg svg, int left, double y, Line line, String colour, int shape) {
        svg.path(String.format(Locale.ROOT, "%d,%.1f %d,%.1f", left, y, left + 20, y), colour, line.dashed);
        svg.mark(left + 10, y, colour, shape);
        svg.text(left + 26, y + 4, "start", line.name);
    }

    private Stream<Point> points() {
        return lines.stream().flatMap(line -> line.points.stream());
    }
}

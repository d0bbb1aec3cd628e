package dev.assize.benchmarks.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/** Lines of points, each with its interval, over two axes. */
record LinePlot(String title, Scale across, Scale upwards, List<Line> lines) {

    private static final int WIDTH = 760;
    private static final int HEIGHT = 400;
    private static final int LEFT = 70;
    private static final int RIGHT = 190;
    private static final int TOP = 20;
    private static final int BOTTOM = 50;
    private static final String GRID = "#d0d7de";

    record Scale(String label, boolean logarithmic) {}

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
        Svg svg = new Svg(WIDTH, HEIGHT, title);
        Axis x = Axis.around(across.logarithmic, points().mapToDouble(Point::x), LEFT, WIDTH - RIGHT);
        Axis y = Axis.around(
                upwards.logarithmic,
                points().flatMapToDouble(point -> DoubleStream.of(point.y, point.low, point.high)),
                HEIGHT - BOTTOM,
                TOP);
        for (double tick : y.ticks()) {
            svg.line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), GRID);
            svg.text(LEFT - 6, y.at(tick) + 4, "end", Numbers.tick(tick));
        }
        for (double tick : x.ticks()) {
            svg.line(x.at(tick), TOP, x.at(tick), HEIGHT - BOTTOM, GRID);
            svg.text(x.at(tick), HEIGHT - BOTTOM + 18, "middle", Numbers.tick(tick));
        }
        svg.text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10, "middle", across.label);
        svg.upwards(16, (TOP + HEIGHT - BOTTOM) / 2.0, upwards.label);
        List<String> families = lines.stream().map(Line::family).distinct().toList();
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            String colour = Svg.colour(families.indexOf(line.family()));
            draw(svg, x, y, line, colour);
            name(svg, TOP + 10 + i * 20.0, line, colour);
        }
        return svg.toString();
    }

    private static void draw(Svg svg, Axis x, Axis y, Line line, String colour) {
        StringBuilder path = new StringBuilder();
        for (Point point : line.points) {
            path.append(String.format(Locale.ROOT, "%.1f,%.1f ", x.at(point.x), y.at(point.y)));
            svg.line(x.at(point.x), y.at(point.low), x.at(point.x), y.at(point.high), colour);
            svg.dot(x.at(point.x), y.at(point.y), colour);
        }
        svg.path(path.toString(), colour, line.dashed);
    }

    private static void name(Svg svg, double y, Line line, String colour) {
        int left = WIDTH - RIGHT + 12;
        svg.path(String.format(Locale.ROOT, "%d,%.1f %d,%.1f", left, y, left + 20, y), colour, line.dashed);
        svg.text(left + 26, y + 4, "start", line.name);
    }

    private Stream<Point> points() {
        return lines.stream().flatMap(line -> line.points.stream());
    }
}

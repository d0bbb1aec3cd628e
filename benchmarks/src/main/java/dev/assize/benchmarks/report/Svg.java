package dev.assize.benchmarks.report;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Locale;

/** A drawing that grows by shapes. */
final class Svg {

    /** Distinct for most eyes, and in grey (Okabe and Ito). */
    private static final String[] COLOURS = {
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7f7f7f"
    };

    private static final int SHAPES = 4;

    /** About so wide is a letter of a text. */
    private static final double LETTER = 7.3;

    private final int width;
    private final int height;
    private final String title;
    private final StringBuilder shapes = new StringBuilder();

    Svg(int width, int height, String title) {
        this.width = width;
        this.height = height;
        this.title = title;
    }

    /** About as wide as a text is. */
    static int width(String text) {
        return (int) Math.ceil(text.length() * LETTER);
    }

    static String colour(int index) {
        return COLOURS[index % COLOURS.length];
    }

    void line(double x1, double y1, double x2, double y2, String colour) {
        add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>", x1, y1, x2, y2, colour);
    }

    void path(String points, String colour, boolean dashed) {
        add(
                "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>",
                points.strip(), colour, dashed ? " stroke-dasharray=\"5 4\"" : "");
    }

    /** A mark that is told from others by its shape, too: a disc, a square, a diamond or a triangle. */
    void mark(double x, double y, String colour, int shape) {
        // Who has the colour of another has another shape.
        switch ((shape + shape / COLOURS.length) % SHAPES) {
            case 0 -> add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>", x, y, colour);
            case 1 -> box(x - 3.5, y - 3.5, 7, 7, colour);
            case 2 -> polygon(colour, x, y - 5, x + 5, y, x, y + 5, x - 5, y);
            default -> polygon(colour, x, y - 4.5, x + 4.5, y + 4, x - 4.5, y + 4);
        }
    }

    private void polygon(String colour, double... points) {
        StringBuilder corners = new StringBuilder();
        for (int i = 0; i < points.length; i += 2) {
            corners.append(String.format(Locale.ROOT, "%.1f,%.1f ", points[i], points[i + 1]));
        }
        add("<polygon points=\"%s\" fill=\"%s\"/>", corners.toString().strip(), colour);
    }

    void box(double x, double y, double width, double height, String colour) {
        add(
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
                x, y, Math.max(0, width), height, colour);
    }

    /** A box with a text in it, and one more for who points at it. */
    void frame(double x, double y, double width, double height, String colour, String text, String says) {
        add(
                "<g><title>%s</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" stroke=\"#fff\"/>"
                        + "<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\">%s</text></g>",
                Page.escaped(says), x, y, width, height, colour, x + 3, y + height - 5, Page.escaped(text));
    }

    /** Its anchor is `start`, `middle` or `end`. */
    void text(double x, double y, String anchor, String text) {
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>", x, y, anchor, Page.escaped(text));
    }

    /** What is shown, above it. */
    void heading(double x, double y, String text) {
        add("<text x=\"%.1f\" y=\"%.1f\" font-weight=\"600\">%s</text>", x, y, Page.escaped(text));
    }

    /** Along the left edge, upwards. */
    void upwards(double x, double y, String text) {
        add(
                "<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>",
                x, y, Page.escaped(text));
    }

    @Override
    public String toString() {
        return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" \
                font-family="system-ui, sans-serif" font-size="13" fill="#1b1f24">
                <title>%s</title>
                <rect width="%d" height="%d" fill="#fff"/>
                %s</svg>
                """.formatted(width, height, width, height, Page.escaped(title), width, height, shapes);
    }

    @FormatMethod
    private void add(String shape, Object... values) {
        shapes.append(String.format(Locale.ROOT, shape, values)).append('\n');
    }
}

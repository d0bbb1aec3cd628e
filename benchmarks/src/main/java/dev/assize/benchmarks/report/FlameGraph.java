package dev.assize.benchmarks.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordingFile;

/**
 * Where the samples of a recording were taken, as a drawing: a box is a method, as wide as the share of samples that it was
 * on the stack of, above the method that called it; pointing at a box names it.
 */
final class FlameGraph {

    private static final int WIDTH = 1_200;
    private static final int ROW = 18;

    /** Narrower boxes are left out, in pixels. */
    private static final double NARROWEST = 0.5;

    /** About so wide is a letter. */
    private static final double LETTER = 7;

    private final Node root = new Node();

    private static final class Node {
        private final Map<String, Node> callees = new TreeMap<>();
        private int samples;

        private int depth() {
            return 1 + callees.values().stream().mapToInt(Node::depth).max().orElse(0);
        }
    }

    /** Of the threads that ran Java code. */
    static FlameGraph of(List<Path> recordings) throws IOException {
        FlameGraph graph = new FlameGraph();
        for (Path recording : recordings) {
            try (RecordingFile file = new RecordingFile(recording)) {
                while (file.hasMoreEvents()) {
                    graph.add(file.readEvent());
                }
            }
        }
        return graph;
    }

    private void add(RecordedEvent event) {
        if (event.getEventType().getName().equals("jdk.ExecutionSample") && event.getStackTrace() != null) {
            add(event.getStackTrace().getFrames().reversed().stream()
                    .map(FlameGraph::name)
                    .toList());
        }
    }

    /** A sample, the outermost method first. */
    void add(List<String> stack) {
        Node node = root;
        node.samples++;
        for (String method : stack) {
            node = node.callees.computeIfAbsent(method, absent -> new Node());
            node.samples++;
        }
    }

    int samples() {
        return root.samples;
    }

    String svg() {
        int height = root.depth() * ROW + 10;
        Svg svg = new Svg(WIDTH, height, samples() + " samples");
        draw(svg, "all", root, 0, height - ROW - 5);
        return svg.toString();
    }

    private void draw(Svg svg, String name, Node node, double left, double top) {
        double width = (double) node.samples / Math.max(1, root.samples) * WIDTH;
        if (width < NARROWEST) {
            return;
        }
        String brief = brief(name);
        int letters = (int) ((width - 6) / LETTER);
        svg.frame(
                left,
                top,
                width,
                ROW - 1,
                colour(name),
                letters < 3 ? "" : brief.substring(0, Math.min(brief.length(), letters)),
                "%s, %.1f %% (%d samples)".formatted(name, 100.0 * node.samples / root.samples, node.samples));
        double next = left;
        for (Map.Entry<String, Node> callee : node.callees.entrySet()) {
            draw(svg, callee.getKey(), callee.getValue(), next, top - ROW);
            next += (double) callee.getValue().samples / root.samples * WIDTH;
        }
    }

    /** Ours are warm, the JDK's grey, others' blue. */
    private static String colour(String name) {
        if (name.startsWith("dev.assize.")) {
            return "#f4a261";
        }
        return name.startsWith("java.") || name.startsWith("jdk.") ? "#d0d7de" : "#a9d6f5";
    }

    /** Without its package. */
    private static String brief(String name) {
        return name.replaceFirst("^([a-z_0-9]+\\.)+(?=[A-Z])", "");
    }

    private static String name(RecordedFrame frame) {
        return frame.getMethod().getType().getName() + "." + frame.getMethod().getName();
    }
}

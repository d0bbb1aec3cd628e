package dev.assize.benchmarks.report;

import dev.assize.benchmarks.report.Block.Heading;
import dev.assize.benchmarks.report.Block.Paragraph;
import dev.assize.benchmarks.report.Block.Plot;
import dev.assize.benchmarks.report.Block.Table;
import dev.assize.benchmarks.report.LinePlot.Line;
import dev.assize.benchmarks.report.LinePlot.Point;
import dev.assize.benchmarks.report.LinePlot.Scale;
import dev.assize.benchmarks.report.Load.Fact;
import dev.assize.benchmarks.report.Load.Kind;
import dev.assize.benchmarks.report.Load.Measurement;
import dev.assize.benchmarks.report.Load.Ratio;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The calls over the wire: rates, latencies, and the ratios between services. */
final class LoadChapter {

    private final Load load;
    private final Map<Kind, List<Measurement>> bursts;
    private final List<Block> blocks = new ArrayList<>();

    private LoadChapter(Load load) {
        this.load = load;
        this.bursts = load.bursts();
    }

    static List<Block> of(Load load) {
        LoadChapter chapter = new LoadChapter(load);
        chapter.blocks.add(new Heading("Calls over the wire"));
        chapter.blocks.add(new Paragraph("""
                Client and server are processes of their own, on cores of their own where there are enough. In the open \
                model requests are sent when they are due, whatever comes back, and a latency counts from when its request \
                was due; in the closed model each stream waits for its answer. Bursts of the services take turns. A request \
                may carry many decisions: both rates are given."""));
        load.remarksOrNone().forEach(remark -> chapter.blocks.add(new Paragraph(remark)));
        chapter.ratios();
        chapter.facts();
        chapter.rates();
        chapter.pictures();
        return chapter.blocks;
    }

    private void ratios() {
        List<List<String>> rows = new ArrayList<>();
        for (Ratio ratio : load.ratiosOrNone()) {
            if (!ratio.values().isEmpty()) {
                Spread spread = Spread.of(ratio.values());
                rows.add(List.of(
                        ratio.name(),
                        Numbers.plain(spread.median()),
                        Numbers.interval(spread),
                        Integer.toString(spread.values()),
                        Objects.requireNonNullElse(ratio.wanted(), ""),
                        Objects.requireNonNullElse(ratio.verdict(), "")));
            }
        }
        if (!rows.isEmpty()) {
            blocks.add(new Table(List.of("ratio", "median", "interval", "bursts", "wanted", "is it"), rows));
        }
    }

    private void facts() {
        List<List<String>> rows = new ArrayList<>();
        for (Fact fact : load.factsOrNone()) {
            rows.add(List.of(
                    fact.name(),
                    Numbers.plain(fact.value()),
                    Objects.requireNonNullElse(fact.wanted(), ""),
                    Objects.requireNonNullElse(fact.verdict(), "")));
        }
        if (!rows.isEmpty()) {
            blocks.add(new Table(List.of("figure", "measured", "wanted", "is it"), rows));
        }
    }

    private void rates() {
        List<List<String>> rows = new ArrayList<>();
        by(bursts.keySet(), Kind::scene)
                .forEach((scene, kinds) -> kinds.forEach(kind -> rows.add(row(kind, burstsOf(kind)))));
        if (!rows.isEmpty()) {
            blocks.add(new Table(
                    List.of(
                            "what",
                            "service",
                            "offered/s",
                            "requests/s",
                            "decisions/s",
                            "p50 µs",
                            "p99 µs",
                            "p99.9 µs",
                            "CPU µs a request",
                            "errors"),
                    rows));
        }
    }

    private static List<String> row(Kind kind, List<Measurement> measured) {
        SortedMap<Double, Spread> percentiles = Load.percentiles(measured);
        List<Double> processor = measured.stream()
                .map(Measurement::cpuMicrosPerRequest)
                .filter(Objects::nonNull)
                .filter(Double::isFinite)
                .toList();
        return List.of(
                kind.scene(),
                kind.label(),
                kind.offeredPerSecond() > 0 ? Numbers.plain(Math.rint(kind.offeredPerSecond())) : "",
                Numbers.plain(Math.rint(rate(measured, Measurement::requests))),
                Numbers.plain(Math.rint(rate(measured, Measurement::decisions))),
                median(percentiles, 50),
                median(percentiles, 99),
                median(percentiles, 99.9),
                processor.isEmpty() ? "" : Numbers.plain(Spread.of(processor).median()),
                Long.toString(measured.stream().mapToLong(Measurement::errors).sum()));
    }

    /** Against the rate where more than one was asked for, and by percentile where several stand beside each other in a set. */
    private void pictures() {
        int number = 0;
        for (Map.Entry<String, List<Kind>> scenes : by(plain(), Kind::scenes).entrySet()) {
            number++;
            if (services(scenes.getValue()).size() < scenes.getValue().size()) {
                blocks.add(againstRate("rate-" + number, scenes.getKey(), scenes.getValue()));
            }
        }
        number = 0;
        for (Map.Entry<String, List<Kind>> scene :
                by(bursts.keySet(), Kind::scene).entrySet()) {
            number++;
            long labels = scene.getValue().stream().map(Kind::label).distinct().count();
            if (labels > 1 && labels == scene.getValue().size()) {
                blocks.add(byPercentile("latency-" + number, scene.getKey(), scene.getValue()));
            }
        }
    }

    /** Each once, where it was measured first: later sets have some again, beside what they are about. */
    private List<Kind> plain() {
        Map<Kind, Kind> first = new LinkedHashMap<>();
        bursts.keySet().stream().filter(Kind::isPlain).forEach(kind -> first.putIfAbsent(kind.anywhere(), kind));
        return List.copyOf(first.values());
    }

    private static Map<String, List<Kind>> by(Collection<Kind> all, Function<Kind, String> name) {
        Map<String, List<Kind>> kinds = new LinkedHashMap<>();
        all.forEach(kind -> kinds.computeIfAbsent(name.apply(kind), absent -> new ArrayList<>())
                .add(kind));
        return kinds;
    }

    private Plot againstRate(String name, String scene, List<Kind> kinds) {
        List<Line> lines = new ArrayList<>();
        for (String service : services(kinds)) {
            for (double percentile : List.of(50.0, 99.0)) {
                List<Point> points = new ArrayList<>();
                for (Kind kind : kinds) {
                    Spread latency = Load.percentiles(burstsOf(kind)).get(percentile);
                    if (kind.service().equals(service) && latency != null) {
                        points.add(Point.of(rate(burstsOf(kind), Measurement::requests), latency));
                    }
                }
                points.sort((one, other) -> Double.compare(one.x(), other.x()));
                lines.add(new Line(service + ", p" + Numbers.plain(percentile), percentile == 50, points));
            }
        }
        String title = "Latency against rate: " + scene;
        return new Plot(
                name,
                title,
                new LinePlot(title, new Scale("requests a second", false), new Scale("latency, µs", true), lines)
                        .svg());
    }

    private Plot byPercentile(String name, String scene, List<Kind> kinds) {
        List<Line> lines = new ArrayList<>();
        for (Kind kind : kinds) {
            List<Point> points = new ArrayList<>();
            Load.percentiles(burstsOf(kind)).forEach((percentile, latency) -> {
                if (percentile < 100) {
                    points.add(Point.of(100 / (100 - percentile), latency));
                }
            });
            // What stands before a comma would be the colour, and each is to have its own.
            lines.add(new Line(kind.label().replace(", ", ": "), false, points));
        }
        String title = "Latency by percentile: " + scene;
        return new Plot(
                name,
                title,
                new LinePlot(
                                title,
                                new Scale("so many requests were answered by then", true, true),
                                new Scale("latency, µs", true),
                                lines)
                        .svg());
    }

    private List<Measurement> burstsOf(Kind kind) {
        return Objects.requireNonNull(bursts.get(kind));
    }

    private static Set<String> services(List<Kind> kinds) {
        Set<String> services = new LinkedHashSet<>();
        kinds.forEach(kind -> services.add(kind.service()));
        return services;
    }

    private static double rate(List<Measurement> measured, ToDoubleFunction<Measurement> count) {
        return Spread.of(measured.stream()
                        .map(burst -> count.applyAsDouble(burst) / burst.seconds())
                        .toList())
                .median();
    }

    private static String median(SortedMap<Double, Spread> percentiles, double percentile) {
        Spread spread = percentiles.get(percentile);
        return spread == null ? "" : Numbers.plain(spread.median());
    }
}

package dev.assize.benchmarks.report;

import dev.assize.benchmarks.peer.Peers;
import dev.assize.benchmarks.report.BarPlot.Bar;
import dev.assize.benchmarks.report.Block.Heading;
import dev.assize.benchmarks.report.Block.Paragraph;
import dev.assize.benchmarks.report.Block.Plot;
import dev.assize.benchmarks.report.Block.Table;
import dev.assize.benchmarks.report.Decisions.Figure;
import dev.assize.benchmarks.report.Decisions.Heap;
import dev.assize.benchmarks.report.LinePlot.Line;
import dev.assize.benchmarks.report.LinePlot.Point;
import dev.assize.benchmarks.report.LinePlot.Scale;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The decisions in process: engines beside each other, and how they grow. */
final class DecisionChapter {

    static final String US = "assize";
    private static final String HOT = "HOT";
    private static final String UNIFORM = "UNIFORM";
    static final Wanted GROWTH = Wanted.atMost(1.5);

    /** Wanted of a policy with so many bindings. */
    static final Wanted BYTES = Wanted.atMost(48);

    private static final int MANY_BINDINGS = 1_000_000;

    /** From the bytes of a request. */
    static final Wanted MAPS = Wanted.atLeast(5);

    /** Nanoseconds, where neither the request nor what it meets is in the processor's caches. */
    private static final Wanted COLD_DESK = Wanted.atMost(1_000);

    private static final Wanted HOT_DESK = Wanted.atMost(150);

    /** A process whose first iterations are so much slower than its last ones was not warm. */
    private static final double COOLING = 1.3;

    private static final List<String> COLUMNS =
            List.of("engine", "ns, median", "interval", "B/op", "times ours", "interval", "wanted", "is it");

    /** How many times as long as ours another engine is to take. */
    static final Map<String, Wanted> WANTED = Map.of(
            "nested-maps", Wanted.atLeast(5),
            "jcasbin", Wanted.atLeast(100),
            "jcasbin-cached-from-bytes", Wanted.atLeast(1),
            "cedar-java", Wanted.atLeast(100),
            "sapl", Wanted.atLeast(2.5));

    private final Decisions decisions;
    private final List<Block> blocks = new ArrayList<>();

    private DecisionChapter(Decisions decisions) {
        this.decisions = decisions;
    }

    static List<Block> of(Decisions decisions) {
        DecisionChapter chapter = new DecisionChapter(decisions);
        chapter.failures();
        chapter.warmth();
        chapter.desk();
        chapter.peers();
        chapter.growth("policies", "Growth with policies", """
                The same 2,048 questions, of the same 200 users about the same permissions, while the policies around them \
                grow; and questions uniform over all users. Bindings are 1,000, and one more for each 20 policies.""");
        chapter.growth("bindings", "Growth with bindings", """
                The same 2,048 questions while users and their bindings are added, at 1,000 policies; and questions \
                uniform over all users, most of which miss the processor's caches.""");
        chapter.heaps();
        chapter.growth("hospital", "A hospital, by departments", """
                Departments of 33 rules and 20 people each, the shape that SAPL publishes figures of, written anew. The \
                questions are of the first 200 people.""");
        chapter.worlds();
        return chapter.blocks;
    }

    private void failures() {
        decisions.failuresOrNone().forEach(failure -> blocks.add(new Paragraph(failure)));
    }

    /** Says of itself whether the warm-ups were long enough. */
    private void warmth() {
        long cooling = decisions.measurements().stream()
                .filter(measured -> measured.nanos().size() > 2)
                .filter(measured ->
                        measured.nanos().getFirst() > COOLING * measured.nanos().getLast())
                .count();
        blocks.add(new Paragraph("""
                Of %,d processes that were timed, %,d took more than %s times as long in their first iteration as in their last: \
                these may not have been warm, or something disturbed them.""".formatted(decisions.measurements().size(), cooling, Numbers.exact(COOLING))));
    }

    /** What it takes to find what is kept in a cache, by how that ends. */
    static List<Block> ofExpiry(Decisions expiry) {
        List<List<String>> rows = new ArrayList<>();
        Optional<Figure> never = expiry.figure(Cell.EXPIRY, "caffeine", "NEVER", "");
        for (String ends : expiry.models(Cell.EXPIRY)) {
            expiry.figure(Cell.EXPIRY, "caffeine", ends, "").ifPresent(figure -> {
                Optional<Spread> ratio = never.map(figure::ratioTo);
                rows.add(List.of(
                        ends.toLowerCase(Locale.ROOT).replace('_', ' '),
                        Numbers.plain(figure.nanos().median()),
                        Numbers.interval(figure.nanos()),
                        ratio.map(Spread::median).map(Numbers::plain).orElse(""),
                        ratio.map(Numbers::interval).orElse("")));
            });
        }
        return List.of(
                new Heading("Expiry in the cache"),
                new Paragraph("What it takes to find one of 1,024 entries in Caffeine, by when they end."),
                new Table(List.of("ends", "ns, median", "interval", "times never", "interval"), rows));
    }

    private void desk() {
        if (!decisions.has(Cell.DESK)) {
            return;
        }
        blocks.add(new Heading("From the bytes of a request to the answer"));
        blocks.add(new Paragraph("""
                The whole of a decision in process: the five names found in the request's message, the tenant in the cache, \
                its freshness, the clock, every name compared byte by byte, the answer counted. HOT is 2,048 random requests \
                of one tenant, HOT_OF_MANY as many of 1,000 tenants, COLD 65,536 of 1,000 tenants with 1,000,000 bindings; \
                the others are one request each. A batch finds its tenant once."""));
        blocks.add(new Paragraph("""
                The maps are hash maps in hash maps that give the same reason. What is wanted of them is said from the bytes \
                of the request to the answer, so they are judged from the same bytes, of which the message's generated code \
                makes strings, as a service of them would. Beside that stands what they take for strings that were made \
                before, which is less, and which nothing is wanted of: the desk is given no strings."""));
        List<List<String>> rows = new ArrayList<>();
        for (String engine : decisions.engines(Cell.DESK)) {
            for (String model : decisions.models(Cell.DESK)) {
                figure(Cell.DESK, engine, model, HOT).ifPresent(figure -> rows.add(deskRow(engine, model, figure)));
            }
        }
        blocks.add(new Table(
                List.of(
                        "asked how, and what",
                        "ns, median",
                        "interval",
                        "wanted",
                        "is it",
                        "B/op",
                        "wanted",
                        "is it",
                        "maps from bytes, times as long",
                        "interval",
                        "wanted",
                        "is it",
                        "maps given strings, times as long",
                        "interval"),
                rows));
    }

    private List<String> deskRow(String engine, String model, Figure figure) {
        boolean judged = engine.equals("desk");
        Spread nanos = figure.nanos();
        Wanted wanted = desk(model);
        List<String> cells =
                new ArrayList<>(List.of(engine + ", " + model, Numbers.plain(nanos.median()), Numbers.interval(nanos)));
        cells.addAll(judged ? List.of(wanted.toString(), wanted.verdict(nanos)) : List.of("", ""));
        cells.add(Numbers.plain(figure.bytes()));
        cells.addAll(judged ? List.of("0", allocation(figure)) : List.of("", ""));
        cells.addAll(mapsTo(judged, model, figure, Profile.MAPS)
                .map(ratio -> List.of(
                        Numbers.plain(ratio.median()), Numbers.interval(ratio), MAPS.toString(), MAPS.verdict(ratio)))
                .orElse(List.of("", "", "", "")));
        cells.addAll(mapsTo(judged, model, figure, Profile.MAPS_GIVEN_STRINGS)
                .map(ratio -> List.of(Numbers.plain(ratio.median()), Numbers.interval(ratio)))
                .orElse(List.of("", "")));
        return cells;
    }

    private Optional<Spread> mapsTo(boolean judged, String model, Figure desk, String maps) {
        return judged ? figure(Cell.DESK, maps, model, HOT).map(other -> other.ratioTo(desk)) : Optional.empty();
    }

    private void peers() {
        if (!decisions.has("peers")) {
            return;
        }
        blocks.add(new Heading("Engines beside each other"));
        blocks.add(new Paragraph("""
                One tenant: 20 roles of 40 permissions, 200 users of 5 roles, 2,048 questions over and over, half of them \
                about what one of the user's roles may do. Each engine answered %,d questions as the model does before one \
                was timed. Ours begins with the bytes of the request's message, and so do the nested maps, and cached jCasbin \
                where it says so, for which the message's generated code makes strings: what is wanted of these two is from \
                those bytes to the answer. Beside them stand both given strings that were made before, of which nothing is \
                wanted. All others take their question in their own form, made before and not timed, which is in their \
                favour.""".formatted(Peers.ASSERTED_QUESTIONS)));
        blocks.add(new Paragraph("""
                This compares an index with general engines. Assize compiles roles and bindings into tables and looks up; \
                jCasbin, Cedar and XACML interpret rules that can say far more than these do, and pay for that here. The \
                models were written once by us, each in the way its documentation calls fast, and not tuned by those who \
                know the engine best. The nested maps are what one writes by hand for this one question and nothing else; \
                cached jCasbin looks up whole questions that it has answered before. cedar-java carries the user's entities \
                to native code as JSON with each call. "assize" is the whole service in process with the cache of tenants, \
                freshness, clock and meters, "assize-objects" the same asked by objects, "assize-graph" the compiled policy \
                alone."""));
        List<Bar> bars = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        Optional<Figure> us = figure("peers", US, "one-tenant", HOT);
        for (String engine : decisions.engines("peers")) {
            figure("peers", engine, "one-tenant", HOT).ifPresent(figure -> {
                bars.add(new Bar(engine, figure.nanos(), engine.startsWith(US)));
                rows.add(row("", engine, figure, us));
            });
        }
        blocks.add(new Plot(
                "peers",
                "Nanoseconds a decision of each engine",
                new BarPlot("Nanoseconds a decision of each engine", "ns a decision, logarithmic", bars).svg()));
        blocks.add(new Table(
                List.of("engine", "ns, median", "interval", "B/op", "times ours", "interval", "wanted", "is it"),
                rows));
    }

    private void heaps() {
        List<Heap> heaps = decisions.heapsOrNone();
        if (heaps.isEmpty()) {
            return;
        }
        blocks.add(new Heading("Memory by bindings"));
        blocks.add(new Paragraph("""
                One tenant of 200,000 users, each in one of 5,000 groups, and 500 roles of 10 permissions. A binding is one \
                subject or group, one role and one scope; one in twenty names a group. The compiled policy is all that a \
                decision reads: names, tables, and what was worked out for the subjects of 100,000 questions. It is what \
                is judged. The documents that it was compiled from are held beside it, for changes and explanations. \
                What is used of the heap after collections, before and after each was made; once, since nothing in it is \
                random."""));
        List<List<String>> rows = new ArrayList<>();
        for (Heap heap : heaps) {
            boolean judged = isJudged(heap);
            rows.add(List.of(
                    Numbers.plain(heap.bindings()),
                    Numbers.plain(bytes(heap)),
                    judged ? BYTES.toString() : "",
                    judged ? verdict(heap) : "",
                    Numbers.plain((double) heap.documentBytes() / heap.bindings())));
        }
        blocks.add(new Table(
                List.of("bindings", "bytes a binding", "wanted", "is it", "bytes of documents a binding"), rows));
    }

    static Wanted desk(String model) {
        return model.equals("COLD") ? COLD_DESK : HOT_DESK;
    }

    static String allocation(Figure desk) {
        return desk.bytes() == 0 ? "met" : "not met";
    }

    static boolean isJudged(Heap heap) {
        return heap.bindings() >= MANY_BINDINGS;
    }

    static double bytes(Heap heap) {
        return (double) heap.graphBytes() / heap.bindings();
    }

    static String verdict(Heap heap) {
        return bytes(heap) <= BYTES.bar() ? "met" : "not met";
    }

    private void worlds() {
        if (!decisions.has(Cell.WORLDS)) {
            return;
        }
        blocks.add(new Heading("Worlds that people know"));
        blocks.add(new Paragraph("""
                The scenarios of the paper on Cedar (OOPSLA 2024), written anew from its description: hierarchies of folders, \
                teams in teams, levels of access, owners, as policy of Assize and as policy of Cedar. The number is of \
                users; there are as many of everything else. Each engine answered %,d questions as plain code does before \
                one was timed; with each, cedar-java gets only the entities that it needs. jCasbin and the maps are not \
                here, since their model has neither hierarchies nor owners.""".formatted(Peers.ASSERTED_QUESTIONS)));
        List<Bar> bars = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        for (String model : decisions.models(Cell.WORLDS)) {
            Optional<Figure> us = figure(Cell.WORLDS, US, model, HOT);
            for (String engine : decisions.engines(Cell.WORLDS)) {
                figure(Cell.WORLDS, engine, model, HOT).ifPresent(figure -> {
                    bars.add(new Bar(model + ", " + engine, figure.nanos(), engine.equals(US)));
                    rows.add(row(model + ", ", engine, figure, us));
                });
            }
        }
        String title = "Nanoseconds a decision in worlds that people know";
        blocks.add(new Plot(Cell.WORLDS, title, new BarPlot(title, "ns a decision, logarithmic", bars).svg()));
        blocks.add(new Table(COLUMNS, rows));
    }

    private static List<String> row(String prefix, String engine, Figure figure, Optional<Figure> us) {
        Spread nanos = figure.nanos();
        List<String> cells = new ArrayList<>(List.of(
                prefix + engine,
                Numbers.plain(nanos.median()),
                Numbers.interval(nanos),
                Numbers.plain(figure.bytes())));
        if (us.isEmpty() || engine.startsWith(US)) {
            cells.addAll(List.of("", "", "", ""));
            return cells;
        }
        Spread ratio = figure.ratioTo(us.get());
        Wanted wanted = WANTED.get(engine);
        cells.add(Numbers.plain(ratio.median()));
        cells.add(Numbers.interval(ratio));
        cells.add(wanted == null ? "" : wanted.toString());
        cells.add(wanted == null ? "" : wanted.verdict(ratio));
        return cells;
    }

    private void growth(String part, String heading, String says) {
        if (!decisions.has(part)) {
            return;
        }
        blocks.add(new Heading(heading));
        blocks.add(new Paragraph(says));
        List<Line> lines = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        for (String access : List.of(HOT, UNIFORM)) {
            for (String engine : decisions.engines(part)) {
                List<Point> points = points(part, engine, access);
                if (!points.isEmpty()) {
                    String name = access.equals(HOT) ? engine : engine + ", uniform";
                    lines.add(new Line(name, access.equals(UNIFORM), points));
                    rows.add(row(part, engine, access, name));
                }
            }
        }
        String title = "Nanoseconds a decision by " + unit(part);
        blocks.add(new Plot(
                part,
                title,
                new LinePlot(title, new Scale(unit(part), true), new Scale("ns a decision", true), lines).svg()));
        List<String> header = new ArrayList<>(List.of("ns, median"));
        decisions.models(part).forEach(model -> header.add(Numbers.plain(Decisions.size(model))));
        header.addAll(List.of("last to first", "interval", "wanted", "is it"));
        blocks.add(new Table(header, rows));
    }

    private List<Point> points(String part, String engine, String access) {
        List<Point> points = new ArrayList<>();
        for (String model : decisions.models(part)) {
            figure(part, engine, model, access)
                    .ifPresent(figure -> points.add(Point.of(Decisions.size(model), figure.nanos())));
        }
        return points;
    }

    private List<String> row(String part, String engine, String access, String name) {
        List<String> cells = new ArrayList<>(List.of(name));
        List<Figure> figures = new ArrayList<>();
        for (String model : decisions.models(part)) {
            Optional<Figure> figure = figure(part, engine, model, access);
            figure.ifPresent(figures::add);
            cells.add(figure.map(there -> Numbers.plain(there.nanos().median())).orElse(""));
        }
        Spread ratio = figures.getLast().ratioTo(figures.getFirst());
        boolean judged = engine.equals(US) && access.equals(HOT);
        cells.add(Numbers.plain(ratio.median()));
        cells.add(Numbers.interval(ratio));
        cells.add(judged ? GROWTH.toString() : "");
        cells.add(judged ? GROWTH.verdict(ratio) : "");
        return cells;
    }

    private Optional<Figure> figure(String part, String engine, String model, String access) {
        return decisions.figure(part, engine, model, access);
    }

    private static String unit(String part) {
        return part.equals("hospital") ? "departments" : part;
    }
}

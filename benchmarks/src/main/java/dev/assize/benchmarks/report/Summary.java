package dev.assize.benchmarks.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of which something is asked, as README.md and docs/performance.md have them: of each part the fullest profile
 * that is kept. They stand there between two marks, and nobody writes them by hand.
 */
final class Summary {

    /** What writes them anew. */
    static final String COMMAND = "./assize bench report --render";

    private static final String END = "<!-- figures: end -->";

    /** Of which a stranger is told, by their names, in words for somebody who does not know the rest. */
    private static final Map<String, String> OF_README = ofReadme();

    private final List<Row> rows;

    private Summary(List<Row> rows) {
        this.rows = rows;
    }

    /** @param kept where each profile has a directory */
    static Summary of(Path kept) throws IOException {
        List<Row> rows = new ArrayList<>();
        for (Part part : Part.whole()) {
            for (Profile profile : List.of(Profile.FULL, Profile.SMOKE)) {
                List<Judged> judged = new Report(kept.resolve(profile.label())).judged(part);
                if (!judged.isEmpty()) {
                    judged.forEach(figure -> rows.add(new Row(figure, profile.label())));
                    break;
                }
            }
        }
        return new Summary(rows);
    }

    /** A page with these figures in the places that it has for them. */
    String in(String page) {
        return between(between(page, "<!-- figures: all -->", all()), "<!-- figures: some -->", some());
    }

    /** Writes them into a page that is there. */
    void renew(Path file) throws IOException {
        if (Files.exists(file)) {
            String page = Files.readString(file);
            String renewed = in(page);
            if (!renewed.equals(page)) {
                Files.writeString(file, renewed);
            }
        }
    }

    private String all() {
        return table(rows.stream().map(row -> row.line(row.judged.name())).toList());
    }

    private String some() {
        List<String> lines = new ArrayList<>();
        OF_README.forEach((name, words) -> rows.stream()
                .filter(row -> row.judged.name().equals(name))
                .findFirst()
                .ifPresent(row -> lines.add(row.line(words))));
        return table(lines);
    }

    private static String table(List<String> lines) {
        return "| what | median | interval | wanted | is it | profile |\n| --- | --- | --- | --- | --- | --- |\n"
                + String.join("\n", lines)
                + "\n";
    }

    private static String between(String page, String begin, String text) {
        int from = page.indexOf(begin);
        int to = page.indexOf(END, Math.max(0, from));
        if (from < 0 || to < 0) {
            return page;
        }
        return page.substring(0, from) + begin + "\n" + text + page.substring(to);
    }

    private static Map<String, String> ofReadme() {
        Map<String, String> words = new LinkedHashMap<>();
        words.put(
                "decision from a request's bytes, HOT: ns",
                "a decision in process, from a request's bytes to its answer: ns");
        words.put(
                "decision from a request's bytes, COLD: ns",
                "the same, asked all over 1,000 tenants with 1,000,000 bindings: ns");
        words.put(
                "hash maps in hash maps from the same bytes, HOT: times as long",
                "hash maps written by hand, from the same bytes: times as long");
        words.put("jcasbin, one-tenant: times as long as ours", "jCasbin, which interprets: times as long");
        words.put("cedar-java, one-tenant: times as long as ours", "cedar-java, which interprets: times as long");
        words.put(
                "the same questions, policies-10 to policies-40000: times as long",
                "40,000 policies instead of 10: times as long");
        words.put("memory: bytes a binding, of 1,000,000", "memory: bytes a binding, of 1,000,000");
        words.put(
                "Check, 128 streams: CPU a request, assize to stock",
                "Check over gRPC: the server's processor time, to grpc-java's defaults deciding nothing");
        words.put(
                "Check, 128 streams: CPU a request, assize to no-op",
                "the same, to our own transport deciding nothing");
        words.put(
                "CheckBatch of 100, hot: decisions a second of a server core",
                "CheckBatch of 100: decisions a second of one core");
        words.put(
                "CheckStream: requests a second of a server core, to unary ones",
                "CheckStream: requests a second of one core, to Check");
        words.put(
                "Check by the Java client, asynchronous, 64 callers: rate, together to each by itself",
                "the Java client, 64 asynchronous callers: rate, checks together to each by itself");
        words.put(
                "start with the database up: seconds to the first right answer",
                "process start to first right answer, PostgreSQL up: s");
        words.put("start with the database up: resident MB when it is ready", "resident memory when it is ready: MB");
        return words;
    }

    private record Row(Judged judged, String profile) {

        String line(String name) {
            return "| "
                    + String.join(
                            " | ",
                            name.replace("|", "\\|"),
                            judged.measured(),
                            judged.interval(),
                            judged.wanted(),
                            judged.verdict(),
                            profile)
                    + " |";
        }
    }
}

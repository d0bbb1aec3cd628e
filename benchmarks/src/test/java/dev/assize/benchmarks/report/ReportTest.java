package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.benchmarks.report.Block.Plot;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

/** The figures of the stored files are invented. */
class ReportTest {

    private static final Path STORED = Path.of("src/test/resources/report");

    @TempDir
    private Path directory;

    @BeforeEach
    void copyRawFigures() throws IOException {
        for (String file : List.of(Report.MACHINE, Part.DECISIONS.file(), Part.WIRE.file())) {
            Files.copy(STORED.resolve(file), directory.resolve(file));
        }
    }

    @Test
    void refusesFiguresOfAnotherSchema() throws IOException {
        Files.writeString(directory.resolve(Part.WIRE.file()), "{\"schema\":\"assize/load/9\"}");

        assertThatIOException()
                .isThrownBy(() -> new Report(directory).page())
                .withMessageContaining("`assize/load/9`")
                .withMessageContaining("`assize/load/1`");
    }

    @Test
    void warnsOfAMachineThatDidSomethingElse() throws IOException {
        Path machine = directory.resolve(Report.MACHINE);
        Files.writeString(machine, Files.readString(machine).replace("\"loadBefore\": 0.12", "\"loadBefore\": 3.5"));

        assertThat(new Report(directory).page().markdown()).contains("do not use these figures");
    }

    /** Written anew by `assize bench report --render` into a copy of the stored directory; read the difference. */
    @Test
    void writesThePageThatIsStored() throws IOException {
        new Report(directory).write();

        for (String file : filesOf(STORED)) {
            assertThat(directory.resolve(file)).hasSameTextualContentAs(STORED.resolve(file));
        }
        assertThat(filesOf(directory)).contains("report.html").containsAll(filesOf(STORED));
    }

    @Test
    void needsNothingBesideTheHtml() throws IOException {
        String html = new Report(directory).page().html();

        assertThat(html).doesNotContain("src=", "href=", "<link", "<script", "@import", "url(");
        assertThat(Pattern.compile("https?://")
                        .matcher(html)
                        .results()
                        .map(found -> html.substring(found.start(), html.indexOf('"', found.start()))))
                .containsOnly("http://www.w3.org/2000/svg");
    }

    @Test
    void closesEachElementOfTheHtml() throws Exception {
        String html = new Report(directory).page().html();

        var document = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(html.replaceAll("<meta ([^>]*)>", "<meta $1/>"))));

        assertThat(document.getElementsByTagName("table").getLength()).isGreaterThan(4);
        assertThat(document.getElementsByTagName("svg").getLength())
                .isEqualTo(new Report(directory).page().plots().size());
    }

    @Test
    void showsEachPictureInBothForms() throws Exception {
        Page page = new Report(directory).page();

        assertThat(page.plots())
                .extracting(Plot::name)
                .contains("peers", "policies")
                .doesNotHaveDuplicates();
        for (Plot plot : page.plots()) {
            assertThat(page.html()).contains(plot.svg());
            assertThat(page.markdown()).contains("](" + plot.name() + ".svg)");
            DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new InputSource(new StringReader(plot.svg())));
            assertThat(plot.svg()).doesNotContain("NaN", "Infinity");
        }
    }

    @Test
    void leavesOutWhatWasNotMeasured() throws IOException {
        Files.delete(directory.resolve(Part.WIRE.file()));
        Files.delete(directory.resolve(Part.DECISIONS.file()));

        assertThat(new Report(directory).page().plots()).isEmpty();
    }

    @Test
    void leavesDisturbedBurstsOut() throws IOException {
        String page = new Report(directory).page().markdown();

        // The third burst of the closed model took 8.2 µs of CPU a request, and is marked.
        assertThat(page)
                .contains(
                        "| one tenant, Check, tcp, closed, 128 streams | assize | | 50,000 | 50,000 | 100 | 500 | 1,200 | 8.05 | 0 |");
    }

    @Test
    void tellsApartWhatOneServiceDidInSeveralSets() throws IOException {
        Files.writeString(
                directory.resolve(Part.WIRE.file()),
                Stream.of(
                                burst("Check, 8 streams", "assize", 1_000),
                                burst("Check, 8 streams", "no-op", 2_000),
                                burst("by the client", "together", 3_000),
                                burst("by the client", "each by itself", 4_000),
                                burst("by transport", "assize, tcp", 5_000),
                                burst("on record", "assize", 6_000),
                                burst("on record", "assize, on record", 7_000))
                        .collect(Collectors.joining(",", "{\"schema\":\"assize/load/1\",\"measurements\":[", "]}")));

        Page page = new Report(directory).page();

        assertThat(page.markdown())
                .contains("| Check, 8 streams | assize | | 1,000 | 1,000 |")
                .contains("| by the client | together | | 3,000 | 3,000 |")
                .contains("| by the client | each by itself | | 4,000 | 4,000 |")
                .contains("| by transport | assize, tcp | | 5,000 | 5,000 |")
                .contains("| on record | assize | | 6,000 | 6,000 |");
        assertThat(page.plots())
                .extracting(Plot::says)
                .contains("Latency by percentile: by the client", "Latency by percentile: on record")
                .doesNotContain("Latency by percentile: by transport");
    }

    private static String burst(String set, String label, long requests) {
        return """
                {"set":"%s","label":"%s","world":"one tenant","service":"%s","call":"Check","transport":"tcp","model":"closed",\
                "streams":8,"offeredPerSecond":0,"burst":1,"seconds":1.0,"requests":%d,"decisions":%d,"errors":0,\
                "cpuMicrosPerRequest":5.0,"disturbed":false,"latencyMicros":{"50":100.0,"99":300.0}}\
                """.formatted(set, label, label.equals("no-op") ? label : "assize", requests, requests);
    }

    @Test
    void judgesMapsFromTheBytesOfARequestAndShowsThemGivenStrings() throws IOException {
        String page = new Report(directory).page().markdown();

        assertThat(page)
                .containsPattern("\\| desk, HOT \\|.*\\| 6.56 \\| [^|]* \\| 5 or more \\| met \\| 1.97 \\|")
                .containsPattern("\\| nested-maps-given-strings \\|.*\\| 0.44 \\| [^|]* \\| \\| \\|");
    }

    @Test
    void judgesBytesOfABindingWhereThereAreAMillion() throws IOException {
        String page = new Report(directory).page().markdown();

        assertThat(page).contains("| 100,000 | 90 | | | 700 |").contains("| 1,000,000 | 39 | 48 or less | met | 400 |");
    }

    @Test
    void tellsWhatCouldNotBeMeasured() throws IOException {
        assertThat(new Report(directory).page().markdown())
                .contains("authzforce, policies-40000, HOT could not be measured to its end: the fork ended");
    }

    /** As they were kept before there were heaps and failures. */
    @Test
    void readsFiguresWithoutHeaps() throws IOException {
        Path decisions = directory.resolve(Part.DECISIONS.file());
        String text = Files.readString(decisions);
        Files.writeString(decisions, text.substring(0, text.indexOf("],\"heaps\"")) + "]}");

        assertThat(new Report(directory).page().markdown())
                .contains("Engines beside each other")
                .doesNotContain("Memory by bindings");
    }

    @Test
    void keepsWhatItReads() throws IOException {
        Report report = new Report(directory);
        String before = report.page().markdown();
        Decisions decisions = new ObjectMapper()
                .readValue(directory.resolve(Part.DECISIONS.file()).toFile(), Decisions.class);

        report.keep(decisions);

        assertThat(report.page().markdown()).isEqualTo(before);
    }

    @Test
    void showsPartsOfSeveralFilesAsOne() throws IOException {
        Files.writeString(
                directory.resolve(Part.CLIENT.file()), """
                {"schema":"assize/load/1","measurements":[%s],"remarks":["An invented remark.","Another one."],
                "ratios":[{"name":"by the client","wanted":"4 or more","values":[5,6,7],"verdict":"met"}]}
                """.formatted(burst("by the client", "together", 3_000)));

        String page = new Report(directory).page().markdown();

        assertThat(page)
                .contains(
                        "| by the client | 6 | 5 to 7 | 3 | 4 or more | met |",
                        "one tenant, Check, tcp",
                        "Another one.")
                .containsOnlyOnce("An invented remark.")
                .contains("Not measured, or not to its end: tenants, starts.");
    }

    @Test
    void goesOnBehindWhatWasMeasuredBefore() throws IOException {
        Report report = new Report(directory);
        Machine machine =
                new ObjectMapper().readValue(directory.resolve(Report.MACHINE).toFile(), Machine.class);
        report.keep(Part.WIRE, measured(Part.WIRE, ""));
        report.keep(Part.DECISIONS, measured(Part.DECISIONS, "it ended by a power cut"));

        report.begin(machine);

        assertThat(report.has(Part.WIRE)).isTrue();
        assertThat(report.has(Part.DECISIONS)).isFalse();
        assertThat(report.has(Part.STARTS)).isFalse();
        assertThat(report.page().markdown())
                .contains("| wire | 2026-02-22T14:00:00Z | 2 | 0123abc | measured |")
                .contains("| decisions | 2026-02-22T14:00:00Z | 2 | 0123abc | it ended by a power cut |");
    }

    /** The rounds that it had are kept and shown. */
    @Test
    void tellsOfAPartThatWasEndedInTheMiddle() throws IOException {
        Report report = new Report(directory);
        Machine machine =
                new ObjectMapper().readValue(directory.resolve(Report.MACHINE).toFile(), Machine.class);

        report.begin(machine);

        assertThat(report.page().markdown())
                .contains("Not measured, or not to its end: decisions, wire, client, tenants, starts.")
                .contains("Engines beside each other");
    }

    @Test
    void forgetsWhatIsMeasuredAnewAndNothingElse() throws IOException {
        Report report = new Report(directory);
        report.keep(Part.WIRE, measured(Part.WIRE, ""));
        report.keep(Part.DECISIONS, measured(Part.DECISIONS, ""));

        report.forget(Part.WIRE);

        assertThat(report.has(Part.WIRE)).isFalse();
        assertThat(report.has(Part.DECISIONS)).isTrue();
        assertThat(report.page().markdown()).doesNotContain("Calls over the wire");
    }

    /** They would stand on one page, as if they were of one profile. */
    @Test
    void refusesPartsOfAnotherProfile() throws IOException {
        Path file = directory.resolve(Report.MACHINE);
        Files.writeString(file, Files.readString(file).replace("\"full\"", "\"smoke\""));
        Machine full =
                new ObjectMapper().readValue(STORED.resolve(Report.MACHINE).toFile(), Machine.class);

        assertThatIOException()
                .isThrownBy(() -> new Report(directory).begin(full))
                .withMessageContaining("holds figures of the profile `smoke`: expected those of `full`");
    }

    private static Machine.Measured measured(Part part, String outcome) {
        return new Machine.Measured(part.label(), "2026-02-22T14:00:00Z", 120, "0123abc", outcome);
    }

    private static List<String> filesOf(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

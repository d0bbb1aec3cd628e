package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is kept in docs/performance, and that every number which is told elsewhere is one of it. */
class KeptResultsTest {

    private static final Path ROOT = Path.of("..");
    private static final Path KEPT = ROOT.resolve("docs/performance");

    /** Of the raw figures of one profile. */
    private static final long MOST_BYTES = 2_000_000;

    /** Paths from the root, as they are on whatever machine, and addresses but that of SVG's name. */
    private static final Pattern INDISCREET =
            Pattern.compile("(?<![\\w.])/(?:home|root|work|tmp|usr|var|opt|srv|etc|mnt|media|proc|Users)\\b"
                    + "|\\b[A-Z]:\\\\"
                    + "|\\b(?:https?|ssh|git|jdbc:\\w+)://(?!www\\.w3\\.org/2000/svg\")"
                    + "|\\b(?:\\d{1,3}\\.){3}\\d{1,3}:\\d"
                    + "|(?i)\\b(?:artifactory|nexus|registry\\.|proxy\\.|mirror\\.)");

    @TempDir
    private Path anew;

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "docs/performance.md"})
    void theFiguresThatAreToldAreThoseThatAreKept(String page) throws IOException {
        String told = Files.readString(ROOT.resolve(page));

        List<String> kept = Summary.of(KEPT).in(told).lines().toList();

        assertThat(told.contains("<!-- figures: ") && told.contains("<!-- figures: end -->"))
                .as("%s has a place for figures", page)
                .isTrue();
        assertThat(told.lines().filter(line -> !kept.contains(line)))
                .as("%s tells other figures than docs/performance keeps: `%s` renews it", page, Summary.COMMAND)
                .isEmpty();
        assertThat(kept)
                .as("%s tells fewer figures than docs/performance keeps: `%s` renews it", page, Summary.COMMAND)
                .hasSize((int) told.lines().count());
    }

    @ParameterizedTest
    @MethodSource("profiles")
    void aPageIsMadeOfItsRawFigures(Path profile) throws IOException {
        for (Path file : filesOf(profile)) {
            if (file.toString().endsWith(".json")) {
                Files.copy(file, anew.resolve(file.getFileName().toString()));
            }
        }

        new Report(anew).write();

        for (Path file : filesOf(anew)) {
            assertThat(file)
                    .as(
                            "%s of %s is not made of its raw figures: `%s` renews it",
                            file.getFileName(), profile, Summary.COMMAND)
                    .hasSameTextualContentAs(profile.resolve(file.getFileName().toString()));
        }
        assertThat(filesOf(profile)).as("%s holds nothing else", profile).hasSameSizeAs(filesOf(anew));
    }

    @ParameterizedTest
    @MethodSource("profiles")
    void nobodyLearnsWhoseMachineItWas(Path profile) throws IOException {
        for (Path file : filesOf(profile)) {
            assertThat(INDISCREET.matcher(Files.readString(file)).results().map(found -> found.group()))
                    .as("%s", file)
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("profiles")
    void rawFiguresAreNotLarge(Path profile) {
        assertThat(filesOf(profile).stream()
                        .filter(file -> file.toString().endsWith(".json"))
                        .mapToLong(file -> file.toFile().length())
                        .sum())
                .as("bytes of %s", profile)
                .isLessThan(MOST_BYTES);
    }

    @Test
    void aTrialIsNotKept() {
        assertThat(KEPT.resolve(Profile.TRIAL.label())).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "see /home/somebody/server.log",
                "/tmp/x",
                "-javaagent:/opt/a.jar",
                "https://example.com",
                "10.1.2.3:7443",
                "Nexus"
            })
    void isToldOfWhatIsIndiscreet(String text) {
        assertThat(INDISCREET.matcher(text).find()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"<td>1.5 or less</td>", "assize/load/1", "xmlns=\"http://www.w3.org/2000/svg\"", "JDK 25.0.3"})
    void isNotToldOfWhatIsNot(String text) {
        assertThat(INDISCREET.matcher(text).find()).isFalse();
    }

    private static List<Path> profiles() {
        return Stream.of(Profile.FULL, Profile.SMOKE)
                .map(profile -> KEPT.resolve(profile.label()))
                .filter(directory -> new Report(directory).isThere())
                .toList();
    }

    private static List<Path> filesOf(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

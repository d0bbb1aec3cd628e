package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SummaryTest {

    private static final Path STORED = Path.of("src/test/resources/report");

    @TempDir
    private Path kept;

    @BeforeEach
    void keepFullDecisionsAndWireOfBoth() throws IOException {
        copy("full", Part.DECISIONS.file());
        copy("smoke", Part.DECISIONS.file());
        write("smoke", Part.WIRE, "8.5");
        write("smoke", Part.CLIENT, "4.5");
        write("full", Part.CLIENT, "5.5");
    }

    @Test
    void takesEachPartOfTheFullestProfileThatIsKept() throws IOException {
        assertThat(Summary.of(kept).in("before\n<!-- figures: all -->\nold\n<!-- figures: end -->\nafter\n"))
                .startsWith("before\n<!-- figures: all -->\n| what |")
                .endsWith("<!-- figures: end -->\nafter\n")
                .doesNotContain("old")
                .contains("| wire, to no-op | 8.50 | once | 9 or less | met | smoke |")
                .contains("| client, to no-op | 5.50 | once | 9 or less | met | full |")
                .contains("| memory: bytes a binding, of 1,000,000 | 39 |  | 48 or less | met | full |")
                .contains("| decision from a request's bytes, HOT: bytes allocated | 0 |  | 0 | met | full |")
                .containsOnlyOnce("client, to no-op");
    }

    @Test
    void tellsAStrangerFew() throws IOException {
        String told = Summary.of(kept).in("<!-- figures: some -->\n<!-- figures: end -->");

        assertThat(told)
                .contains("| cedar-java, which interprets: times as long |")
                .doesNotContain("wire, to no-op");
    }

    @Test
    void leavesAPageWithoutMarksAlone() throws IOException {
        assertThat(Summary.of(kept).in("nothing <!-- figures: some -->")).isEqualTo("nothing <!-- figures: some -->");
    }

    /** So that who renews what is new already changes nothing. */
    @Test
    void renewsWhatItWrote() throws IOException {
        Path page = kept.resolve("page.md");
        Files.writeString(
                page, "<!-- figures: some -->\n<!-- figures: end -->\n<!-- figures: all -->\n<!-- figures: end -->\n");

        Summary.of(kept).renew(page);
        String once = Files.readString(page);
        Summary.of(kept).renew(page);

        assertThat(Files.readString(page)).isEqualTo(once).contains("client, to no-op", "cedar-java");
    }

    private void copy(String profile, String file) throws IOException {
        Files.copy(
                STORED.resolve(file),
                Files.createDirectories(kept.resolve(profile)).resolve(file));
    }

    private void write(String profile, Part part, String value) throws IOException {
        Files.writeString(Files.createDirectories(kept.resolve(profile)).resolve(part.file()), """
                {"schema":"assize/load/1","measurements":[],"ratios":[
                {"name":"%s, to no-op","wanted":"9 or less","values":[%s],"verdict":"met"},
                {"name":"of no interest","wanted":"","values":[1.0],"verdict":""}]}
                """.formatted(
                        part.label(), value));
    }
}

package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.cli.ExitCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ReportCommandTest {

    private static final Path STORED = Path.of("src/test/resources/report");
    private static final String CLASS_PATH = "java.class.path";

    private final String classPath = System.getProperty(CLASS_PATH);

    @TempDir
    private Path directory;

    @AfterEach
    void findClassesAgain() {
        System.setProperty(CLASS_PATH, classPath);
    }

    /** A driver whose classes are not there ends at once. */
    @Test
    void tellsOfPartsThatFailAndGoesOnWithTheOthers() throws IOException {
        System.setProperty(CLASS_PATH, "nowhere");

        int exitCode = run("--only", "wire,client", "--output", directory.toString());

        assertThat(exitCode).isEqualTo(ExitCodes.ERROR);
        assertThat(Files.readString(directory.resolve("report.md")))
                .containsPattern("\\| wire \\|.*\\| not all of it could be measured \\(exit code 1\\) \\|")
                .containsPattern("\\| client \\|.*\\| not all of it could be measured \\(exit code 1\\) \\|")
                .contains("Not measured, or not to its end: decisions, wire, client, tenants, starts.");
        assertThat(directory.resolve("report.html")).isNotEmptyFile();
    }

    @Test
    void measuresNothingThatIsThere() throws IOException {
        Files.copy(STORED.resolve(Part.WIRE.file()), directory.resolve(Part.WIRE.file()));
        String machine = Files.readString(STORED.resolve(Report.MACHINE)).stripTrailing();
        Files.writeString(directory.resolve(Report.MACHINE), machine.substring(0, machine.length() - 1) + """
                , "parts": [{"part": "wire", "at": "2026-02-22T14:00:00Z", "seconds": 60, "assize": "0123abc", "outcome": ""}]}
                """);

        int exitCode = run("--only", "wire", "--missing", "--profile", "full", "--output", directory.toString());

        assertThat(exitCode).isEqualTo(ExitCodes.DONE);
        assertThat(directory.resolve(Part.WIRE.file())).hasSameTextualContentAs(STORED.resolve(Part.WIRE.file()));
    }

    @Test
    void rendersWhatWasMeasured() throws IOException {
        Files.copy(STORED.resolve(Part.WIRE.file()), directory.resolve(Part.WIRE.file()));
        Files.copy(STORED.resolve(Report.MACHINE), directory.resolve(Report.MACHINE));

        assertThat(run("--render", "--output", directory.toString())).isEqualTo(ExitCodes.DONE);

        assertThat(Files.readString(directory.resolve("report.md"))).contains("Calls over the wire");
    }

    private static int run(String... arguments) {
        return new CommandLine(new ReportCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setErr(new PrintWriter(new StringWriter()))
                .execute(arguments);
    }
}

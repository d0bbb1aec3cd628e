package dev.assize.benchmarks.report;

import dev.assize.server.cli.ExitCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures what the page of performance says, and writes it. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        description = {
            "Measures decisions in process beside other engines, and calls over the wire, and writes a page of it as HTML"
                    + " and as Markdown, with the raw figures beside it."
        })
public final class ReportCommand implements Callable<Integer> {

    /** What can be measured by itself. */
    enum Part {
        DECISIONS,
        LOAD
    }

    @Option(
            names = "--profile",
            defaultValue = "smoke",
            description =
                    "smoke (minutes, proves little), full (up to two hours), or trial (full once, as short as it can be,"
                            + " without figures of any worth); default: smoke.")
    private Profile profile = Profile.SMOKE;

    @Option(names = "--only", split = ",", paramLabel = "PART", description = "decisions or load; default: both.")
    private Set<Part> parts = Set.of(Part.DECISIONS, Part.LOAD);

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "Where raw figures and page go; default: docs/performance/<profile>.")
    private @Nullable Path output;

    @Option(names = "--render", description = "Measures nothing: writes the page anew from the raw figures there.")
    private boolean renders;

    @Option(
            names = "--jfr",
            description = "Records the first round's decisions with JDK Flight Recorder, below DIR/jfr.")
    private boolean records;

    private final long begunNanos = System.nanoTime();

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Path directory = output != null ? output : Path.of("docs", "performance", profile.label());
        Report report = new Report(directory);
        boolean isWhole = renders || measure(Files.createDirectories(directory), report);
        report.write();
        say("wrote " + directory.resolve("report.html") + " and report.md beside it");
        return isWhole ? ExitCodes.DONE : ExitCodes.ERROR;
    }

    /** Whether everything could be measured; what was not is told on the page. */
    private boolean measure(Path directory, Report report) throws Exception {
        report.keep(Machine.here(InstantSource.system(), profile));
        boolean isWhole = true;
        if (parts.contains(Part.DECISIONS)) {
            Path recordings = records ? Files.createDirectories(directory.resolve("jfr")) : null;
            DecisionRuns runs = new DecisionRuns(profile, recordings, this::say);
            runs.run(report::keep);
            isWhole = runs.isWhole();
        }
        if (parts.contains(Part.LOAD)) {
            isWhole &= load(directory.resolve(Report.LOAD));
        }
        return isWhole;
    }

    /**
     * The driver pins itself to cores, which should not befall this process. It also ends with an error where a part could
     * not be measured, of which what it writes tells.
     */
    private boolean load(Path json) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(DecisionRuns.FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.assize.benchmarks.Main", "load"));
        command.addAll(List.of("--profile", profile.label(), "--json", json.toString()));
        Files.deleteIfExists(json);
        int exitCode = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (exitCode != ExitCodes.DONE) {
            say("the load driver ended with exit code " + exitCode);
        }
        return exitCode == ExitCodes.DONE;
    }

    /** With the seconds since the command began, so that one sees what takes long. */
    private void say(String line) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        err.println("%5d s  %s".formatted((System.nanoTime() - begunNanos) / 1_000_000_000, line));
        err.flush();
    }
}

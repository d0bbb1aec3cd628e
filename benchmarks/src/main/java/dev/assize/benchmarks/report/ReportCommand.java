package dev.assize.benchmarks.report;

import dev.assize.benchmarks.load.Discretion;
import dev.assize.server.cli.ExitCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
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

    private static final Path KEPT = Path.of("docs", "performance");

    @Option(
            names = "--profile",
            defaultValue = "smoke",
            description = "smoke (minutes, proves little), full (an hour), or trial (full once, as short as it can be,"
                    + " without figures of any worth); default: smoke.")
    private Profile profile = Profile.SMOKE;

    @Option(
            names = "--only",
            split = ",",
            paramLabel = "PART",
            description =
                    "decisions, wire, client, tenants, starts or variations, with commas between them; load is those"
                            + " from wire to starts. Default: all but variations. The others' raw figures stay as they are.")
    private Set<Part> parts = Part.whole();

    @Option(
            names = "--missing",
            description = "Leaves out what was measured to its end before: goes on with a run that was ended.")
    private boolean goesOn;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "Where raw figures and page go; default: docs/performance/<profile>.")
    private @Nullable Path output;

    @Option(
            names = "--render",
            description =
                    "Measures nothing: writes every page that is kept anew from its raw figures, and the figures in"
                            + " README.md and docs/performance.md; with --output, that page alone.")
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
        if (renders) {
            for (Path directory : output != null ? List.of(output) : kept()) {
                write(new Report(directory), directory);
            }
            renewFigures();
            return ExitCodes.DONE;
        }
        Path directory = output != null ? output : KEPT.resolve(profile.label());
        return measure(Files.createDirectories(directory)) ? ExitCodes.DONE : ExitCodes.ERROR;
    }

    private static List<Path> kept() {
        return Stream.of(Profile.values())
                .map(profile -> KEPT.resolve(profile.label()))
                .filter(directory -> new Report(directory).isThere())
                .toList();
    }

    /** Whether everything could be measured; what was not is told on the page, which is written anew behind each part. */
    private boolean measure(Path directory) throws IOException, InterruptedException {
        Machine machine = Machine.here(InstantSource.system(), profile);
        Report report = new Report(directory);
        report.begin(machine);
        boolean isWhole = true;
        for (Part part : Part.of(parts)) {
            if (goesOn && report.has(part)) {
                say(part.label() + " was measured before");
                continue;
            }
            report.forget(part);
            Instant begun = InstantSource.system().instant();
            String outcome = outcome(part, directory, report);
            long seconds =
                    Duration.between(begun, InstantSource.system().instant()).toSeconds();
            report.keep(
                    part,
                    new Machine.Measured(
                            part.label(),
                            begun.truncatedTo(ChronoUnit.SECONDS).toString(),
                            seconds,
                            machine.assize(),
                            outcome));
            say(part.label() + (outcome.isEmpty() ? " is measured" : ": " + outcome));
            isWhole &= outcome.isEmpty();
            write(report, directory);
        }
        renewFigures();
        return isWhole;
    }

    /** How it ended, empty where all is well. One part that fails, in whatever way, is no reason to lose the others. */
    private String outcome(Part part, Path directory, Report report) throws InterruptedException {
        try {
            return switch (part) {
                case DECISIONS -> decisions(directory, report);
                case WIRE, CLIENT, TENANTS, STARTS, LOAD -> load(part, directory);
                case VARIATIONS -> variations(directory, report);
            };
        } catch (IOException | RuntimeException | AssertionError failure) {
            return Discretion.of("it ended by " + failure);
        }
    }

    private String decisions(Path directory, Report report) throws IOException, InterruptedException {
        Path recordings = records ? Files.createDirectories(directory.resolve("jfr")) : null;
        DecisionRuns runs = new DecisionRuns(profile, recordings, this::say);
        runs.run(report::keep);
        return runs.isWhole() ? "" : "not all of it could be measured";
    }

    private String variations(Path directory, Report report) throws IOException, InterruptedException {
        String outcome = load(Part.VARIATIONS, directory);
        DecisionRuns runs = DecisionRuns.ofExpiry(profile, this::say);
        runs.runRounds(report::keepExpiry);
        return runs.isWhole() ? outcome : "not all of it could be measured";
    }

    /**
     * The driver pins itself to cores, which should not befall this process. It also ends with an error where something could
     * not be measured, of which what it writes tells.
     */
    private String load(Part part, Path directory) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(DecisionRuns.FLAGS);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.assize.benchmarks.Main", "load"));
        command.addAll(List.of("--profile", profile.label(), "--only", part.label()));
        command.addAll(List.of("--json", directory.resolve(part.file()).toString()));
        Process driver = new ProcessBuilder(command).inheritIO().start();
        Thread ending = new Thread(driver::destroy);
        Runtime.getRuntime().addShutdownHook(ending);
        int exitCode = driver.waitFor();
        Runtime.getRuntime().removeShutdownHook(ending);
        return exitCode == ExitCodes.DONE ? "" : "not all of it could be measured (exit code " + exitCode + ")";
    }

    private void write(Report report, Path directory) throws IOException {
        report.write();
        say("wrote " + directory.resolve("report.html") + " and report.md beside it");
    }

    /** Where this is the repository, and nobody wanted the page elsewhere. */
    private void renewFigures() throws IOException {
        if (output == null && !kept().isEmpty()) {
            Summary summary = Summary.of(KEPT);
            summary.renew(Path.of("README.md"));
            summary.renew(Path.of("docs", "performance.md"));
        }
    }

    /** With the seconds since the command began, so that one sees what takes long. */
    private void say(String line) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        err.println("%5d s  %s".formatted((System.nanoTime() - begunNanos) / 1_000_000_000, line));
        err.flush();
    }
}

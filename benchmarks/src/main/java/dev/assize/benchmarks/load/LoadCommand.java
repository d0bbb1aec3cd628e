package dev.assize.benchmarks.load;

import dev.assize.server.cli.ExitCodes;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures calls over the wire beside a server that decides nothing and beside grpc-java as one begins with it. */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        description = {
            "Measures calls over the wire: Assize, a no-op service on the same transport and the same service on stock"
                    + " grpc-java, in turns and in one run, each in a process of its own."
        })
public final class LoadCommand implements Callable<Integer> {

    static final List<String> FLAGS = List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:+UseCompactObjectHeaders",
            "-Dguice_bytecode_gen_option=DISABLED",
            "-Djdk.reflect.useNativeAccessorOnly=true",
            "-Dio.grpc.netty.shaded.io.netty.jfr.enabled=false");

    @Option(
            names = "--profile",
            defaultValue = "smoke",
            description = "smoke (minutes), full (half an hour), or trial (full once, as short as it can be, without"
                    + " figures of any worth); default: smoke.")
    private ProfileName profileName = ProfileName.SMOKE;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes every burst there.")
    private @Nullable Path json;

    @Option(
            names = "--only",
            split = ",",
            paramLabel = "PART",
            description = "wire, client, tenants, starts or variations, with commas between them; default: all but"
                    + " variations.")
    private List<Part> parts = List.of(Part.WIRE, Part.CLIENT, Part.TENANTS, Part.STARTS);

    @Option(names = "--server-cores", defaultValue = "", description = "As taskset takes them; default: 0.")
    private String serverCores = "";

    @Option(names = "--client-cores", defaultValue = "", description = "As taskset takes them; default: 1.")
    private String clientCores = "";

    @Option(
            names = "--launcher",
            paramLabel = "FILE",
            description = "The script that starts Assize; default: the one above this jar, or else its main class.")
    private @Nullable Path launcher;

    @Option(
            names = "--server-option",
            paramLabel = "OPTION",
            description =
                    "Of every server's JVM, may be repeated; default: -Xmx3g -XX:+UseG1GC, and one processor where"
                            + " it is pinned to one.")
    private List<String> serverOptions = List.of();

    @Option(
            names = "--jfr",
            paramLabel = "FILE",
            description =
                    "Records Assize there while calls of every kind are measured, for JDK Mission Control or a flame"
                            + " graph. It costs the server something: take no figures from such a run.")
    private @Nullable Path flightRecording;

    @Option(names = "--database-url", description = "An empty PostgreSQL for Assize; default: its own.")
    private @Nullable String databaseUrl;

    @Option(names = "--database-user", defaultValue = "", description = "The application's role there.")
    private String databaseUser = "";

    @Option(names = "--database-password", defaultValue = "", description = "Its password.")
    private String databasePassword = "";

    @Option(names = "--database-owner", defaultValue = "", description = "The role that migrates there.")
    private String databaseOwner = "";

    @Option(names = "--database-owner-password", defaultValue = "", description = "Its password.")
    private String databaseOwnerPassword = "";

    private final long begunNanos = System.nanoTime();

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Profile profile = switch (profileName) {
            case SMOKE -> Profile.smoke();
            case TRIAL -> Profile.trial();
            case FULL -> Profile.full();
        };
        Cores cores = Cores.plan(serverCores, clientCores);
        List<String> options = options(cores);
        Path script = launcher != null ? launcher : launcherAbove();
        Instant startedAt = Instant.now();
        Findings findings = new Findings();
        Path directory = Files.createTempDirectory("assize-load");
        say("profile " + profile.name() + "; " + cores);
        cores.pinClient(ProcessHandle.current().pid());
        try {
            for (Part part : parts) {
                try {
                    measure(part, profile, cores, options, script, directory, findings);
                } catch (IOException | SQLException | GeneralSecurityException | RuntimeException failure) {
                    // What the other parts found would be lost with it.
                    findings.incomplete(part.toString().toLowerCase(Locale.ROOT), failure);
                }
                if (json != null) {
                    // After each part: whoever ends the run has what there is so far.
                    ResultFile.write(json, run(profile, cores, options, script, startedAt), findings);
                }
            }
        } finally {
            Scratch.delete(directory);
        }
        new ResultTable(out()).print(findings);
        return findings.isComplete() ? ExitCodes.DONE : ExitCodes.ERROR;
    }

    private void measure(
            Part part,
            Profile profile,
            Cores cores,
            List<String> options,
            @Nullable Path script,
            Path directory,
            Findings findings)
            throws Exception {
        AssizeProcess.Launch launch = AssizeProcess.Launch.of(cores, FLAGS, options, script);
        switch (part) {
            case WIRE -> {
                AssizeProcess.Launch recorded = AssizeProcess.Launch.of(cores, FLAGS, recorded(options), script);
                try (LoadPlan plan = new LoadPlan(
                        profile,
                        cores,
                        withFlags(options),
                        launch,
                        recorded,
                        database(),
                        directory,
                        findings,
                        this::say)) {
                    plan.run();
                }
                tellHowAssizeIsStarted(script, findings);
            }
            case CLIENT -> {
                try (ClientPlan plan = new ClientPlan(profile, cores, launch, findings, this::say)) {
                    plan.run();
                }
            }
            case TENANTS -> {
                try (TenantsPlan plan = new TenantsPlan(profile, cores, launch, findings, this::say)) {
                    plan.run();
                }
            }
            case VARIATIONS -> {
                try (VariationsPlan plan = new VariationsPlan(
                        profile,
                        cores,
                        FLAGS,
                        options,
                        varied -> AssizeProcess.Launch.of(cores, FLAGS, varied, script),
                        directory,
                        findings,
                        this::say)) {
                    plan.run();
                }
            }
            case STARTS -> {
                AssizeProcess.Launch plain = AssizeProcess.Launch.of(cores, FLAGS, List.of(), script);
                try (StartPlan plan = new StartPlan(profile, plain, directory, findings, this::say)) {
                    plan.run();
                }
            }
        }
    }

    private void tellHowAssizeIsStarted(@Nullable Path script, Findings findings) {
        if (script != null) {
            findings.remark(
                    "Assize is started by its launcher, with a heap that begins with some megabytes and classes of an"
                            + " earlier start; no-op and stock have no such flags, begin with the JVM's own heap, a 64th of the"
                            + " memory, and are collected less often");
        }
        if (flightRecording != null) {
            findings.remark(
                    "Assize was recorded while calls were measured, no-op and stock were not: take no figure from"
                            + " this");
        }
    }

    private List<String> options(Cores cores) {
        if (!serverOptions.isEmpty()) {
            return serverOptions;
        }
        List<String> options = new ArrayList<>(List.of("-Xmx3g", "-XX:+UseG1GC"));
        if (cores.arePinned()) {
            options.add("-XX:ActiveProcessorCount=" + cores.ofServer());
        }
        return options;
    }

    private List<String> recorded(List<String> options) {
        return flightRecording == null
                ? options
                : Stream.concat(
                                options.stream(),
                                Stream.of("-XX:StartFlightRecording=settings=profile,dumponexit=true,filename="
                                        + flightRecording.toAbsolutePath()))
                        .toList();
    }

    private static List<String> withFlags(List<String> options) {
        return Stream.concat(FLAGS.stream(), options.stream()).toList();
    }

    private Map<String, String> database() {
        return databaseUrl == null
                ? Map.of()
                : new OutsideDatabase(databaseUrl, databaseUser, databasePassword, databaseOwner, databaseOwnerPassword)
                        .settings();
    }

    private Map<String, Object> run(
            Profile profile, Cores cores, List<String> options, @Nullable Path script, Instant startedAt) {
        Map<String, Object> run = new LinkedHashMap<>();
        run.put("command", "assize bench load --profile " + profile.name());
        run.put("profile", profile.name());
        run.put("startedAt", startedAt.toString());
        run.put("seconds", Instant.now().getEpochSecond() - startedAt.getEpochSecond());
        run.put("machine", Machine.describe(cores));
        run.put("versions", Machine.versions());
        run.put(
                "flags",
                Map.of(
                        "server",
                        withFlags(options),
                        "launchedBy",
                        script == null ? "java" : script.getFileName().toString()));
        run.put(
                "rules",
                Map.of(
                        "bursts",
                        profile.rounds(),
                        "burstSeconds",
                        profile.burst().toMillis() / 1e3,
                        "settleSeconds",
                        profile.settle().toMillis() / 1e3,
                        "disturbedAboveCores",
                        profile.disturbedAbove(),
                        "coverage",
                        Estimate.WANTED_COVERAGE,
                        "noise",
                        Bar.NOISE));
        return run;
    }

    /** In the repository the jar is at benchmarks/target, and the launcher above that. */
    private static @Nullable Path launcherAbove() throws URISyntaxException {
        Path code = Path.of(
                Objects.requireNonNull(LoadCommand.class.getProtectionDomain().getCodeSource())
                        .getLocation()
                        .toURI());
        for (Path above = code.getParent(); above != null; above = above.getParent()) {
            Path script = above.resolve("assize");
            if (Files.isRegularFile(script) && Files.isExecutable(script)) {
                return script;
            }
        }
        return null;
    }

    private PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    /** With the seconds since the command began, so that one sees what takes long. */
    private void say(String line) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        err.println("%5d s  %s".formatted((System.nanoTime() - begunNanos) / 1_000_000_000, line));
        err.flush();
    }

    /** How much is measured. */
    enum ProfileName {
        SMOKE,
        TRIAL,
        FULL
    }

    /** What is measured. */
    enum Part {
        /** Calls of every kind beside the other services. */
        WIRE,
        /** The Java client with many callers. */
        CLIENT,
        /** Many tenants behind a cache that holds a tenth of them. */
        TENANTS,
        /** Starts, the first second, and memory. */
        STARTS,
        /** What single choices are worth: threads, transports, collectors and the like. */
        VARIATIONS
    }
}

package dev.assize.benchmarks.report;

import dev.assize.benchmarks.BindingHeap;
import dev.assize.benchmarks.DeskBenchmark;
import dev.assize.benchmarks.ExpiryBenchmark;
import dev.assize.benchmarks.peer.Peer;
import dev.assize.benchmarks.peer.PeerBenchmark;
import dev.assize.benchmarks.peer.Peers;
import dev.assize.benchmarks.peer.RoleModel;
import dev.assize.benchmarks.report.Decisions.Heap;
import dev.assize.benchmarks.report.Decisions.Measurement;
import dev.assize.benchmarks.world.World;
import dev.assize.benchmarks.world.WorldBenchmark;
import dev.assize.benchmarks.world.WorldEngines;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.profile.JavaFlightRecorderProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Measures by JMH, in rounds: each round measures every cell once, each in a process of its own and in a shuffled order, so
 * that what disturbs the machine for a while disturbs all alike, and ratios are taken within a round.
 */
final class DecisionRuns {

    /** Of the processes that decide. */
    static final List<String> FLAGS = List.of(
            "-Xmx4g",
            "-XX:+UseCompactObjectHeaders",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    private final Profile profile;
    private final @Nullable Path recordings;
    private final Consumer<String> progress;
    private final DecisionRounds rounds;
    private final List<Heap> heaps = new ArrayList<>();

    /**
     * @param recordings where the first round's JFR recordings go; null for none
     */
    DecisionRuns(Profile profile, @Nullable Path recordings, Consumer<String> progress) {
        this(profile, profile.cells(), recordings, progress);
    }

    private DecisionRuns(Profile profile, List<Cell> cells, @Nullable Path recordings, Consumer<String> progress) {
        this.profile = profile;
        this.recordings = recordings;
        this.progress = progress;
        this.rounds = new DecisionRounds(profile.rounds(), cells, progress);
    }

    /** What is measured of a cache beside the variations of the wire. */
    static DecisionRuns ofExpiry(Profile profile, Consumer<String> progress) {
        List<Cell> cells = Stream.of(ExpiryBenchmark.Ends.values())
                .map(ends -> new Cell(Cell.EXPIRY, "caffeine", ends.name(), "", profile.rounds()))
                .toList();
        return new DecisionRuns(profile, cells, null, progress);
    }

    /** Measures nothing but the rounds. */
    void runRounds(Keeping keeping) throws IOException, InterruptedException {
        rounds.measure(this::measure, () -> keeping.keep(soFar()));
    }

    /**
     * Measures everything. An engine that answers otherwise than the model ends all.
     *
     * @param keeping is given all so far, after each round
     */
    void run(Keeping keeping) throws IOException, InterruptedException {
        progress.accept("%,d processes, %,d minutes of timing and more than as much again for their starts"
                .formatted(profile.processes(), profile.timed().toMinutes()));
        requireEqualAnswers();
        String what = "memory by %,d bindings".formatted(profile.heap());
        progress.accept(what + " ...");
        rounds.tryTo(what, () -> heaps.add(heap(profile.heap())));
        runRounds(keeping);
    }

    /** Whether nothing failed. */
    boolean isWhole() {
        return rounds.failures().isEmpty();
    }

    private Decisions soFar() {
        return new Decisions(Decisions.SCHEMA, rounds.measurements(), List.copyOf(heaps), rounds.failures());
    }

    private void requireEqualAnswers() throws InterruptedException {
        for (Cell cell : profile.cells()) {
            if (!cell.isDesk() && cell.access().equals(PeerBenchmark.Access.HOT.name())) {
                progress.accept("%s answers %,d questions about %s as the model does"
                        .formatted(cell.engine(), Peers.ASSERTED_QUESTIONS, cell.model()));
                rounds.tryTo(cell, () -> requireEqualAnswers(cell));
            }
        }
    }

    /** In a process of its own, whose heap has nothing else. */
    private static Heap heap(int bindings) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(FLAGS);
        // Behind the usual heap, since the policy is compiled from documents that are there all at once.
        command.addAll(List.of("-Xmx6g", "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(BindingHeap.class.getName(), Integer.toString(bindings)));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Map<String, Long> bytes = new HashMap<>();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            // A JVM may say something there, too.
            out.lines().filter(line -> line.matches("[a-z]+ -?\\d+")).forEach(line -> {
                int space = line.indexOf(' ');
                bytes.put(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
            });
        }
        int exitCode = process.waitFor();
        Long graph = bytes.get(BindingHeap.GRAPH);
        Long documents = bytes.get(BindingHeap.DOCUMENTS);
        if (exitCode != 0 || graph == null || documents == null) {
            throw new IOException("it ended with exit code " + exitCode);
        }
        return new Heap(bindings, graph, documents);
    }

    private static void requireEqualAnswers(Cell cell) throws Exception {
        if (cell.isWorld()) {
            WorldEngines.requireEqualAnswers(cell.engine(), World.named(cell.model(), Peers.ASSERTED_QUESTIONS));
            return;
        }
        RoleModel model = RoleModel.named(cell.model());
        Peer peer = Peers.open(cell.engine(), model);
        Peers.requireEqualAnswers(cell.engine(), peer, model, model.hot(Peers.ASSERTED_QUESTIONS));
    }

    private Measurement measure(Cell cell, int round) throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .forks(1)
                .warmupIterations(profile.warmUps(cell))
                .warmupTime(TimeValue.milliseconds(profile.warmUp().toMillis()))
                .measurementIterations(profile.iterations())
                .measurementTime(TimeValue.milliseconds(Profile.ITERATION.toMillis()))
                .jvmArgs(FLAGS.toArray(String[]::new))
                .jvmArgsAppend("-Dassize.peers.asserted=64")
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
        choose(cell, options);
        if (recordings != null && round == 0) {
            options.addProfiler(JavaFlightRecorderProfiler.class, "dir=" + recordings);
        }
        RunResult result = new Runner(options.build()).runSingle();
        Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
        return new Measurement(
                cell.part(),
                cell.engine(),
                cell.model(),
                cell.access(),
                round,
                iterations(result),
                Math.rint(Objects.requireNonNull(allocated).getScore() * 10) / 10);
    }

    private static void choose(Cell cell, ChainedOptionsBuilder options) {
        if (cell.isDesk()) {
            include(DeskBenchmark.class, cell.engine(), options);
            options.param("world", cell.model());
            return;
        }
        if (cell.isExpiry()) {
            include(ExpiryBenchmark.class, "found", options);
            options.param("ends", cell.model());
            return;
        }
        include(cell.isWorld() ? WorldBenchmark.class : PeerBenchmark.class, "decide", options);
        options.param("engine", cell.engine()).param("model", cell.model());
        if (!cell.isWorld()) {
            options.param("access", cell.access());
        }
    }

    private static void include(Class<?> benchmark, String method, ChainedOptionsBuilder options) {
        options.include("^" + Pattern.quote(benchmark.getName() + "." + method) + "$");
    }

    private static List<Double> iterations(RunResult result) {
        return result.getBenchmarkResults().stream()
                .flatMap(fork -> fork.getIterationResults().stream())
                .map(iteration -> iteration.getPrimaryResult().getScore())
                .map(nanos -> Math.rint(nanos * 100) / 100)
                .toList();
    }

    /** Keeps what was measured so far. */
    @FunctionalInterface
    interface Keeping {

        void keep(Decisions soFar) throws IOException;
    }
}

package dev.assize.benchmarks.report;

import dev.assize.benchmarks.DeskBenchmark;
import dev.assize.benchmarks.peer.Peer;
import dev.assize.benchmarks.peer.PeerBenchmark;
import dev.assize.benchmarks.peer.Peers;
import dev.assize.benchmarks.peer.RoleModel;
import dev.assize.benchmarks.report.Decisions.Measurement;
import dev.assize.benchmarks.world.World;
import dev.assize.benchmarks.world.WorldBenchmark;
import dev.assize.benchmarks.world.WorldEngines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.regex.Pattern;
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

    private static final TimeValue ITERATION = TimeValue.milliseconds(100);

    private final Profile profile;
    private final @Nullable Path recordings;
    private final Consumer<String> progress;

    /**
     * @param recordings where the first round's JFR recordings go; null for none
     */
    DecisionRuns(Profile profile, @Nullable Path recordings, Consumer<String> progress) {
        this.profile = profile;
        this.recordings = recordings;
        this.progress = progress;
    }

    Decisions run() throws Exception {
        requireEqualAnswers();
        List<Measurement> measurements = new ArrayList<>();
        for (int round = 0; round < profile.rounds(); round++) {
            List<Cell> cells = new ArrayList<>(profile.cells());
            Collections.shuffle(cells, new Random(round));
            for (Cell cell : cells) {
                if (round < cell.rounds()) {
                    Measurement measured = measure(cell, round);
                    progress.accept("round %d of %d: %s, %s, %s: %s ns"
                            .formatted(
                                    round + 1,
                                    profile.rounds(),
                                    cell.engine(),
                                    cell.model(),
                                    cell.access(),
                                    Numbers.plain(Spread.of(measured.nanos()).median())));
                    measurements.add(measured);
                }
            }
        }
        return new Decisions(Decisions.SCHEMA, inOrder(measurements));
    }

    private void requireEqualAnswers() throws Exception {
        for (Cell cell : profile.cells()) {
            if (!cell.isDesk() && cell.access().equals(PeerBenchmark.Access.HOT.name())) {
                progress.accept("%s answers %,d questions about %s as the model does"
                        .formatted(cell.engine(), Peers.ASSERTED_QUESTIONS, cell.model()));
                requireEqualAnswers(cell);
            }
        }
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
                .warmupIterations(profile.warmUps())
                .warmupTime(TimeValue.milliseconds(profile.warmUp().toMillis()))
                .measurementIterations(profile.iterations())
                .measurementTime(ITERATION)
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

    /** By cell and then by round, whatever the order they were shuffled into. */
    private List<Measurement> inOrder(List<Measurement> measurements) {
        List<Measurement> ordered = new ArrayList<>();
        for (Cell cell : profile.cells()) {
            measurements.stream()
                    .filter(measured -> measured.isOf(cell.part(), cell.engine(), cell.model(), cell.access()))
                    .forEach(ordered::add);
        }
        return ordered;
    }
}

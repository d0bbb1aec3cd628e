package dev.assize.benchmarks.report;

import dev.assize.benchmarks.peer.PeerBenchmark;
import dev.assize.benchmarks.peer.Peers;
import dev.assize.benchmarks.world.WorldEngines;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How much is measured: enough to see that it works, or enough to say what is proven. */
enum Profile {
    /** Minutes; its intervals are of three rounds and prove little. */
    SMOKE(3, 2, Duration.ofSeconds(1), 5, 100_000) {
        @Override
        List<Cell> cells() {
            List<Cell> cells = new ArrayList<>();
            cells.addAll(hot(Cell.DESK, List.of("desk", MAPS, MAPS_GIVEN_STRINGS), rounds(), "HOT", "COLD"));
            cells.addAll(hot("peers", Peers.NAMES, rounds(), "one-tenant"));
            cells.addAll(hot("policies", BOTH, rounds(), "policies-10", "policies-1000", "policies-40000"));
            cells.addAll(hot("bindings", BOTH, rounds(), "bindings-1000", "bindings-100000"));
            cells.addAll(hot("hospital", BOTH, rounds(), "hospital-5", "hospital-300"));
            cells.addAll(hot(Cell.WORLDS, WorldEngines.NAMES, rounds(), "gdrive-50", "github-50", "tinytodo-50"));
            return cells;
        }
    },

    /** About an hour for the decisions in process on two processors; what has a bar has all rounds. */
    FULL(9, 2, Duration.ofSeconds(1), 10, 1_000_000) {
        @Override
        List<Cell> cells() {
            List<Cell> cells = new ArrayList<>();
            String[] desks = {"HOT", "HOT_OF_MANY", "COLD"};
            String[] policies = {"policies-10", "policies-100", "policies-1000", "policies-10000", "policies-40000"};
            String[] bindings = {"bindings-1000", "bindings-10000", "bindings-100000", "bindings-1000000"};
            String[] hospitals = {"hospital-5", "hospital-50", "hospital-300"};
            cells.addAll(hot(Cell.DESK, List.of("desk", "batch", MAPS), rounds(), desks));
            cells.addAll(hot(Cell.DESK, List.of(MAPS_GIVEN_STRINGS), SOME_ROUNDS, desks));
            cells.addAll(hot(Cell.DESK, List.of("desk"), SOME_ROUNDS, "ALLOW", "DENY", "GROUP", "SCOPED", "TIMED"));
            cells.addAll(hot("peers", Peers.NAMES, rounds(), "one-tenant"));
            cells.addAll(hot("policies", OURS, rounds(), policies));
            cells.addAll(hot("policies", MAPS_BESIDE, SOME_ROUNDS, policies));
            cells.addAll(uniform("policies", BOTH, FEW_ROUNDS, policies));
            cells.addAll(hot("policies", OTHERS, FEW_ROUNDS, "policies-10", "policies-1000", "policies-10000"));
            cells.addAll(hot("bindings", OURS, rounds(), bindings));
            cells.addAll(hot("bindings", MAPS_BESIDE, SOME_ROUNDS, bindings));
            cells.addAll(uniform("bindings", BOTH, FEW_ROUNDS, bindings));
            cells.addAll(hot("hospital", OURS, rounds(), hospitals));
            cells.addAll(hot("hospital", MAPS_BESIDE, SOME_ROUNDS, hospitals));
            cells.addAll(hot("hospital", OTHERS, FEW_ROUNDS, hospitals));
            cells.addAll(hot(Cell.WORLDS, WorldEngines.NAMES, SOME_ROUNDS, "gdrive-5", "github-5", "tinytodo-5"));
            cells.addAll(hot(Cell.WORLDS, WorldEngines.NAMES, rounds(), "gdrive-50", "github-50", "tinytodo-50"));
            return cells;
        }
    },

    /** All that the full profile does once, as short as it can be: says whether that one would run, and no figure. */
    TRIAL(1, 1, Duration.ofMillis(200), 1, FULL.heap) {
        @Override
        List<Cell> cells() {
            return FULL.cells();
        }
    };

    /** As the benchmark of the desk calls its maps. */
    static final String MAPS = "nestedMaps";

    static final String MAPS_GIVEN_STRINGS = "nestedMapsGivenStrings";

    /** Of what is a curve, and no bar. */
    private static final int SOME_ROUNDS = 5;

    /** Of engines that are slower by far, where only their growth is of interest. */
    private static final int FEW_ROUNDS = 3;

    /** How long one iteration is. */
    static final Duration ITERATION = Duration.ofMillis(100);

    private static final List<String> OURS = List.of("assize");
    private static final List<String> MAPS_BESIDE = List.of("nested-maps");
    private static final List<String> BOTH = List.of("assize", "nested-maps");
    private static final List<String> OTHERS = List.of("jcasbin", "jcasbin-cached", "cedar-java", "authzforce");

    private final int rounds;
    private final int warmUps;
    private final Duration warmUp;
    private final int iterations;
    private final int heap;

    Profile(int rounds, int warmUps, Duration warmUp, int iterations, int heap) {
        this.rounds = rounds;
        this.warmUps = warmUps;
        this.warmUp = warmUp;
        this.iterations = iterations;
        this.heap = heap;
    }

    /** Every benchmark once, in a process of its own. */
    abstract List<Cell> cells();

    int rounds() {
        return rounds;
    }

    int warmUps() {
        return warmUps;
    }

    Duration warmUp() {
        return warmUp;
    }

    int iterations() {
        return iterations;
    }

    /** Of how many bindings the compiled policy is weighed. */
    int heap() {
        return heap;
    }

    /** How many processes are timed. */
    int processes() {
        return cells().stream()
                .mapToInt(cell -> Math.min(rounds, cell.rounds()))
                .sum();
    }

    /** What the warm-ups and iterations take; starts of processes, and what they do before they are timed, come on top. */
    Duration timed() {
        return warmUp.multipliedBy(warmUps)
                .plus(ITERATION.multipliedBy(iterations))
                .multipliedBy(processes());
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static List<Cell> hot(String part, List<String> engines, int rounds, String... models) {
        return cells(part, engines, rounds, PeerBenchmark.Access.HOT, models);
    }

    private static List<Cell> uniform(String part, List<String> engines, int rounds, String... models) {
        return cells(part, engines, rounds, PeerBenchmark.Access.UNIFORM, models);
    }

    private static List<Cell> cells(
            String part, List<String> engines, int rounds, PeerBenchmark.Access access, String... models) {
        return List.of(models).stream()
                .flatMap(model -> engines.stream().map(engine -> new Cell(part, engine, model, access.name(), rounds)))
                .toList();
    }
}

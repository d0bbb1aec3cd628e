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
    SMOKE(3, Duration.ofSeconds(1), 100_000) {
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

    /** Half an hour for the decisions in process on two processors; every ratio with a bar has all rounds. */
    FULL(9, Duration.ofSeconds(1), 1_000_000) {
        @Override
        List<Cell> cells() {
            List<Cell> cells = new ArrayList<>();
            String[] desks = {"HOT", "HOT_OF_MANY", "COLD"};
            cells.addAll(hot(Cell.DESK, List.of("desk", MAPS), rounds(), desks));
            cells.addAll(hot(Cell.DESK, List.of("desk"), SURE_ROUNDS, "ALLOW", "DENY", "GROUP", "SCOPED", "TIMED"));
            cells.addAll(hot(Cell.DESK, List.of("batch", MAPS_GIVEN_STRINGS), FEW_ROUNDS, desks));
            for (String engine : Peers.NAMES) {
                boolean isJudged = engine.equals("assize") || DecisionChapter.WANTED.containsKey(engine);
                cells.addAll(hot("peers", List.of(engine), isJudged ? rounds() : FEW_ROUNDS, "one-tenant"));
            }
            String[] policies = {"policies-100", "policies-1000", "policies-10000"};
            cells.addAll(hot("policies", OURS, rounds(), "policies-10", "policies-40000"));
            cells.addAll(hot("policies", OURS, FEW_ROUNDS, policies));
            cells.addAll(hot("policies", MAPS_BESIDE, FEW_ROUNDS, "policies-10", "policies-1000", "policies-40000"));
            cells.addAll(uniform("policies", OURS, FEW_ROUNDS, "policies-10", "policies-1000", "policies-40000"));
            cells.addAll(hot("policies", OTHERS, FEW_ROUNDS, "policies-10", "policies-100", "policies-1000"));
            String[] bindings = {"bindings-1000", "bindings-10000", "bindings-100000", "bindings-1000000"};
            cells.addAll(hot("bindings", OURS, rounds(), "bindings-1000", "bindings-1000000"));
            cells.addAll(hot("bindings", OURS, FEW_ROUNDS, "bindings-10000", "bindings-100000"));
            cells.addAll(hot("bindings", MAPS_BESIDE, FEW_ROUNDS, "bindings-1000", "bindings-1000000"));
            cells.addAll(uniform("bindings", OURS, FEW_ROUNDS, bindings));
            cells.addAll(uniform("bindings", MAPS_BESIDE, FEW_ROUNDS, "bindings-1000", "bindings-1000000"));
            cells.addAll(hot("hospital", OURS, rounds(), "hospital-5", "hospital-300"));
            cells.addAll(hot("hospital", OURS, FEW_ROUNDS, "hospital-50"));
            cells.addAll(hot("hospital", MAPS_BESIDE, FEW_ROUNDS, "hospital-5", "hospital-300"));
            cells.addAll(hot("hospital", OTHERS, FEW_ROUNDS, "hospital-5", "hospital-50", "hospital-300"));
            cells.addAll(hot(Cell.WORLDS, WorldEngines.NAMES, rounds(), "gdrive-50", "github-50", "tinytodo-50"));
            return cells;
        }
    },

    /** All that the full profile does once, as short as it can be: says whether that one would run, and no figure. */
    TRIAL(1, Duration.ofMillis(200), FULL.heap) {
        @Override
        List<Cell> cells() {
            return FULL.cells();
        }
    };

    /** As the benchmark of the desk calls its maps. */
    static final String MAPS = "nestedMaps";

    static final String MAPS_GIVEN_STRINGS = "nestedMapsGivenStrings";

    /** The fewest whose interval holds the true median 95 times in 100: of figures that are judged, and are no ratios. */
    private static final int SURE_ROUNDS = 6;

    /** Of what is a curve, and no bar. */
    private static final int FEW_ROUNDS = 3;

    /** How long one iteration is. */
    static final Duration ITERATION = Duration.ofMillis(100);

    /** Of which the median is taken; what tells one process from another are the rounds. */
    private static final int ITERATIONS = 5;

    private static final List<String> OURS = List.of("assize");
    private static final List<String> MAPS_BESIDE = List.of("nested-maps");
    private static final List<String> BOTH = List.of("assize", "nested-maps");

    /** One that evaluates its rules one by one, and one that is native code behind JSON. */
    private static final List<String> OTHERS = List.of("jcasbin", "cedar-java");

    private final int rounds;
    private final Duration warmUp;
    private final int heap;

    Profile(int rounds, Duration warmUp, int heap) {
        this.rounds = rounds;
        this.warmUp = warmUp;
        this.heap = heap;
    }

    /** Every benchmark once, in a process of its own. */
    abstract List<Cell> cells();

    int rounds() {
        return rounds;
    }

    /**
     * How often that long a warm-up is. A lookup is compiled to its end within a tenth of it. An engine that goes through a
     * hundred times as much code for a question is compiled later, and is not to be met before.
     */
    int warmUps(Cell cell) {
        return cell.isOfOthers() ? 2 : 1;
    }

    Duration warmUp() {
        return warmUp;
    }

    int iterations() {
        return this == TRIAL ? 1 : ITERATIONS;
    }

    /** Of how many bindings the compiled policy is weighed. */
    int heap() {
        return heap;
    }

    /** How many processes are timed. */
    int processes() {
        return cells().stream().mapToInt(this::processes).sum();
    }

    /** What the warm-ups and iterations take; starts of processes, and what they do before they are timed, come on top. */
    Duration timed() {
        return cells().stream()
                .map(cell -> timed(cell).multipliedBy(processes(cell)))
                .reduce(Duration.ZERO, Duration::plus);
    }

    private Duration timed(Cell cell) {
        return warmUp.multipliedBy(warmUps(cell)).plus(ITERATION.multipliedBy(iterations()));
    }

    private int processes(Cell cell) {
        return Math.min(rounds, cell.rounds());
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

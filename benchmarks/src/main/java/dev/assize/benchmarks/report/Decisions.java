package dev.assize.benchmarks.report;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All decisions in process that were timed, as they are kept.
 *
 * @param heaps of compiled policies, which are not timed; null where none was measured
 * @param failures what could not be measured, each a sentence; null where there was none
 */
record Decisions(
        String schema,
        List<Measurement> measurements,
        @Nullable List<Heap> heaps,
        @Nullable List<String> failures) {

    static final String SCHEMA = "assize/decisions/1";

    /**
     * One engine in one round.
     *
     * @param nanos a decision, for each iteration
     * @param bytes allocated for a decision
     */
    record Measurement(
            String part, String engine, String model, String access, int round, List<Double> nanos, double bytes) {

        boolean isOf(String part, String engine, String model, String access) {
            return this.part.equals(part)
                    && this.engine.equals(engine)
                    && this.model.equals(model)
                    && this.access.equals(access);
        }
    }

    /** One engine in all rounds: the median of each, by round. */
    record Figure(Map<Integer, Double> nanosByRound, double bytes) {

        Spread nanos() {
            return Spread.of(nanosByRound.values());
        }

        /** How many times as long it takes as the other; by round, since a round's machine is one and the same. */
        Spread ratioTo(Figure other) {
            List<Double> ratios = new ArrayList<>();
            nanosByRound.forEach((round, nanos) -> {
                Double others = other.nanosByRound.get(round);
                if (others != null) {
                    ratios.add(nanos / others);
                }
            });
            return Spread.of(ratios);
        }
    }

    /**
     * What one compiled policy takes.
     *
     * @param bindings in it
     * @param graphBytes of what decides, with what it worked out meanwhile
     * @param documentBytes of what it was compiled from
     */
    record Heap(int bindings, long graphBytes, long documentBytes) {}

    List<Heap> heapsOrNone() {
        return heaps == null ? List.of() : heaps;
    }

    List<String> failuresOrNone() {
        return failures == null ? List.of() : failures;
    }

    boolean has(String part) {
        return measurements.stream().anyMatch(measurement -> measurement.part.equals(part));
    }

    /** In the order they were measured in. */
    List<String> engines(String part) {
        return List.copyOf(measurements.stream()
                .filter(measurement -> measurement.part.equals(part))
                .map(Measurement::engine)
                .collect(Collectors.toCollection(LinkedHashSet::new)));
    }

    /** By the number their names end with. */
    List<String> models(String part) {
        return measurements.stream()
                .filter(measurement -> measurement.part.equals(part))
                .map(Measurement::model)
                .distinct()
                .sorted((one, other) -> Integer.compare(size(one), size(other)))
                .toList();
    }

    Optional<Figure> figure(String part, String engine, String model, String access) {
        Predicate<Measurement> wanted = measurement -> measurement.isOf(part, engine, model, access);
        Map<Integer, Double> nanos = new TreeMap<>();
        measurements.stream()
                .filter(wanted)
                .forEach(measurement -> nanos.put(
                        measurement.round, Spread.of(measurement.nanos).median()));
        return nanos.isEmpty()
                ? Optional.empty()
                : Optional.of(new Figure(
                        nanos,
                        Spread.of(measurements.stream()
                                        .filter(wanted)
                                        .map(Measurement::bytes)
                                        .toList())
                                .median()));
    }

    /** What the name of a model ends with; 0 where that is no number. */
    static int size(String model) {
        String last = model.substring(model.lastIndexOf('-') + 1);
        return last.chars().allMatch(Character::isDigit) ? Integer.parseInt(last) : 0;
    }
}

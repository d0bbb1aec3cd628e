package dev.assize.benchmarks.load;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Cells that were measured in turns, burst by burst in shuffled order, so that whatever the machine was doing met all of
 * them alike. A ratio of two is the median of the ratios of their bursts in the same round.
 */
final class MeasuredSet {

    private final String name;
    private final double disturbedAbove;
    private final List<Row> rows;

    /** @param disturbedAbove so many processors' worth of foreign load, a burst is left out */
    MeasuredSet(String name, List<Cell> cells, double disturbedAbove) {
        this.name = name;
        this.disturbedAbove = disturbedAbove;
        this.rows = cells.stream().map(cell -> new Row(cell, new ArrayList<>())).toList();
    }

    String name() {
        return name;
    }

    List<Row> rows() {
        return rows;
    }

    Row row(String label) {
        return rows.stream()
                .filter(row -> row.cell.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no `" + label + "` in `" + name + "`"));
    }

    /** Bursts of a row that were not disturbed. */
    long undisturbed(Row row) {
        return row.bursts.stream().filter(this::isQuiet).count();
    }

    /** Rounds in which no cell was disturbed. */
    int quietRounds() {
        int rounds = rows.stream().mapToInt(row -> row.bursts.size()).min().orElse(0);
        return (int) IntStream.range(0, rounds)
                .filter(round -> rows.stream().allMatch(row -> isQuiet(row.bursts.get(round))))
                .count();
    }

    boolean isQuiet(Burst burst) {
        return burst.foreignCores() <= disturbedAbove;
    }

    /** Whether the rounds were so disturbed that disturbed bursts have to be counted, or nothing would be left. */
    boolean isNoisy() {
        int rounds = rows.getFirst().bursts.size();
        return rows.stream().anyMatch(row -> 2 * undisturbed(row) < rounds);
    }

    boolean isCounted(Burst burst) {
        return isNoisy() || isQuiet(burst);
    }

    /** Of one cell. */
    Estimate estimate(String label, ToDoubleFunction<Burst> figure) {
        return Estimate.of(row(label).bursts.stream()
                .filter(this::isCounted)
                .mapToDouble(figure)
                .toArray());
    }

    /** Of one cell, in all bursts that count taken as one: the rarest of them weigh as often as they came. */
    double microsOfAll(String label, double percentile) {
        Latencies all = new Latencies();
        row(label).bursts.stream()
                .filter(this::isCounted)
                .forEach(burst -> all.add(burst.observed().latencies()));
        return all.micros(percentile);
    }

    /** By round, of one cell to another, where neither burst is left out. */
    double[] ratios(String label, String toLabel, ToDoubleFunction<Burst> figure) {
        List<Burst> ones = row(label).bursts;
        List<Burst> others = row(toLabel).bursts;
        return IntStream.range(0, Math.min(ones.size(), others.size()))
                .filter(round -> isCounted(ones.get(round)) && isCounted(others.get(round)))
                .filter(round -> figure.applyAsDouble(others.get(round)) > 0)
                .mapToDouble(round -> figure.applyAsDouble(ones.get(round)) / figure.applyAsDouble(others.get(round)))
                .toArray();
    }

    /**
     * A cell and what was measured.
     *
     * @param bursts one a round
     */
    record Row(Cell cell, List<Burst> bursts) {}
}

package dev.assize.benchmarks.load;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a run has found: sets, ratios held against their bars, single figures, and what is to be known to read them. */
final class Findings {

    private static final String NOISY =
            "other processes used more than the limit in most bursts, so that disturbed ones are"
                    + " counted and nothing is proven by: ";

    /** Of the requests that were due, so many must have had their answer within the burst. */
    private static final double KEEPS_UP = 0.98;

    private final List<MeasuredSet> sets = new ArrayList<>();
    private final List<Ratio> ratios = new ArrayList<>();
    private final List<Fact> facts = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();
    private boolean isComplete = true;

    void add(MeasuredSet set) {
        sets.add(set);
        for (MeasuredSet.Row row : set.rows()) {
            long saturated =
                    row.bursts().stream().filter(Burst::isClientSaturated).count();
            if (!row.cell().isOpen() && 2 * saturated > row.bursts().size()) {
                remark(set.name() + ", " + row.cell().label()
                        + ": the client used all of its core; the server could have done more requests a second");
            }
            if (row.cell().isOpen() && isBehind(set, row)) {
                remark(set.name() + ", " + row.cell().label()
                        + ": it fell behind what was asked in most bursts; its times are those of a queue that grows");
            }
            long failed = row.bursts().stream()
                    .mapToLong(burst ->
                            burst.observed().failures() + burst.observed().wrong())
                    .sum();
            if (failed > 0) {
                remark(set.name() + ", " + row.cell().label() + ": " + failed
                        + " calls failed, were refused or were answered wrongly");
            }
        }
    }

    private static boolean isBehind(MeasuredSet set, MeasuredSet.Row row) {
        return set.estimate(row.cell().label(), Burst::requestsPerSecond).median()
                < KEEPS_UP * row.cell().perSecond();
    }

    /** The ratio of two cells of a set in each round. */
    void ratio(
            String name,
            MeasuredSet set,
            String label,
            String toLabel,
            ToDoubleFunction<Burst> figure,
            @Nullable Bar bar) {
        double[] values = set.ratios(label, toLabel, figure);
        if (values.length == 0) {
            remark(name + ": not known, no round had both");
        } else {
            ratios.add(new Ratio(name, bar, values, set.isNoisy()));
        }
    }

    /** A figure of one cell in each round. */
    void figure(String name, MeasuredSet set, String label, ToDoubleFunction<Burst> figure, @Nullable Bar bar) {
        values(
                name,
                bar,
                set.row(label).bursts().stream()
                        .filter(set::isCounted)
                        .mapToDouble(figure)
                        .toArray(),
                set.isNoisy());
    }

    /** Values that were measured one after the other. */
    void values(String name, @Nullable Bar bar, double[] values, boolean isNoisy) {
        ratios.add(new Ratio(name, bar, values, isNoisy));
    }

    void fact(String name, double value, @Nullable Bar bar) {
        facts.add(new Fact(name, value, bar));
    }

    void remark(String remark) {
        if (!remarks.contains(remark)) {
            remarks.add(remark);
        }
    }

    /** Something could not be measured. */
    void incomplete(String what, Exception failure) {
        isComplete = false;
        remark(what + " could not be measured to its end: " + failure.getMessage());
    }

    boolean isComplete() {
        return isComplete;
    }

    List<MeasuredSet> sets() {
        return sets;
    }

    List<Ratio> ratios() {
        return ratios;
    }

    List<Fact> facts() {
        return facts;
    }

    /** Those that were added, and which sets are of little worth. */
    List<String> remarks() {
        String noisy = sets.stream()
                .filter(MeasuredSet::isNoisy)
                .map(MeasuredSet::name)
                .collect(Collectors.joining("; "));
        return noisy.isEmpty()
                ? List.copyOf(remarks)
                : Stream.concat(Stream.of(NOISY + noisy), remarks.stream()).toList();
    }

    /**
     * A ratio, or a figure, of which there are several values.
     *
     * @param bar null where nothing is asked of it
     * @param values one a round
     * @param isNoisy whether disturbed bursts are among them, so that nothing is proven
     */
    record Ratio(String name, @Nullable Bar bar, double[] values, boolean isNoisy) {

        Estimate estimate() {
            return Estimate.of(values);
        }

        /** Empty where nothing is asked of it. */
        String verdict() {
            if (bar == null) {
                return "";
            }
            return (isNoisy ? Bar.Verdict.NOT_PROVEN : bar.judge(estimate())).toString();
        }
    }

    /**
     * A figure that there is once.
     *
     * @param bar null where nothing is asked of it
     */
    record Fact(String name, double value, @Nullable Bar bar) {

        /** A count is what it is; empty where nothing is asked of it. */
        String verdict() {
            return bar == null ? "" : (bar.holds(value) ? Bar.Verdict.MET : Bar.Verdict.NOT_MET).toString();
        }
    }
}

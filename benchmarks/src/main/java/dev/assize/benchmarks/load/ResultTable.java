package dev.assize.benchmarks.load;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.io.PrintWriter;
import java.util.Locale;

/** Everything that was found, for people. */
final class ResultTable {

    private final PrintWriter out;

    ResultTable(PrintWriter out) {
        this.out = out;
    }

    void print(Findings findings) {
        findings.sets().forEach(this::print);
        line("");
        line("%-92s %10s  %-21s %-17s %s", "figure, median of bursts", "median", "interval", "wanted", "");
        findings.ratios().forEach(this::print);
        findings.facts().forEach(this::print);
        if (!findings.remarks().isEmpty()) {
            line("");
            findings.remarks().forEach(remark -> line("%s", "* " + remark));
        }
        out.flush();
    }

    private void print(MeasuredSet set) {
        line("");
        line(
                "%-44s %10s %11s %8s %8s %8s %9s %6s %6s %7s %6s",
                set.name(),
                "requests/s",
                "decisions/s",
                "us CPU",
                "p50 us",
                "p99 us",
                "p99.9 us",
                "server",
                "client",
                "foreign",
                "bursts");
        set.rows().forEach(row -> print(set, row));
    }

    private void print(MeasuredSet set, MeasuredSet.Row row) {
        String label = row.cell().label();
        double rate = set.estimate(label, Burst::requestsPerSecond).median();
        line(
                "  %-42s %,10.0f %,11.0f %8.2f %,8.0f %,8.0f %,9.0f %6.2f %6.2f %7.2f %6d",
                label,
                rate,
                rate * row.cell().workload().decisions(),
                set.estimate(label, Burst::cpuMicrosPerRequest).median(),
                set.estimate(label, burst -> burst.micros(50)).median(),
                set.estimate(label, burst -> burst.micros(99)).median(),
                set.estimate(label, burst -> burst.micros(99.9)).median(),
                set.estimate(label, Burst::serverCores).median(),
                set.estimate(label, Burst::clientCores).median(),
                set.estimate(label, Burst::foreignCores).median(),
                row.bursts().stream().filter(set::isCounted).count());
    }

    private void print(Findings.Ratio ratio) {
        Estimate estimate = ratio.estimate();
        Bar bar = ratio.bar();
        boolean isNear = bar != null && !ratio.verdict().equals("not proven") && bar.margin(estimate) < Bar.NOISE;
        line(
                "%-92s %10s  %-21s %-17s %s",
                ratio.name(),
                number(estimate.median()),
                number(estimate.low()) + " to " + number(estimate.high()),
                bar == null ? "" : bar,
                ratio.verdict() + (isNear ? " (by less than 1.3)" : ""));
    }

    private void print(Findings.Fact fact) {
        line(
                "%-92s %10s  %-21s %-17s %s",
                fact.name(), number(fact.value()), "", fact.bar() == null ? "" : fact.bar(), fact.verdict());
    }

    private static String number(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size >= 1_000 ? "%,.0f" : size >= 10 ? "%.1f" : "%.3f", value);
    }

    @FormatMethod
    private void line(@FormatString String form, Object... values) {
        out.println(String.format(Locale.ROOT, form, values).stripTrailing());
    }
}

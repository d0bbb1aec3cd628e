package dev.assize.benchmarks.report;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.assize.benchmarks.report.Block.Command;
import dev.assize.benchmarks.report.Block.Heading;
import dev.assize.benchmarks.report.Block.Paragraph;
import dev.assize.benchmarks.report.Block.Plot;
import dev.assize.benchmarks.report.Block.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A directory of what was measured: the raw files, and the page made of them and of nothing else. */
final class Report {

    static final String MACHINE = "machine.json";
    static final String DECISIONS = "decisions.json";
    static final String LOAD = "load.json";

    private static final ObjectMapper JSON = new ObjectMapper()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

    private final Path directory;

    Report(Path directory) {
        this.directory = directory;
    }

    void keep(Machine machine) throws IOException {
        Files.writeString(
                directory.resolve(MACHINE),
                JSON.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(machine) + "\n");
    }

    /** One measurement a line, so that two runs can be compared as text. */
    void keep(Decisions decisions) throws IOException {
        StringBuilder text = new StringBuilder("{\"schema\":\"" + Decisions.SCHEMA + "\",\"measurements\":[\n");
        String between = "";
        for (Decisions.Measurement measurement : decisions.measurements()) {
            text.append(between).append(JSON.writeValueAsString(measurement));
            between = ",\n";
        }
        text.append("\n],\"heaps\":").append(JSON.writeValueAsString(decisions.heapsOrNone()));
        text.append(",\n\"failures\":").append(JSON.writeValueAsString(decisions.failuresOrNone()));
        Files.writeString(directory.resolve(DECISIONS), text.append("}\n"));
    }

    /** Writes `report.html`, `report.md` and the pictures of the latter. */
    void write() throws IOException {
        Page page = page();
        Files.writeString(directory.resolve("report.html"), page.html());
        Files.writeString(directory.resolve("report.md"), page.markdown());
        for (Plot plot : page.plots()) {
            Files.writeString(directory.resolve(plot.name() + ".svg"), plot.svg());
        }
    }

    Page page() throws IOException {
        Machine machine = JSON.readValue(directory.resolve(MACHINE).toFile(), Machine.class);
        List<Block> blocks = new ArrayList<>(surroundings(machine));
        if (Files.exists(directory.resolve(DECISIONS))) {
            Decisions decisions = JSON.readValue(directory.resolve(DECISIONS).toFile(), Decisions.class);
            requireSchema(DECISIONS, Decisions.SCHEMA, decisions.schema());
            blocks.addAll(DecisionChapter.of(decisions));
        }
        if (Files.exists(directory.resolve(LOAD))) {
            Load load = JSON.readValue(directory.resolve(LOAD).toFile(), Load.class);
            requireSchema(LOAD, Load.SCHEMA, String.valueOf(load.schema()));
            blocks.addAll(LoadChapter.of(load));
        }
        return new Page("Performance, " + machine.profile() + " profile", blocks);
    }

    private static List<Block> surroundings(Machine machine) {
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Paragraph("Written by one command, which anyone can repeat:"));
        blocks.add(new Command("./assize bench report --profile " + machine.profile()));
        blocks.add(new Paragraph("""
                Use the ratios, not the nanoseconds: they are medians over rounds in which everything was measured once, in \
                a shuffled order, each in a process of its own, and they are taken within a round. An interval is between \
                order statistics (the second and the eighth of nine, which hold the true median 96 times in 100; the \
                smallest and the largest of three, 75 times). Below %s times nothing is proven on such a machine; where an \
                interval holds its bar, that is not proven either. The raw figures stand beside this page: %s, %s, %s.""".formatted(Numbers.exact(Wanted.NOISE), MACHINE, DECISIONS, LOAD)));
        if (machine.loadBefore() > Machine.QUIET * machine.processors()) {
            blocks.add(new Paragraph("""
                    Something else ran on this machine as the run began, with a load average of %s on %d processors: do \
                    not use these figures.""".formatted(Numbers.plain(machine.loadBefore()), machine.processors())));
        }
        blocks.add(new Heading("Machine, versions, flags"));
        List<List<String>> rows = new ArrayList<>(List.of(
                List.of("measured", machine.at()),
                List.of("processors", machine.processors() + ", " + machine.processor()),
                List.of("memory", machine.memoryMib() + " MiB"),
                List.of("system", machine.kernel()),
                List.of("Java", machine.java()),
                List.of("load average at the start", Numbers.plain(machine.loadBefore())),
                List.of("flags of what decides in process", String.join(" ", machine.flags()))));
        machine.versions().forEach(version -> {
            int space = version.indexOf(' ');
            rows.add(List.of(version.substring(0, space), version.substring(space + 1)));
        });
        blocks.add(new Table(List.of("what", ""), rows));
        return blocks;
    }

    private static void requireSchema(String file, String expected, String found) throws IOException {
        if (!found.equals(expected)) {
            throw new IOException(file + " is of schema `" + found + "`: expected `" + expected + "`");
        }
    }
}

package dev.assize.benchmarks.report;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.assize.benchmarks.report.Block.Command;
import dev.assize.benchmarks.report.Block.Heading;
import dev.assize.benchmarks.report.Block.Paragraph;
import dev.assize.benchmarks.report.Block.Plot;
import dev.assize.benchmarks.report.Block.Table;
import dev.assize.benchmarks.report.Machine.Measured;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A directory of what was measured: the raw files, and the page made of them and of nothing else. */
final class Report {

    static final String MACHINE = "machine.json";

    private static final ObjectMapper JSON = new ObjectMapper()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

    private final Path directory;

    Report(Path directory) {
        this.directory = directory;
    }

    /** Where there is something to show. */
    boolean isThere() {
        return Files.exists(directory.resolve(MACHINE));
    }

    /** Begins on a machine, with the parts that were measured before. Fails where these are of another profile. */
    void begin(Machine machine) throws IOException {
        List<Measured> before = List.of();
        if (isThere()) {
            Machine last = machine();
            if (!last.profile().equals(machine.profile())) {
                throw new IOException("`" + directory + "` holds figures of the profile `" + last.profile()
                        + "`: expected those of `" + machine.profile() + "`, or a directory of its own (--output)");
            }
            before = last.partsOrNone();
        }
        keep(machine.with(before));
    }

    /** Before it is measured anew: what is there of it was measured by something else. */
    void forget(Part part) throws IOException {
        for (String file : part.files()) {
            Files.deleteIfExists(directory.resolve(file));
        }
        Machine machine = machine();
        keep(machine.with(others(machine, part)));
    }

    /** A part that is over, however it ended. */
    void keep(Part part, Measured measured) throws IOException {
        Machine machine = machine();
        keep(machine.with(Stream.concat(others(machine, part).stream(), Stream.of(measured))
                .toList()));
    }

    /** Whether all of it was measured. */
    boolean has(Part part) throws IOException {
        return Files.exists(directory.resolve(part.file()))
                && machine().partsOrNone().stream()
                        .anyMatch(measured -> measured.part().equals(part.label())
                                && measured.outcome().isEmpty());
    }

    private static List<Measured> others(Machine machine, Part part) {
        return machine.partsOrNone().stream()
                .filter(measured -> !measured.part().equals(part.label()))
                .toList();
    }

    private void keep(Machine machine) throws IOException {
        Files.writeString(
                directory.resolve(MACHINE),
                JSON.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(machine) + "\n");
    }

    private Machine machine() throws IOException {
        return JSON.readValue(directory.resolve(MACHINE).toFile(), Machine.class);
    }

    void keep(Decisions decisions) throws IOException {
        keep(decisions, Part.DECISIONS.file());
    }

    void keepExpiry(Decisions expiry) throws IOException {
        keep(expiry, Part.VARIATIONS.files().getLast());
    }

    /** One measurement a line, so that two runs can be compared as text. */
    private void keep(Decisions decisions, String file) throws IOException {
        StringBuilder text = new StringBuilder("{\"schema\":\"" + Decisions.SCHEMA + "\",\"measurements\":[\n");
        String between = "";
        for (Decisions.Measurement measurement : decisions.measurements()) {
            text.append(between).append(JSON.writeValueAsString(measurement));
            between = ",\n";
        }
        text.append("\n],\"heaps\":").append(JSON.writeValueAsString(decisions.heapsOrNone()));
        text.append(",\n\"failures\":").append(JSON.writeValueAsString(decisions.failuresOrNone()));
        Files.writeString(directory.resolve(file), text.append("}\n"));
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
        Machine machine = machine();
        List<Block> blocks = new ArrayList<>(surroundings(machine));
        blocks.addAll(parts(machine));
        decisions(Part.DECISIONS.file()).map(DecisionChapter::of).ifPresent(blocks::addAll);
        List<Load> loads = new ArrayList<>();
        for (Part part : EnumSet.range(Part.WIRE, Part.VARIATIONS)) {
            load(part).ifPresent(loads::add);
        }
        if (!loads.isEmpty()) {
            blocks.addAll(LoadChapter.of(Load.of(loads)));
        }
        decisions(Part.VARIATIONS.files().getLast())
                .map(DecisionChapter::ofExpiry)
                .ifPresent(blocks::addAll);
        return new Page("Performance, " + machine.profile() + " profile", blocks);
    }

    /** What is asked of the figures of a part; nothing where it was not measured. */
    List<Judged> judged(Part part) throws IOException {
        return part == Part.DECISIONS
                ? decisions(part.file()).map(Judged::of).orElse(List.of())
                : load(part).map(Judged::of).orElse(List.of());
    }

    private Optional<Decisions> decisions(String file) throws IOException {
        if (!Files.exists(directory.resolve(file))) {
            return Optional.empty();
        }
        Decisions decisions = JSON.readValue(directory.resolve(file).toFile(), Decisions.class);
        requireSchema(file, Decisions.SCHEMA, decisions.schema());
        return Optional.of(decisions);
    }

    private Optional<Load> load(Part part) throws IOException {
        Path file = directory.resolve(part.file());
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Load load = JSON.readValue(file.toFile(), Load.class);
        requireSchema(part.file(), Load.SCHEMA, String.valueOf(load.schema()));
        return Optional.of(load);
    }

    /** Whether whoever measured it came to its end, as far as that was kept at all. */
    private static boolean isOver(Machine machine, Part part) {
        List<Measured> parts = machine.parts();
        return parts == null
                || parts.stream().anyMatch(measured -> measured.part().equals(part.label()));
    }

    /** When each was measured, and what is missing. */
    private List<Block> parts(Machine machine) {
        List<Block> blocks = new ArrayList<>();
        List<List<String>> rows = new ArrayList<>();
        for (Measured measured : machine.partsOrNone()) {
            rows.add(List.of(
                    measured.part(),
                    measured.at(),
                    Numbers.plain(Math.rint(measured.seconds() / 6.0) / 10),
                    measured.assize(),
                    measured.outcome().isEmpty() ? "measured" : measured.outcome()));
        }
        if (!rows.isEmpty()) {
            blocks.add(new Table(List.of("part", "begun", "minutes", "commit", "how it ended"), rows));
        }
        String missing = Part.whole().stream()
                .filter(part -> !Files.exists(directory.resolve(part.file())) || !isOver(machine, part))
                .map(Part::label)
                .collect(Collectors.joining(", "));
        if (!missing.isEmpty()) {
            blocks.add(new Paragraph("Not measured, or not to its end: " + missing + "."));
        }
        return blocks;
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
                interval holds its bar, that is not proven either. The raw figures stand beside this page as JSON, a file for each part.""".formatted(Numbers.exact(Wanted.NOISE))));
        Double load = machine.loadBefore();
        if (load != null && load > Machine.QUIET * machine.processors()) {
            blocks.add(new Paragraph("""
                    Something else ran on this machine as the run began, with a load average of %s on %d processors: do \
                    not use these figures.""".formatted(Numbers.plain(load), machine.processors())));
        }
        blocks.add(new Heading("Machine, versions, flags"));
        List<List<String>> rows = new ArrayList<>(List.of(
                List.of("begun", machine.at()),
                List.of("processors", machine.processors() + ", " + machine.processor()),
                List.of("memory", machine.memoryMib() + " MiB"),
                List.of("system", machine.kernel()),
                List.of("Java", machine.java()),
                List.of("load average at the start", load == null ? "not known" : Numbers.plain(load)),
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

package dev.assize.benchmarks.report;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What can be measured by itself, and is kept by itself: who ends a run, or whose part fails, has the other parts. */
enum Part {
    DECISIONS("decisions.json"),
    WIRE("wire.json"),
    CLIENT("client.json"),
    TENANTS("tenants.json"),
    STARTS("starts.json"),

    /** What single choices are worth; of no interest but to who makes them, and so only where it is named. */
    VARIATIONS("variations.json", "expiry.json"),

    /** All that is measured over the wire, but variations. */
    LOAD;

    private final List<String> files;

    Part(String... files) {
        this.files = List.of(files);
    }

    /** The parts of a page. */
    static Set<Part> whole() {
        return EnumSet.range(DECISIONS, STARTS);
    }

    /** In the order they are measured in. */
    static Set<Part> of(Set<Part> named) {
        Set<Part> parts = EnumSet.noneOf(Part.class);
        parts.addAll(named);
        if (parts.remove(LOAD)) {
            parts.addAll(EnumSet.range(WIRE, STARTS));
        }
        return parts;
    }

    /** Where it is kept. */
    List<String> files() {
        return files;
    }

    String file() {
        return files.getFirst();
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

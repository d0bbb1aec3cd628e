package dev.assize.benchmarks.report;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What can be measured by itself, and is kept by itself: who ends a run, or whose part fails, has the other parts. */
enum Part {
    DECISIONS,
    WIRE,
    CLIENT,
    TENANTS,
    STARTS,

    /** What single choices are worth; of no interest but to who makes them, and so only where it is named. */
    VARIATIONS,

    /** All that is measured over the wire, but variations. */
    LOAD;

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
        return switch (this) {
            case VARIATIONS -> List.of(file(), "expiry.json");
            case LOAD -> List.of();
            default -> List.of(file());
        };
    }

    String file() {
        return label() + ".json";
    }

    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

package dev.assize.benchmarks.report;

import java.util.Set;

/**
 * One thing to measure, once a round.
 *
 * @param part of the page that shows it
 * @param rounds in how many it takes part
 */
record Cell(String part, String engine, String model, String access, int rounds) {

    /** The part whose engines are ways to ask {@link dev.assize.benchmarks.DeskBenchmark} and whose models are its worlds. */
    static final String DESK = "desk";

    /** The part whose models are worlds with conditions and hierarchies. */
    static final String WORLDS = "worlds";

    /** The part that asks what it takes to find what is kept, by how it ends. */
    static final String EXPIRY = "expiry";

    private static final Set<String> WRITTEN_HERE = Set.of(
            "assize",
            "assize-objects",
            "assize-graph",
            "nested-maps",
            "nested-maps-given-strings",
            "desk",
            "batch",
            Profile.MAPS,
            Profile.MAPS_GIVEN_STRINGS,
            "caffeine");

    /** Whether it is an engine of somebody else's. */
    boolean isOfOthers() {
        return !WRITTEN_HERE.contains(engine);
    }

    boolean isExpiry() {
        return part.equals(EXPIRY);
    }

    boolean isDesk() {
        return part.equals(DESK);
    }

    boolean isWorld() {
        return part.equals(WORLDS);
    }
}

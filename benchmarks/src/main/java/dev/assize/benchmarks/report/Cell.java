package dev.assize.benchmarks.report;

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

    boolean isDesk() {
        return part.equals(DESK);
    }

    boolean isWorld() {
        return part.equals(WORLDS);
    }
}

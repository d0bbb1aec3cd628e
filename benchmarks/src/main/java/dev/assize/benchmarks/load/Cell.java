package dev.assize.benchmarks.load;

/**
 * One server under one load.
 *
 * @param perSecond of the open model; 0 for the closed one
 * @param label by which tables tell it from the others of its set
 */
record Cell(String label, ServerUnderTest server, Workload workload, Shape shape, double perSecond) {

    static Cell closed(ServerUnderTest server, Workload workload, Shape shape) {
        return closed(server.name(), server, workload, shape);
    }

    static Cell closed(String label, ServerUnderTest server, Workload workload, Shape shape) {
        return new Cell(label, server, workload, shape, 0);
    }

    /** The same, asked at a rate. */
    Cell at(double perSecond) {
        return new Cell(label, server, workload, shape, perSecond);
    }

    boolean isOpen() {
        return perSecond > 0;
    }
}

package dev.assize.benchmarks.load;

/**
 * What one server did in one stretch of time.
 *
 * @param round in which it was measured, together with one burst of every other cell of its set
 * @param serverSeconds of the processors that the server's process used
 * @param databaseSeconds that its PostgreSQL used
 * @param clientSeconds that the client used
 * @param foreignSeconds that everything else on the machine used, what the host took away included
 */
record Burst(
        int round,
        WireRun.Observed observed,
        double serverSeconds,
        double databaseSeconds,
        double clientSeconds,
        double foreignSeconds) {

    /** The client's one thread has no more to give. */
    private static final double SATURATED_CORES = 0.95;

    double seconds() {
        return observed.seconds();
    }

    double requestsPerSecond() {
        return observed.requests() / seconds();
    }

    /** 0 where nothing was answered, or the system does not say. */
    double cpuMicrosPerRequest() {
        return observed.requests() == 0 ? 0 : serverSeconds * 1e6 / observed.requests();
    }

    /** The same of the client; 0 where nothing was answered. */
    double clientMicrosPerRequest() {
        return observed.requests() == 0 ? 0 : clientSeconds * 1e6 / observed.requests();
    }

    /** What one processor does that has nothing else to do: of use also where the client was the limit. */
    double requestsPerServerSecond() {
        return serverSeconds == 0 ? 0 : observed.requests() / serverSeconds;
    }

    double serverCores() {
        return serverSeconds / seconds();
    }

    double databaseCores() {
        return databaseSeconds / seconds();
    }

    double clientCores() {
        return clientSeconds / seconds();
    }

    double foreignCores() {
        return foreignSeconds / seconds();
    }

    boolean isClientSaturated() {
        return clientCores() >= SATURATED_CORES;
    }

    double micros(double percentile) {
        return observed.latencies().micros(percentile);
    }
}

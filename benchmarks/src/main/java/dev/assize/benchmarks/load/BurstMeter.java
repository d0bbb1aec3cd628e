package dev.assize.benchmarks.load;

import java.io.IOException;
import java.time.Duration;

/** Measures bursts: the client's counts together with what everybody used of the processors meanwhile. */
final class BurstMeter {

    private final Load load;
    private final ProcessorTime processors;

    BurstMeter(LoadClient client, ProcessorTime processors) {
        this(
                (cell, settle, length, marks) -> client.ask(
                        cell.server().endpoint(),
                        cell.server().workload(cell.workload()),
                        cell.shape(),
                        cell.perSecond(),
                        settle,
                        length,
                        marks),
                processors);
    }

    BurstMeter(Load load, ProcessorTime processors) {
        this.load = load;
        this.processors = processors;
    }

    Burst measure(int round, Cell cell, Duration settle, Duration length) throws IOException, InterruptedException {
        Readings readings = new Readings(cell.server());
        WireRun.Observed observed = load.ask(cell, settle, length, readings);
        return readings.burst(round, observed);
    }

    /** Asks a cell's server for a while, in this process. */
    interface Load {

        WireRun.Observed ask(Cell cell, Duration settle, Duration length, LoadClient.Marks marks)
                throws IOException, InterruptedException;
    }

    private final class Readings implements LoadClient.Marks {

        private final ServerUnderTest server;
        private double serverSeconds;
        private double databaseSeconds;
        private double clientSeconds;
        private double machineSeconds;

        Readings(ServerUnderTest server) {
            this.server = server;
        }

        @Override
        public void begin() {
            add(-1);
        }

        @Override
        public void end() {
            add(1);
        }

        private void add(int sign) {
            if (!processors.isThere()) {
                return;
            }
            serverSeconds += sign * processors.ofProcess(server.pid());
            databaseSeconds += sign * server.databaseSeconds(processors);
            clientSeconds += sign * processors.ofProcess(ProcessHandle.current().pid());
            machineSeconds += sign * processors.ofMachine();
        }

        Burst burst(int round, WireRun.Observed observed) {
            double foreign = machineSeconds - serverSeconds - databaseSeconds - clientSeconds;
            return new Burst(round, observed, serverSeconds, databaseSeconds, clientSeconds, Math.max(0, foreign));
        }
    }
}

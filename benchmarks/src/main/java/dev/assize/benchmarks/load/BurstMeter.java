package dev.assize.benchmarks.load;

import java.io.IOException;
import java.time.Duration;

/** Measures bursts: the client's counts together with what everybody used of the processors meanwhile. */
final class BurstMeter {

    private final LoadClient client;
    private final ProcessorTime processors;

    BurstMeter(LoadClient client, ProcessorTime processors) {
        this.client = client;
        this.processors = processors;
    }

    Burst measure(int round, Cell cell, Duration settle, Duration length) throws IOException, InterruptedException {
        Readings readings = new Readings(cell.server());
        WireRun.Observed observed = client.ask(
                cell.server().endpoint(),
                cell.server().workload(cell.workload()),
                cell.shape(),
                cell.perSecond(),
                settle,
                length,
                readings);
        return readings.burst(round, observed);
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

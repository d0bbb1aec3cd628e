package dev.assize.benchmarks.load;

import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Lets servers have what they will be asked before it is measured, on every processor, as the compiler needs them; then the
 * server moves to its own.
 */
final class WarmUps {

    private static final Duration SLICE = Duration.ofMillis(500);

    private final Profile profile;
    private final Cores cores;
    private final BurstMeter meter;
    private final Findings findings;
    private final Consumer<String> progress;

    /** Which loads which servers have had. */
    private final Set<String> warm = new HashSet<>();

    WarmUps(Profile profile, Cores cores, BurstMeter meter, Findings findings, Consumer<String> progress) {
        this.profile = profile;
        this.cores = cores;
        this.meter = meter;
        this.findings = findings;
        this.progress = progress;
    }

    /** The first of a server: as many requests as the profile has for each, in the time that there is. */
    void begin(Cell cell) throws IOException, InterruptedException {
        ServerUnderTest server = cell.server();
        progress.accept("warming up " + server.name() + " ...");
        cores.free(server.pid());
        long begin = System.nanoTime();
        long requests = 0;
        while (requests < profile.warmUpRequests()
                && System.nanoTime() - begin < profile.warmUp().toNanos()) {
            requests += meter.measure(0, cell, Duration.ZERO, SLICE).observed().requests();
        }
        if (requests < profile.warmUpRequests()) {
            findings.remark(
                    server.name() + " was warmed up with " + requests + " requests only, in the time there is for it");
        }
        var _ = warm.add(load(cell));
        cores.pinServer(server.pid());
    }

    /** Of one load of a server that has begun; briefly where it has had that before. */
    void goOn(Cell cell) throws IOException, InterruptedException {
        Duration length = warm.add(load(cell)) ? longEnough(cell) : profile.warmUpAgain();
        cores.free(cell.server().pid());
        meter.measure(0, cell, Duration.ZERO, length);
        cores.pinServer(cell.server().pid());
    }

    /** At a rate that is held down, as long as it takes that as many are asked for as of any server. */
    private Duration longEnough(Cell cell) {
        Duration least = profile.warmUpOfCell();
        Duration all = cell.isOpen()
                ? Duration.ofMillis(Math.round(1_000 * profile.warmUpRequests() / cell.perSecond()))
                : Duration.ZERO;
        return all.compareTo(least) > 0 ? all : least;
    }

    private static String load(Cell cell) {
        return String.join(
                ", ",
                Long.toString(cell.server().pid()),
                cell.server().endpoint().transport(),
                cell.workload().call(),
                cell.workload().world());
    }
}

package dev.assize.benchmarks.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Many tenants behind a cache of compiled policies that holds a tenth of them, asked about as tenants of a service are: the
 * k-th most busy one 1/k as often as the first (Zipf).
 */
final class TenantsPlan implements AutoCloseable {

    private static final String CACHE = "ASSIZE_DECISION_CACHE_BYTES";
    private static final String LOADS = "assize_decision_load_duration_seconds_count";
    private static final String HELD = "assize_decision_cache_size";
    private static final int SECONDS_TO_LOAD_ALL = 300;
    private static final long ROOMY = 1L << 30;
    private static final int PART_HELD = 10;
    private static final int REQUESTS = 1 << 16;
    private static final int USERS = 5;
    private static final double OPEN_PART = 0.85;
    private static final Shape SHAPE = Shape.of(4, 16);

    /** Tenants that nobody has asked about yet, each of which so many ask about at once. */
    private static final int COLD_TENANTS = 5;

    private static final Shape CROWD = Shape.of(8, 128);
    private static final Duration CROWDED = Duration.ofMillis(100);

    private final Profile profile;
    private final Cores cores;
    private final Findings findings;
    private final Consumer<String> progress;
    private final Departments world;
    private final LoadClient client = new LoadClient();
    private final Rounds rounds;
    private final AssizeProcess server;

    TenantsPlan(Profile profile, Cores cores, AssizeProcess.Launch launch, Findings findings, Consumer<String> progress)
            throws IOException {
        this.profile = profile;
        this.cores = cores;
        this.findings = findings;
        this.progress = progress;
        this.world = Departments.of("zipf", profile.zipfTenants(), 1, USERS);
        this.rounds = new Rounds(new BurstMeter(client, new ProcessorTime())::measure, profile);
        this.server = AssizeProcess.start("assize", launch, Map.of(CACHE, Long.toString(ROOMY)));
    }

    void run() throws IOException, InterruptedException {
        progress.accept("writing the policies of " + world.tenants() + " tenants ...");
        server.load(world);
        long tenth = bytesOfAll() / PART_HELD;
        progress.accept("tenants behind a cache for a tenth of them ...");
        restart(tenth);
        measure();
        restart(ROOMY);
        findings.fact(
                "loads of a cold tenant that " + CROWD.streams() + " ask about at once, the most of " + COLD_TENANTS,
                mostLoads(),
                Bar.atMost(1));
    }

    @Override
    public void close() throws IOException {
        server.close();
        client.close();
    }

    /** Of the compiled policies of all tenants, as the server estimates it. */
    private long bytesOfAll() throws IOException, InterruptedException {
        restart(ROOMY);
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, world.tenants()).boxed().toList());
        for (int second = 0; server.meter(HELD) < world.tenants(); second++) {
            if (second == SECONDS_TO_LOAD_ALL) {
                throw new IOException("the server holds " + server.meter(HELD) + " of " + world.tenants()
                        + " tenants after " + second + " s");
            }
            Collections.shuffle(order, new Random(second));
            ask(requests().checks(order.stream().mapToInt(tenant -> tenant).toArray()), SHAPE, Duration.ofSeconds(1));
        }
        return (long) server.meter("assize_decision_cache_bytes");
    }

    private void measure() throws IOException, InterruptedException {
        Zipf zipf = new Zipf(world.tenants(), 1);
        SplittableRandom random = new SplittableRandom(17);
        int[] tenants = IntStream.range(0, REQUESTS).map(i -> zipf.draw(random)).toArray();
        Workload checks = requests().checks(tenants);
        ask(checks, SHAPE, profile.warmUp());
        cores.pinServer(server.pid());
        hitRate(zipf, checks);
        Cell closed = Cell.closed(server, checks, SHAPE);
        MeasuredSet set = rounds.curve("Check, Zipf over " + world.tenants() + " tenants, closed", List.of(closed));
        findings.add(set);
        double sustained = set.estimate(server.name(), Burst::requestsPerSecond).median();
        findings.add(rounds.curve(
                "Check, Zipf over " + world.tenants() + " tenants, open at 85 %",
                List.of(closed.at(OPEN_PART * sustained))));
    }

    /** By loads, of which a request that finds its tenant's policy has none; of those that wait for the same load one has. */
    private void hitRate(Zipf zipf, Workload checks) throws IOException, InterruptedException {
        double before = server.meter(LOADS);
        long requests = ask(checks, SHAPE, profile.burst().multipliedBy(profile.rounds()));
        findings.fact(
                "Zipf over " + world.tenants() + " tenants, a tenth of them held: part of the requests without a load",
                1 - (server.meter(LOADS) - before) / requests,
                null);
        findings.fact(
                "Zipf over " + world.tenants() + " tenants: part of the requests that the busiest tenth has",
                zipf.partOf(world.tenants() / PART_HELD),
                null);
    }

    /** One load is what it takes, and the others wait for it. */
    private double mostLoads() throws IOException, InterruptedException {
        ask(requests().checks(0), SHAPE, CROWDED);
        double most = 0;
        for (int tenant = 1; tenant <= COLD_TENANTS; tenant++) {
            double before = server.meter(LOADS);
            ask(requests().checks(tenant), CROWD, CROWDED);
            most = Math.max(most, server.meter(LOADS) - before);
        }
        return most;
    }

    private void restart(long cacheBytes) throws IOException {
        server.stop();
        server.startAgain(Map.of(CACHE, Long.toString(cacheBytes)));
    }

    private long ask(Workload workload, Shape shape, Duration length) throws IOException, InterruptedException {
        WireRun.Observed observed =
                client.ask(server.endpoint(), workload, shape, 0, Duration.ZERO, length, LoadClient.Marks.NONE);
        if (observed.failures() + observed.wrong() > 0) {
            findings.remark("Zipf: " + observed.failures() + " calls failed and " + observed.wrong()
                    + " were answered wrongly while tenants were loaded");
        }
        return observed.requests();
    }

    private Requests requests() {
        return new Requests(world, "zipf " + world.tenants() + " tenants", 11);
    }
}

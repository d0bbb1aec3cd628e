package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * The Java client with many callers on one channel: checks that travel together beside checks that go each by itself, put
 * to the same server. What a client adds is most of what a check takes here, so its processor time is looked at, too.
 */
final class ClientPlan implements AutoCloseable {

    private static final int CALLERS = 64;
    private static final int QUESTIONS = 2_048;
    private static final String TOGETHER = "together";
    private static final String ALONE = "each by itself";
    private static final Departments WORLD = Departments.of("one", 1, 20, 5);

    private final Profile profile;
    private final Cores cores;
    private final Findings findings;
    private final Consumer<String> progress;
    private final AssizeProcess server;
    private final AssizeClient together;
    private final AssizeClient alone;

    /** The server and most of the client are as cold as can be before the first pair. */
    private boolean isFirst = true;

    ClientPlan(Profile profile, Cores cores, AssizeProcess.Launch launch, Findings findings, Consumer<String> progress)
            throws IOException {
        this.profile = profile;
        this.cores = cores;
        this.findings = findings;
        this.progress = progress;
        this.server = AssizeProcess.start("assize", launch, Map.of());
        this.together = server.client(true);
        this.alone = server.client(false);
    }

    void run() throws IOException, InterruptedException {
        server.load(WORLD);
        compare("the Java client", CALLERS, ClientPlan::platformThreads);
        compare(
                "the Java client, virtual threads",
                CALLERS,
                (client, asking) ->
                        new Callers(client, asking, Thread.ofVirtual().factory()));
        compare("the Java client, asynchronous", CALLERS, LaterCallers::new);
        compare("the Java client", 1, ClientPlan::platformThreads);
    }

    @Override
    public void close() throws IOException {
        together.close();
        alone.close();
        server.close();
    }

    private static ClientLoad platformThreads(AssizeClient client, Requests.Asking asking) {
        return new Callers(client, asking, Thread.ofPlatform().factory());
    }

    private void compare(String name, int callers, BiFunction<AssizeClient, Requests.Asking, ClientLoad> load)
            throws IOException, InterruptedException {
        Requests.Asking asking = new Requests(WORLD, "one tenant", 2).asking(QUESTIONS);
        Map<String, ClientLoad> byLabel = new LinkedHashMap<>();
        byLabel.put(TOGETHER, load.apply(together, asking));
        byLabel.put(ALONE, load.apply(alone, asking));
        BurstMeter meter = new BurstMeter(
                (cell, settle, length, marks) ->
                        Objects.requireNonNull(byLabel.get(cell.label())).ask(callers, settle, length, marks),
                new ProcessorTime());
        Workload checks = new Requests(WORLD, "one tenant", 2).checks(Requests.ofOne(QUESTIONS));
        List<Cell> cells = byLabel.keySet().stream()
                .map(label -> Cell.closed(label, server, checks, Shape.of(1, callers)))
                .toList();
        String set = "Check by " + name + ", " + callers + (callers == 1 ? " caller" : " callers");
        progress.accept(set + " ...");
        warmUp(meter, cells, isFirst ? profile.warmUp() : profile.warmUpOfCell());
        isFirst = false;
        MeasuredSet measured = new Rounds(meter::measure, profile).measure(set, cells);
        findings.add(measured);
        bars(set, callers, measured);
    }

    /** Both on every processor, as the compilers of both need them; then each moves to its own. */
    private void warmUp(BurstMeter meter, List<Cell> cells, Duration length) throws IOException, InterruptedException {
        long own = ProcessHandle.current().pid();
        cores.free(server.pid());
        cores.free(own);
        for (Cell cell : cells) {
            meter.measure(0, cell, profile.settle(), length);
        }
        cores.pinServer(server.pid());
        cores.pinClient(own);
    }

    private void bars(String set, int callers, MeasuredSet measured) {
        boolean many = callers == CALLERS;
        findings.ratio(
                set + ": rate, together to each by itself",
                measured,
                TOGETHER,
                ALONE,
                Burst::requestsPerSecond,
                many ? Bar.atLeast(4) : null);
        findings.ratio(
                set + ": p50, together to each by itself",
                measured,
                TOGETHER,
                ALONE,
                burst -> burst.micros(50),
                many ? Bar.atMost(1) : Bar.atMost(Bar.NOISE));
        findings.ratio(
                set + ": CPU of the client a request, together to each by itself",
                measured,
                TOGETHER,
                ALONE,
                Burst::clientMicrosPerRequest,
                null);
    }
}

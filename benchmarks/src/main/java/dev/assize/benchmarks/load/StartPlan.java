package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.server.storage.EmbeddedPostgres;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Starts of the server as users start it, with the flags it has by itself and on every processor: how long until it is
 * ready and until its first right answer, how its first second compares with its later ones, and what memory it has.
 */
final class StartPlan implements AutoCloseable {

    private static final int SECONDS_TO_ANSWER = 60;
    private static final int SECONDS_STEADY = 1;

    /** Of the open model: few enough that a server which has just started could keep up with it. */
    private static final double PER_SECOND = 1_000;

    private static final Shape SHAPE = Shape.of(4, 64);
    private static final Duration BETWEEN_TRIES = Duration.ofMillis(5);

    /** To what others do, before anything is started. */
    private static final Duration LISTENING = Duration.ofSeconds(1);

    private static final double MEGABYTE = 1e6;

    private final Profile profile;
    private final AssizeProcess.Launch launch;
    private final Path directory;
    private final Findings findings;
    private final Consumer<String> progress;
    private final LoadClient client = new LoadClient();
    private final ProcessorTime processors = new ProcessorTime();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    /** @param directory for scratch files */
    StartPlan(
            Profile profile,
            AssizeProcess.Launch launch,
            Path directory,
            Findings findings,
            Consumer<String> progress) {
        this.profile = profile;
        this.launch = launch;
        this.directory = directory;
        this.findings = findings;
        this.progress = progress;
    }

    void run() throws IOException, InterruptedException, SQLException {
        progress.accept("starts with the database up ...");
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory.resolve("starts"))) {
            measure("with the database up", OutsideDatabase.create(postgres).settings(), Bar.atMost(1.5));
        }
        progress.accept("starts with a PostgreSQL of its own ...");
        measure("with a PostgreSQL of its own", Map.of(), Bar.atMost(6));
    }

    @Override
    public void close() {
        threads.shutdownNow();
        client.close();
    }

    private void measure(String how, Map<String, String> settings, Bar bar) throws IOException, InterruptedException {
        int count = profile.starts();
        double[] ready = new double[count];
        double[] answered = new double[count];
        double[] bytes = new double[count];
        double[] loadedBytes = new double[count];
        double[] first = new double[count];
        double[] ratios = new double[count];
        boolean isNoisy = isNoisy();
        try (AssizeProcess server = AssizeProcess.start("assize", launch, settings)) {
            TraceFlux.load(server);
            for (int i = 0; i < count; i++) {
                Start start = startOf(server);
                ready[i] = start.readySeconds;
                answered[i] = start.answeredSeconds;
                bytes[i] = processors.residentBytes(server.pid()) / MEGABYTE;
                first[i] = p99(server);
                warmUp(server);
                ratios[i] = first[i] / p99(server);
                loadedBytes[i] = processors.residentBytes(server.pid()) / MEGABYTE;
            }
        }
        findings.values("start " + how + ": seconds to the first right answer", bar, answered, isNoisy);
        findings.values("start " + how + ": seconds until it is ready", Bar.atMost(5), ready, isNoisy);
        findings.values("start " + how + ": resident MB at its first answer", Bar.atMost(200), bytes, isNoisy);
        findings.values("start " + how + ": resident MB after the loads of this", null, loadedBytes, isNoisy);
        findings.values("start " + how + ": p99 of the first second after ready, us", null, first, isNoisy);
        findings.values(
                "start " + how + ": p99 of the first second after ready, to the steady one",
                Bar.atMost(10),
                ratios,
                isNoisy);
    }

    /** Whether others use more of the machine than a burst may be disturbed by. */
    private boolean isNoisy() throws InterruptedException {
        double before = processors.ofMachine();
        Thread.sleep(LISTENING);
        boolean isNoisy = processors.ofMachine() - before > profile.disturbedAbove() * LISTENING.toMillis() / 1e3;
        if (isNoisy) {
            findings.remark(
                    "other processes used more than the limit before starts were measured: nothing is proven by them");
        }
        return isNoisy;
    }

    private Start startOf(AssizeProcess server) throws IOException, InterruptedException {
        server.stop();
        long begin = System.nanoTime();
        CompletableFuture<Long> firstAnswer = CompletableFuture.supplyAsync(() -> awaitFirstAnswer(server), threads);
        server.startAgain(Map.of());
        long ready = System.nanoTime();
        try {
            return new Start(
                    (ready - begin) / 1e9, (firstAnswer.get(SECONDS_TO_ANSWER, TimeUnit.SECONDS) - begin) / 1e9);
        } catch (ExecutionException | TimeoutException failure) {
            throw new IOException("the server was started and gave no right answer", failure);
        }
    }

    /** When it came. A client that was refused waits for a second before it tries again; so each try has a new one. */
    private static long awaitFirstAnswer(AssizeProcess server) {
        while (!Thread.currentThread().isInterrupted()) {
            if (isListening(server)) {
                try (AssizeClient client = server.client()) {
                    if (client.check(TraceFlux.allowed()).allowed()) {
                        return System.nanoTime();
                    }
                }
            }
            try {
                Thread.sleep(BETWEEN_TRIES);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        throw new IllegalStateException("interrupted");
    }

    private static boolean isListening(AssizeProcess server) {
        try (Socket socket = new Socket()) {
            socket.connect((InetSocketAddress) server.endpoint().address());
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    private void warmUp(AssizeProcess server) throws IOException, InterruptedException {
        client.ask(
                server.endpoint(),
                TraceFlux.checks(),
                SHAPE,
                0,
                profile.warmUp(),
                profile.settle(),
                LoadClient.Marks.NONE);
    }

    /** Of one second from now on. */
    private double p99(AssizeProcess server) throws IOException, InterruptedException {
        return client.ask(
                        server.endpoint(),
                        TraceFlux.checks(),
                        SHAPE,
                        PER_SECOND,
                        Duration.ZERO,
                        Duration.ofSeconds(SECONDS_STEADY),
                        LoadClient.Marks.NONE)
                .latencies()
                .micros(99);
    }

    private record Start(double readySeconds, double answeredSeconds) {}
}

package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.server.storage.EmbeddedPostgres;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Starts of the server as users start it, with the flags it has by itself and on every processor: how long until it is
 * ready and until its first right answer, how its first second compares with its later ones, and what memory it has. So with
 * a sidecar, whose centre is one of them.
 */
final class StartPlan implements AutoCloseable {

    private static final int SECONDS_TO_ANSWER = 60;
    private static final int SECONDS_STEADY = 1;

    /** Of the open model: few enough that a server which has just started could keep up with it. */
    private static final double PER_SECOND = 1_000;

    private static final Shape SHAPE = Shape.of(4, 64);
    private static final Duration BETWEEN_TRIES = Duration.ofMillis(5);

    private static final String NOT_TRIED = "it was not tried";

    /** Each by a client of its own, before anything is measured. */
    private static final int QUESTIONS_BEFORE = 20;

    /** To what others do, before anything is started. */
    private static final Duration LISTENING = Duration.ofSeconds(1);

    /** Of the warm-up that a start has at most; there are few kinds of calls. */
    private static final int PART_OF_WARM_UP = 2;

    /** Of a warm-up. */
    private static final Duration SLICE = Duration.ofMillis(500);

    /** In which a server gives back what its start needed. */
    private static final Duration REST = Duration.ofSeconds(10);

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
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory.resolve("starts"));
                AssizeProcess server = AssizeProcess.start(
                        "assize", launch, OutsideDatabase.create(postgres).settings())) {
            TraceFlux.load(server);
            measure("with the database up", server, Bar.atMost(1.5), true);
            try (AssizeProcess sidecar = AssizeProcess.startSidecar(launch, server, TraceFlux.TENANTS)) {
                measure("of a sidecar with its centre up", sidecar, Bar.atMost(1.5), true);
            }
        }
        try (AssizeProcess server = AssizeProcess.start("assize", launch, Map.of())) {
            TraceFlux.load(server);
            // Once it is ready it is the first one again, whose memory is without PostgreSQL, too.
            measure("with a PostgreSQL of its own", server, Bar.atMost(6), false);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
        client.close();
    }

    /** @param isFollowed whether it is looked at beyond the moment at which it is ready */
    private void measure(String how, AssizeProcess server, Bar bar, boolean isFollowed)
            throws IOException, InterruptedException {
        progress.accept("starts " + how + " ...");
        // What the first start would be measured by is otherwise a client that has just started itself.
        warmUp(server);
        for (int i = 0; i < QUESTIONS_BEFORE; i++) {
            AtomicReference<String> lastTry = new AtomicReference<>(NOT_TRIED);
            Answered _ = answered(firstAnswer(server, lastTry), lastTry);
        }
        server.stop();
        boolean isNoisy = isNoisy();
        List<Start> starts = new ArrayList<>();
        for (int i = 0; i < profile.starts(); i++) {
            starts.add(startOf(server, isFollowed));
        }
        Figures figures = new Figures("start " + how + ": ", starts, isNoisy);
        figures.add("seconds to the first right answer", bar, start -> start.answeredSeconds);
        figures.add("processor seconds to the first right answer", null, start -> start.answeredProcessorSeconds);
        figures.add("seconds until it is ready", Bar.atMost(5), start -> start.readySeconds);
        figures.add("processor seconds until it is ready", null, start -> start.readyProcessorSeconds);
        figures.add("resident MB when it is ready", Bar.atMost(200), start -> start.whenReady.allMegabytes());
        figures.add("of them its own", null, start -> start.whenReady.ownMegabytes());
        if (!isFollowed) {
            return;
        }
        figures.add(
                "resident MB after " + REST.toSeconds() + " s without work",
                Bar.atMost(200),
                start -> start.later().atRest.allMegabytes());
        figures.add(
                "of them its own, after that",
                null,
                start -> start.later().atRest.ownMegabytes());
        figures.add(
                "resident MB after the loads of this",
                null,
                start -> start.later().loaded.allMegabytes());
        figures.add("p99 of the first second after ready, us", null, start -> start.later().firstMicros);
        figures.add(
                "p99 of the first second after ready, to the steady one",
                Bar.atMost(10),
                start -> start.later().firstMicros / start.later().steadyMicros);
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

    private Start startOf(AssizeProcess server, boolean isFollowed) throws IOException, InterruptedException {
        server.stop();
        long begin = System.nanoTime();
        server.beginAgain();
        AtomicReference<String> lastTry = new AtomicReference<>(NOT_TRIED);
        CompletableFuture<Answered> firstAnswer = firstAnswer(server, lastTry);
        server.awaitReady();
        long ready = System.nanoTime();
        double readyProcessorSeconds = processors.ofProcess(server.pid());
        Answered answered = answered(firstAnswer, lastTry);
        ResidentMemory whenReady = processors.resident(server.pid());
        return new Start(
                (answered.nanos - begin) / 1e9,
                answered.processorSeconds,
                (ready - begin) / 1e9,
                readyProcessorSeconds,
                whenReady,
                isFollowed ? later(server) : null);
    }

    private Later later(AssizeProcess server) throws IOException, InterruptedException {
        double firstMicros = p99(server);
        Thread.sleep(REST);
        ResidentMemory atRest = processors.resident(server.pid());
        warmUp(server);
        return new Later(atRest, firstMicros, p99(server), processors.resident(server.pid()));
    }

    private CompletableFuture<Answered> firstAnswer(AssizeProcess server, AtomicReference<String> lastTry) {
        return CompletableFuture.supplyAsync(() -> awaitFirstAnswer(server, lastTry), threads);
    }

    private static Answered answered(CompletableFuture<Answered> firstAnswer, AtomicReference<String> lastTry)
            throws IOException, InterruptedException {
        try {
            return firstAnswer.get(SECONDS_TO_ANSWER, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException failure) {
            throw new IOException(
                    "the server was started and gave no right answer; the last try: " + lastTry.get(), failure);
        }
    }

    /**
     * When it came. A client that was refused waits for a second before it tries again; so each try has a new one.
     *
     * @param lastTry is told how far the newest try came
     */
    private Answered awaitFirstAnswer(AssizeProcess server, AtomicReference<String> lastTry) {
        while (!Thread.currentThread().isInterrupted()) {
            lastTry.set("connects to " + server.endpoint().address());
            if (isListening(server)) {
                lastTry.set("makes a client");
                try (AssizeClient client = server.client()) {
                    lastTry.set("waits for an answer");
                    CheckResult result = client.check(TraceFlux.allowed());
                    if (result.allowed()) {
                        return new Answered(System.nanoTime(), processors.ofProcess(server.pid()));
                    }
                    lastTry.set("closes its client after " + result);
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

    /** As many requests as make a server warm, as far as there is time for them. */
    private void warmUp(AssizeProcess server) throws IOException, InterruptedException {
        long end =
                System.nanoTime() + profile.warmUp().dividedBy(PART_OF_WARM_UP).toNanos();
        for (long requests = 0; requests < profile.warmUpRequests() && System.nanoTime() < end; ) {
            requests += client.ask(
                            server.endpoint(),
                            TraceFlux.checks(),
                            SHAPE,
                            0,
                            Duration.ZERO,
                            SLICE,
                            LoadClient.Marks.NONE)
                    .requests();
        }
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

    /** When there was a right answer, and what the server had used of the processors by then. */
    private record Answered(long nanos, double processorSeconds) {}

    private record Start(
            double answeredSeconds,
            double answeredProcessorSeconds,
            double readySeconds,
            double readyProcessorSeconds,
            ResidentMemory whenReady,
            @Nullable Later laterOrNone) {

        Later later() {
            return Objects.requireNonNull(laterOrNone);
        }
    }

    /** What is seen of it once it is ready. */
    private record Later(ResidentMemory atRest, double firstMicros, double steadyMicros, ResidentMemory loaded) {}

    /** Of all starts of one kind. */
    private final class Figures {

        private final String prefix;
        private final List<Start> starts;
        private final boolean isNoisy;

        Figures(String prefix, List<Start> starts, boolean isNoisy) {
            this.prefix = prefix;
            this.starts = starts;
            this.isNoisy = isNoisy;
        }

        void add(String name, @Nullable Bar bar, ToDoubleFunction<Start> figure) {
            findings.values(
                    prefix + name, bar, starts.stream().mapToDouble(figure).toArray(), isNoisy);
        }
    }
}

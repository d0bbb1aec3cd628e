package dev.assize.benchmarks.load;

import dev.assize.benchmarks.load.BareServer.Answers;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamResponse;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What is measured of calls over the wire, and what is asked of it. All servers are started and warm before anything is
 * measured; a set is the cells whose figures are compared.
 */
final class LoadPlan implements AutoCloseable {

    static final String ASSIZE = "assize";

    private static final String RECORDED = "assize, on record";

    /** What is recorded while a server is warmed up: as it has every processor then, its database has none for more. */
    private static final double RECORDED_PER_SECOND = 15_000;

    private static final int MOST_CONNECTIONS = 8;
    private static final int REQUESTS = 2_048;
    private static final int BATCH = 100;
    private static final int BATCHES = 32;

    /** So many batches that neither the request nor what it meets is in the processor's caches any more. */
    private static final int COLD_BATCHES = 2_000;

    private static final Shape BATCH_SHAPE = Shape.of(4, 16);
    private static final Shape STREAM_SHAPE = new Shape(8, 8, 16);

    /** One after the other, each at what the one before found to be sustained. */
    private static final int PROBES = 3;

    /** As Cerbos' load test has it: 100 workers over 5 connections, 10 decisions a request. */
    private static final Shape CERBOS_SHAPE = Shape.of(5, 100);

    private static final int CERBOS_BATCH = 10;
    private static final int CERBOS_USERS = 5;

    /** Of the rate that the slowest one sustains. */
    private static final double OPEN_PART = 0.85;

    private static final Departments ONE = Departments.of("one", 1, 20, 5);
    private static final Departments ON_RECORD =
            new Departments("on-record", 1, 20, 5, "audit: {decisionLog: {mode: all, acknowledge: after}}");

    private final Profile profile;
    private final Cores cores;
    private final List<String> options;
    private final AssizeProcess.Launch launch;
    private final AssizeProcess.Launch recorded;
    private final Map<String, String> database;
    private final Path directory;
    private final Findings findings;
    private final Consumer<String> progress;
    private final LoadClient client = new LoadClient();
    private final BurstMeter meter = new BurstMeter(client, new ProcessorTime());
    private final Rounds rounds;
    private final WarmUps warmUps;
    private final List<ServerUnderTest> started = new ArrayList<>();

    /**
     * @param options of every server's JVM
     * @param launch how Assize is started
     * @param recorded the same, of the one that may be recorded
     * @param database settings of Assize's database; empty for its own
     * @param directory for scratch files
     */
    LoadPlan(
            Profile profile,
            Cores cores,
            List<String> options,
            AssizeProcess.Launch launch,
            AssizeProcess.Launch recorded,
            Map<String, String> database,
            Path directory,
            Findings findings,
            Consumer<String> progress) {
        this.profile = profile;
        this.cores = cores;
        this.options = options;
        this.launch = launch;
        this.recorded = recorded;
        this.database = database;
        this.directory = directory;
        this.findings = findings;
        this.progress = progress;
        this.rounds = new Rounds(meter::measure, profile);
        this.warmUps = new WarmUps(profile, cores, meter, findings, progress);
    }

    void run() throws IOException, InterruptedException, GeneralSecurityException {
        progress.accept("starting servers ...");
        Path socket = directory.resolve("assize.sock");
        Map<String, String> settings = new HashMap<>(database);
        settings.put("ASSIZE_DECISION_CACHE_BYTES", Long.toString(1L << 29));
        AssizeProcess assize = started(AssizeProcess.start(ASSIZE, recorded, settings));
        Departments cold = Departments.of("cold", profile.coldTenants(), 5, 50);
        progress.accept("writing policies ...");
        load(assize, cold);
        writeAnswers(assize);
        ServerUnderTest noOp = started(BareProcess.start(BareServer.NO_OP, cores, options, directory));
        ServerUnderTest stock = started(BareProcess.start(BareServer.STOCK, cores, options, directory));
        for (ServerUnderTest server : started) {
            warmUp(server);
        }
        tryTo("Check", () -> checks(List.of(assize, noOp, stock)));
        tryTo("CheckBatch", () -> batches(assize, noOp, stock, cold));
        tryTo("CheckStream", () -> streams(assize, noOp, stock));
        tryTo("Cerbos' load", () -> cerbos(assize));
        tryTo("decisions on record", () -> onRecord(assize));
        tryTo("transports", () -> transports(assize, noOp, socket));
        tellWhatIsUnequal();
    }

    /** What one service has beside it and another does not, as far as it was seen. */
    private void tellWhatIsUnequal() {
        double[] ofDatabase = findings.sets().stream()
                .flatMap(set -> set.rows().stream())
                .filter(row -> row.cell().server() instanceof AssizeProcess)
                .flatMap(row -> row.bursts().stream())
                .mapToDouble(Burst::databaseCores)
                .toArray();
        if (ofDatabase.length > 0) {
            findings.remark(String.format(
                    Locale.ROOT,
                    "Assize has a PostgreSQL beside it, which is pinned nowhere, and no-op and stock have none: it used %.2f of"
                            + " a processor in the median burst of Assize's and %.2f at most, which is not in Assize's"
                            + " processor time",
                    Estimate.of(ofDatabase).median(),
                    Arrays.stream(ofDatabase).max().orElseThrow()));
        }
        findings.remark(
                "Assize's own rounds (signing each second, clean-up, patrol) go on all the time, in its processor"
                        + " time and its p99 while it is measured, and as foreign load while no-op and stock are, which have no"
                        + " rounds");
    }

    @Override
    public void close() throws IOException {
        for (ServerUnderTest server : started.reversed()) {
            server.close();
        }
        client.close();
    }

    private void load(AssizeProcess assize, Departments cold) {
        assize.load(ONE);
        assize.load(ON_RECORD);
        for (int departments : profile.departments()) {
            assize.load(cerbosWorld(departments));
        }
        assize.load(cold);
    }

    /** Each as Assize answers it; so the no-op's answers are as long. */
    private void writeAnswers(AssizeProcess assize) throws IOException, InterruptedException {
        new Answers(
                        first(assize, ofOne().checks(Requests.ofOne(1)), CheckResponse::parseFrom),
                        first(assize, ofOne().batches(BATCH, Requests.ofOne(1)), CheckBatchResponse::parseFrom),
                        first(assize, ofOne().streamed(Requests.ofOne(1)), CheckStreamResponse::parseFrom))
                .write(directory);
    }

    private byte[] first(AssizeProcess assize, Workload asked, Parser parser) throws IOException, InterruptedException {
        byte[][] kept = new byte[1][];
        Workload keeping = asked.answeredBy((request, message) -> {
            parser.parse(message);
            kept[0] = message;
            return asked.answers().isRight(request, message);
        });
        WireRun.Observed observed = client.ask(
                assize.endpoint(),
                keeping,
                Shape.of(1, 1),
                0,
                profile.settle(),
                profile.settle(),
                LoadClient.Marks.NONE);
        if (kept[0] == null || observed.wrong() > 0 || observed.failures() > 0) {
            throw new IOException("the first answers to " + asked.call() + " are wrong: " + observed);
        }
        return kept[0];
    }

    private void warmUp(ServerUnderTest server) throws IOException, InterruptedException {
        warmUps.begin(Cell.closed(server, ofOne().checks(Requests.ofOne(REQUESTS)), shape(128)));
    }

    private void checks(List<ServerUnderTest> servers) throws IOException, InterruptedException {
        Workload checks = ofOne().checks(Requests.ofOne(REQUESTS));
        for (int streams : profile.streams()) {
            List<Cell> cells = servers.stream()
                    .map(server -> Cell.closed(server, checks, shape(streams)))
                    .toList();
            boolean isJudged = streams == 128;
            MeasuredSet closed = measure("Check, " + streams + " streams, closed", cells, isJudged);
            if (isJudged) {
                barsOfChecks(closed);
            }
            if (IntStream.of(profile.openStreams()).anyMatch(open -> open == streams)) {
                MeasuredSet open = measure("Check, " + streams + " streams, open at 85 %", at(closed, cells), isJudged);
                if (isJudged) {
                    barOfP99("Check, open at 85 %, 128 streams: p99", open, ASSIZE, BareServer.NO_OP);
                }
            }
        }
    }

    /** By burst, and of all bursts taken as one, of which nothing is asked: one bad burst of nine is in it. */
    private void barOfP99(String name, MeasuredSet set, String label, String toLabel) {
        findings.ratio(
                name + ", " + label + " to " + toLabel,
                set,
                label,
                toLabel,
                burst -> burst.micros(99),
                Bar.atMost(1.5));
        findings.fact(
                name + " of all bursts together, " + label + " to " + toLabel,
                set.microsOfAll(label, 99) / set.microsOfAll(toLabel, 99),
                null);
    }

    private void barsOfChecks(MeasuredSet closed) {
        findings.ratio(
                "Check, 128 streams: CPU a request, assize to stock",
                closed,
                ASSIZE,
                BareServer.STOCK,
                Burst::cpuMicrosPerRequest,
                Bar.atMost(0.25));
        findings.ratio(
                "Check, 128 streams: CPU a request, assize to no-op",
                closed,
                ASSIZE,
                BareServer.NO_OP,
                Burst::cpuMicrosPerRequest,
                Bar.atMost(1.4));
        findings.ratio(
                "Check, 128 streams: p99, assize to stock",
                closed,
                ASSIZE,
                BareServer.STOCK,
                burst -> burst.micros(99),
                Bar.atMost(0.5));
    }

    private void batches(ServerUnderTest assize, ServerUnderTest noOp, ServerUnderTest stock, Departments coldWorld)
            throws IOException, InterruptedException {
        Workload hot = ofOne().batches(BATCH, Requests.ofOne(BATCHES));
        Requests coldRequests = new Requests(coldWorld, coldWorld.tenants() + " tenants", 5);
        Workload cold = coldRequests.batches(BATCH, coldRequests.uniform(COLD_BATCHES));
        MeasuredSet set = measure(
                "CheckBatch of 100, closed",
                List.of(
                        Cell.closed(assize, hot, BATCH_SHAPE),
                        Cell.closed("assize, cold", assize, cold, BATCH_SHAPE),
                        Cell.closed(noOp, hot, BATCH_SHAPE),
                        Cell.closed(stock, hot, BATCH_SHAPE)));
        findings.figure(
                "CheckBatch of 100, hot: decisions a second of a server core",
                set,
                ASSIZE,
                burst -> BATCH * burst.requestsPerServerSecond(),
                Bar.atLeast(2_000_000));
        findings.figure(
                "CheckBatch of 100, cold: decisions a second of a server core",
                set,
                "assize, cold",
                burst -> BATCH * burst.requestsPerServerSecond(),
                Bar.atLeast(800_000));
        findings.ratio(
                "CheckBatch of 100, hot: decisions a second of a server core, assize to no-op",
                set,
                ASSIZE,
                BareServer.NO_OP,
                Burst::requestsPerServerSecond,
                Bar.atLeast(0.4));
    }

    private void streams(ServerUnderTest assize, ServerUnderTest noOp, ServerUnderTest stock)
            throws IOException, InterruptedException {
        Workload unary = ofOne().checks(Requests.ofOne(REQUESTS));
        Workload streamed = ofOne().streamed(Requests.ofOne(REQUESTS));
        MeasuredSet set = measure(
                "CheckStream, 8 streams of 16, closed",
                List.of(
                        Cell.closed(assize, streamed, STREAM_SHAPE),
                        Cell.closed("assize, unary", assize, unary, shape(128)),
                        Cell.closed(noOp, streamed, STREAM_SHAPE),
                        Cell.closed(stock, streamed, STREAM_SHAPE)));
        findings.ratio(
                "CheckStream: requests a second of a server core, to unary ones",
                set,
                ASSIZE,
                "assize, unary",
                Burst::requestsPerServerSecond,
                Bar.atLeast(3));
    }

    private void cerbos(ServerUnderTest assize) throws IOException, InterruptedException {
        List<Cell> cells = new ArrayList<>();
        for (int departments : profile.departments()) {
            Departments world = cerbosWorld(departments);
            Workload batches = new Requests(world, "cerbos " + policies(departments), 7)
                    .batches(CERBOS_BATCH, Requests.ofOne(REQUESTS));
            cells.add(Cell.closed(policies(departments) + " policies", assize, batches, CERBOS_SHAPE));
        }
        MeasuredSet closed = measure("Cerbos' load, closed", cells);
        MeasuredSet open = measure("Cerbos' load, open at 85 %", at(closed, cells));
        String most = cells.getLast().label();
        String fewest = cells.getFirst().label();
        barOfP99("Cerbos' load, closed: p99", closed, most, fewest);
        barOfP99("Cerbos' load, open at 85 %: p99", open, most, fewest);
    }

    private void onRecord(ServerUnderTest assize) throws IOException, InterruptedException {
        Workload without = ofOne().checks(Requests.ofOne(REQUESTS));
        Workload with = new Requests(ON_RECORD, "decisions on record", 3).checks(Requests.ofOne(REQUESTS));
        MeasuredSet set = measure(
                "Check, 128 streams, with decisions on record",
                List.of(Cell.closed(assize, without, shape(128)), Cell.closed(RECORDED, assize, with, shape(128))));
        findings.ratio(
                "Check, 128 streams: rate with decisions on record, acknowledged after, to the rate without",
                set,
                RECORDED,
                ASSIZE,
                Burst::requestsPerSecond,
                Bar.atLeast(0.8));
    }

    private void transports(AssizeProcess assize, ServerUnderTest noOp, Path socket)
            throws IOException, InterruptedException, GeneralSecurityException {
        Workload checks = ofOne().checks(Requests.ofOne(REQUESTS));
        List<Cell> cells = new ArrayList<>();
        cells.add(Cell.closed("assize, tcp", assize, checks, shape(128)));
        cells.add(Cell.closed("no-op, tcp", noOp, checks, shape(128)));
        AssizeProcess tls = started(AssizeProcess.startWithTls(ASSIZE, launch, OwnTls.create(directory)));
        tls.load(ONE);
        warmUp(tls);
        cells.add(Cell.closed("assize, tls", tls, checks, shape(128)));
        if (Epoll.isAvailable()) {
            ServerUnderTest bare = started(BareProcess.startOnUnixSocket(
                    BareServer.NO_OP, cores, options, directory, directory.resolve("no-op.sock")));
            warmUp(bare);
            cells.add(Cell.closed("no-op, unix", bare, checks, shape(128)));
            ServerUnderTest unix = unix(socket);
            if (unix != null) {
                cells.add(Cell.closed("assize, unix", unix, checks, shape(128)));
            }
        }
        MeasuredSet set = measure("Check, 128 streams, by transport", cells, false);
        findings.ratio(
                "Check, 128 streams: CPU a request, with TLS to without",
                set,
                "assize, tls",
                "assize, tcp",
                Burst::cpuMicrosPerRequest,
                null);
    }

    /** Null where this server has no Unix socket. */
    private @Nullable ServerUnderTest unix(Path socket) throws IOException, InterruptedException {
        AssizeProcess server;
        try {
            server = started(AssizeProcess.start(ASSIZE, launch, Map.of("ASSIZE_GRPC_UNIX_SOCKET", socket.toString())));
        } catch (IOException refused) {
            findings.remark("Assize was not measured over a Unix socket: it did not start with one");
            return null;
        }
        server.load(ONE);
        warmUp(server);
        return server.byUnixSocket(socket.toString());
    }

    private MeasuredSet measure(String name, List<Cell> cells) throws IOException, InterruptedException {
        return measure(name, cells, true);
    }

    /** @param isJudged whether something is asked of its figures */
    private MeasuredSet measure(String name, List<Cell> cells, boolean isJudged)
            throws IOException, InterruptedException {
        progress.accept(name + " ...");
        for (Cell cell : cells) {
            // Each load has code of its own, which is compiled while it runs; an open one is the same as a closed one
            // before.
            if (!cell.isOpen()) {
                warmUps.goOn(cell.label().equals(RECORDED) ? cell.at(RECORDED_PER_SECOND) : cell);
            }
        }
        MeasuredSet set = isJudged ? rounds.measure(name, cells) : rounds.curve(name, cells);
        findings.add(set);
        return set;
    }

    /** Each at the same rate, which the slowest one sustains with something to spare. */
    private List<Cell> at(MeasuredSet closed, List<Cell> cells) throws IOException, InterruptedException {
        double slowest = Double.POSITIVE_INFINITY;
        for (Cell cell : cells) {
            slowest = Math.min(slowest, sustained(cell, closed));
        }
        double offered = OPEN_PART * slowest;
        return cells.stream().map(cell -> cell.at(offered)).toList();
    }

    /**
     * What its processors give at the cost that requests have when they come one by one: in the closed model they come many
     * at a time, and cost less. At 85 % of that rate a server would be all but full, and its p99 that of a queue.
     */
    private double sustained(Cell cell, MeasuredSet closed) throws IOException, InterruptedException {
        double rate = closed.estimate(cell.label(), Burst::requestsPerSecond).median();
        // Of a server that is all but full they still come many at a time.
        for (int i = 0; i < PROBES; i++) {
            Burst probe = meter.measure(0, cell.at(OPEN_PART * rate), profile.settle(), profile.openBurst());
            rate = sustained(rate, probe, cores.ofServer());
        }
        return rate;
    }

    /** @param probe of requests that came one by one; what the system does not say of it is left out */
    static double sustained(double rate, Burst probe, int processors) {
        double ofProcessors = processors * probe.requestsPerServerSecond();
        return ofProcessors > 0 ? Math.min(rate, ofProcessors) : rate;
    }

    private <S extends ServerUnderTest> S started(S server) {
        started.add(server);
        return server;
    }

    /** One load that cannot be measured is no reason to lose the others. */
    private void tryTo(String what, Measurement measurement) throws InterruptedException, GeneralSecurityException {
        try {
            measurement.run();
        } catch (IOException | RuntimeException failure) {
            findings.incomplete(what, failure);
            progress.accept(what + ": " + failure.getMessage());
        }
    }

    private static Requests ofOne() {
        return new Requests(ONE, "one tenant", 2);
    }

    private static Departments cerbosWorld(int departments) {
        return Departments.of("cerbos-" + policies(departments), 1, departments, CERBOS_USERS);
    }

    private static int policies(int departments) {
        return departments * Departments.DOCUMENTS;
    }

    /** Streams over as many connections as are usual: 8 for 128, 4 for 16, 1 for 1. */
    private static Shape shape(int streams) {
        return Shape.of(Math.min(MOST_CONNECTIONS, (int) Math.ceil(Math.sqrt(streams))), streams);
    }

    private interface Measurement {

        void run() throws IOException, InterruptedException, GeneralSecurityException;
    }

    private interface Parser {

        Object parse(byte[] message) throws IOException;
    }
}

package dev.assize.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.benchmarks.PlainTables.Operation;
import dev.assize.benchmarks.load.Bar;
import dev.assize.benchmarks.load.Estimate;
import dev.assize.client.AssizeClient;
import dev.assize.client.AuditEvent;
import dev.assize.server.cli.ExitCodes;
import dev.assize.server.ledger.AppendResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What a durable append costs, as ratios to plain inserts of the same bytes into the same server, in one run: the two
 * sides of a ratio take turns, a figure is the median of the turns, since the machine has other moods in an hour, and a ratio
 * that of the turns' ratios.
 *
 * <p>Both sides are in this process, without gRPC. Beside them, and in no ratio, stand appends over gRPC to a server in a process
 * and with a PostgreSQL of its own. The open model sends at fixed times whatever comes back, and measures
 * from when each was due, so that a stall counts for everything that it delayed (coordinated omission).
 */
@Command(
        name = "append",
        mixinStandardHelpOptions = true,
        description = {
            "Measures durable appends to one ledger beside plain inserts into the same PostgreSQL, its own, and prints a"
                    + " table of rates, times and ratios."
        })
final class AppendDriver implements Callable<Integer> {

    private static final String LOCKED = "head locked for each, 100 callers";
    private static final String NO_VALUE_TWICE = "ledger, full batches, no value twice";
    private static final String ALL_COLUMNS = "plain batches of all columns and keys";
    private static final String FULL = "ledger, full batches";
    private static final String PLAIN_BATCHES = "plain batches of " + PlainTables.BATCH;
    private static final String CURSOR = "plain cursor, same rows";
    /** Appends under way at once; a node refuses more than some thousands. */
    private static final int PENDING = 3_000;

    /** Entries that are verified, and read, in a turn. */
    private static final int VERIFIED = 500_000;

    private static final int PATIENCE_SECONDS = 60;

    /** What is appended over gRPC: the same as beside it. */
    private static final AuditEvent EVENT = AuditEvent.ofType("replay.executed")
            .category("replay")
            .actor("service:replay")
            .role("operator")
            .action("execute")
            .resource("replay:922")
            .env("staging")
            .runId("run-4711")
            .payload(AppendRig.PAYLOAD)
            .build();

    @Option(names = "--seconds", defaultValue = "3", description = "Of each measurement; default: 3.")
    private int seconds;

    @Option(names = "--turns", defaultValue = "9", description = "Measurements of each kind; default: 9.")
    private int turns;

    @Option(names = "--no-keys", description = "Appends without idempotency keys. Clients send them.")
    private boolean noKeys;

    @Option(names = "--json", paramLabel = "FILE", description = "Writes all of it there, too.")
    private @Nullable Path json;

    @Spec
    private @Nullable CommandSpec spec;

    private final Map<String, List<Measured>> measured = new LinkedHashMap<>();

    @Override
    public Integer call() throws Exception {
        try (AppendRig rig = AppendRig.start(!noKeys)) {
            say("warming up ...");
            measureAll(rig, 1);
            measured.clear();
            for (int turn = 1; turn <= turns; turn++) {
                say("turn " + turn + " of " + turns + " ...");
                measureAll(rig, seconds);
            }
            double most = median(FULL).rate;
            for (int turn = 1; turn <= turns; turn++) {
                say("open model, turn " + turn + " of " + turns + " ...");
                for (int percent : new int[] {50, 85}) {
                    note("ledger, open model at " + percent + " %", open(most * percent / 100, seconds, rig::append));
                }
            }
            for (int turn = 1; turn <= turns; turn++) {
                say("verification, turn " + turn + " of " + turns + " ...");
                note("verification", timed(() -> rig.verify(VERIFIED).span().verified()));
                note("verification, its reading alone", timed(() -> rig.read(VERIFIED)));
                note(CURSOR, timed(() -> PlainTables.cursor(rig, VERIFIED)));
            }
        }
        measureOverGrpc();
        report();
        return ExitCodes.DONE;
    }

    private void measureAll(AppendRig rig, int length) throws Exception {
        note("ledger, 1 caller", closed(1, length, () -> ledger(rig)));
        note("plain insert, 1 connection", closed(1, length, () -> PlainTables.insert(rig)));
        note("ledger, 64 callers", closed(64, length, () -> ledger(rig)));
        note("plain inserts, 64 connections", closed(64, length, () -> PlainTables.insert(rig)));
        note("ledger, 100 callers", closed(100, length, () -> ledger(rig)));
        note(LOCKED, shared(100, 64, length, () -> PlainTables.chained(rig)));
        note(FULL, pending(length, rig::append));
        note(NO_VALUE_TWICE, pending(length, rig::appendOther));
        note(PLAIN_BATCHES, closed(1, length, () -> PlainTables.batches(rig)).times(PlainTables.BATCH));
        note(ALL_COLUMNS, closed(1, length, () -> PlainTables.wideBatches(rig)).times(PlainTables.BATCH));
    }

    /** By itself, when all that a ratio is of has been measured: a server has rounds of its own. */
    private void measureOverGrpc() throws Exception {
        try (HammeredServer server = HammeredServer.start(AppendRig.TENANT.value());
                AssizeClient client =
                        server.client().tenant(AppendRig.TENANT.value()).build()) {
            Measured _ = closed(64, 1, () -> overGrpc(client));
            for (int turn = 1; turn <= turns; turn++) {
                say("over gRPC, turn " + turn + " of " + turns + " ...");
                note("over gRPC, 1 caller", closed(1, seconds, () -> overGrpc(client)));
                note("over gRPC, 64 callers", closed(64, seconds, () -> overGrpc(client)));
            }
        }
    }

    /** The event that the others append, as a client sends it. */
    private static Operation overGrpc(AssizeClient client) {
        return Operation.of(() -> client.appendAudit(EVENT));
    }

    private static Operation ledger(AppendRig rig) {
        return Operation.of(() -> rig.append().join());
    }

    /** So many callers, each of which waits for its answer before it asks again. */
    private static Measured closed(int callers, int length, Callable<Operation> open) throws Exception {
        Histogram times = histogram();
        List<Operation> operations = new ArrayList<>();
        try {
            for (int i = 0; i < callers; i++) {
                operations.add(open.call());
            }
            long start = System.nanoTime();
            long end = start + TimeUnit.SECONDS.toNanos(length);
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> running = operations.stream()
                        .<Future<?>>map(operation -> threads.submit(() -> repeat(operation, end, times)))
                        .toList();
                for (Future<?> caller : running) {
                    caller.get();
                }
            }
            return new Measured(times.getTotalCount() / seconds(System.nanoTime() - start), times);
        } finally {
            for (Operation operation : operations) {
                operation.end().close();
            }
        }
    }

    /** So many callers with fewer connections, as a pool has: a server does not take any number of them. */
    private static Measured shared(int callers, int connections, int length, Callable<Operation> open)
            throws Exception {
        BlockingQueue<Operation> pool = new ArrayBlockingQueue<>(connections);
        try {
            for (int i = 0; i < connections; i++) {
                pool.add(open.call());
            }
            return closed(
                    callers,
                    length,
                    () -> Operation.of(() -> {
                        Operation connection = pool.take();
                        try {
                            return connection.once().call();
                        } finally {
                            pool.add(connection);
                        }
                    }));
        } finally {
            for (Operation connection : pool) {
                connection.end().close();
            }
        }
    }

    private static @Nullable Void repeat(Operation operation, long end, Histogram times) throws Exception {
        for (long sent = System.nanoTime(); sent < end; sent = System.nanoTime()) {
            operation.once().call();
            times.recordValue(System.nanoTime() - sent);
        }
        return null;
    }

    /** As many as the queue takes: every batch is full. */
    private static Measured pending(int length, Supplier<CompletableFuture<AppendResult>> append)
            throws InterruptedException {
        Histogram times = histogram();
        Semaphore room = new Semaphore(PENDING);
        LongAdder refused = new LongAdder();
        long start = System.nanoTime();
        long end = start + TimeUnit.SECONDS.toNanos(length);
        while (System.nanoTime() < end) {
            room.acquire();
            send(append, System.nanoTime(), times, refused, room);
        }
        awaitAll(room, PENDING);
        return new Measured(times.getTotalCount() / seconds(System.nanoTime() - start), times, refused.sum());
    }

    /** At fixed times, whatever comes back; what the queue has no room for waits before it, and its time counts from when it was due. */
    private static Measured open(double rate, int length, Supplier<CompletableFuture<AppendResult>> append)
            throws InterruptedException {
        Histogram times = histogram();
        Semaphore room = new Semaphore(PENDING);
        LongAdder refused = new LongAdder();
        double nanosBetween = 1e9 / rate;
        int count = (int) (rate * length);
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long due = start + (long) (i * nanosBetween);
            while (System.nanoTime() < due) {
                LockSupport.parkNanos(due - System.nanoTime());
            }
            room.acquire();
            send(append, due, times, refused, room);
        }
        awaitAll(room, PENDING);
        return new Measured(times.getTotalCount() / seconds(System.nanoTime() - start), times, refused.sum());
    }

    private static void send(
            Supplier<CompletableFuture<AppendResult>> append,
            long due,
            Histogram times,
            LongAdder refused,
            Semaphore answered) {
        CompletableFuture<AppendResult> _ = append.get().whenComplete((_, failure) -> {
            if (failure == null) {
                times.recordValue(System.nanoTime() - due);
            } else {
                refused.increment();
            }
            answered.release();
        });
    }

    private static void awaitAll(Semaphore answered, int count) throws InterruptedException {
        if (!answered.tryAcquire(count, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("Appends are not answered");
        }
    }

    private static Measured timed(Callable<Long> rows) throws Exception {
        long start = System.nanoTime();
        long count = rows.call();
        Histogram once = histogram();
        once.recordValue(System.nanoTime() - start);
        return new Measured(count / seconds(System.nanoTime() - start), once);
    }

    private static Histogram histogram() {
        return new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(2), 3);
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    private void note(String name, Measured figure) {
        measured.computeIfAbsent(name, absent -> new ArrayList<>()).add(figure);
    }

    private List<Measured> turns(String name) {
        return Objects.requireNonNull(measured.get(name));
    }

    /** Each figure is the median of the turns by itself. */
    private Row median(String name) {
        List<Measured> figures = turns(name);
        return new Row(
                median(figures, Measured::rate),
                median(figures, turn -> turn.millis(50)),
                median(figures, turn -> turn.millis(99)),
                median(figures, turn -> turn.millis(99.9)),
                figures.stream().mapToLong(Measured::refused).sum());
    }

    private static double median(List<Measured> turns, ToDoubleFunction<Measured> figure) {
        return Estimate.of(turns.stream().mapToDouble(figure).toArray()).median();
    }

    private void report() throws IOException {
        ObjectNode document = new ObjectMapper().createObjectNode();
        document.put(
                "command",
                "assize bench append --seconds " + seconds + " --turns " + turns + (noKeys ? " --no-keys" : ""));
        ArrayNode rows = document.putArray("measured");
        PrintWriter out = out();
        out.printf("%-40s %12s %10s %10s %10s %10s%n", "", "a second", "p50 ms", "p99 ms", "p99.9 ms", "refused");
        for (String name : measured.keySet()) {
            Row figure = median(name);
            out.printf(
                    "%-40s %,12.0f %10.2f %10.2f %10.2f %,10d%n",
                    name, figure.rate, figure.p50, figure.p99, figure.p999, figure.refused);
            rows.addObject()
                    .put("name", name)
                    .put("rate", figure.rate)
                    .put("p50Millis", figure.p50)
                    .put("p99Millis", figure.p99)
                    .put("p999Millis", figure.p999)
                    .put("refused", figure.refused);
        }
        out.println();
        ObjectNode ratios = document.putObject("ratios");
        out.printf("%-60s %8s   %-16s %-14s%n", "median of the turns, interval", "", "", "wanted");
        for (Ratio ratio : ratios()) {
            Estimate estimate = ratio.estimate;
            Bar bar = ratio.bar;
            out.printf(
                    "%-60s %8.2f   %6.2f to %6.2f %-14s %s%n",
                    ratio.name,
                    estimate.median(),
                    estimate.low(),
                    estimate.high(),
                    bar == null ? "" : bar,
                    bar == null ? "" : bar.judge(estimate));
            ObjectNode row = ratios.putObject(ratio.name)
                    .put("median", estimate.median())
                    .put("low", estimate.low())
                    .put("high", estimate.high())
                    .put("coverage", estimate.coverage())
                    .put("turns", estimate.count());
            if (bar != null) {
                row.put("wanted", bar.toString())
                        .put("verdict", bar.judge(estimate).toString());
            }
        }
        if (json != null) {
            Files.writeString(json, document.toPrettyString() + "\n");
        }
    }

    private List<Ratio> ratios() {
        String plain64 = "plain inserts, 64 connections";
        String ledger64 = "ledger, 64 callers";
        ToDoubleFunction<Measured> rate = Measured::rate;
        return List.of(
                ratio("rate, 64 callers to 64 connections", ledger64, plain64, rate, Bar.atLeast(2.5)),
                ratio("p99, 64 callers to 64 connections", ledger64, plain64, turn -> turn.millis(99), Bar.atMost(0.3)),
                ratio(
                        "rate, 100 callers to head locked for each",
                        "ledger, 100 callers",
                        LOCKED,
                        rate,
                        Bar.atLeast(20)),
                ratio("rate, full batches to plain batches", FULL, PLAIN_BATCHES, rate, Bar.atLeast(0.5)),
                ratio(
                        "rate, full batches to plain ones of all columns and keys",
                        FULL,
                        ALL_COLUMNS,
                        rate,
                        Bar.atLeast(0.5)),
                ratio(
                        "rate, full batches with no value twice, to plain batches",
                        NO_VALUE_TWICE,
                        PLAIN_BATCHES,
                        rate,
                        null),
                ratio(
                        "p50, 1 caller to 1 plain insert",
                        "ledger, 1 caller",
                        "plain insert, 1 connection",
                        turn -> turn.millis(50),
                        Bar.atMost(2.2)),
                ratio(
                        "rate, reading as verification does to a plain cursor",
                        "verification, its reading alone",
                        CURSOR,
                        rate,
                        Bar.atLeast(2.5)),
                ratio("rate, verification to a plain cursor", "verification", CURSOR, rate, null));
    }

    /** Of each turn's two sides. */
    private Ratio ratio(String name, String ofRow, String toRow, ToDoubleFunction<Measured> figure, @Nullable Bar bar) {
        List<Measured> of = turns(ofRow);
        List<Measured> to = turns(toRow);
        double[] values = IntStream.range(0, of.size())
                .mapToDouble(turn -> figure.applyAsDouble(of.get(turn)) / figure.applyAsDouble(to.get(turn)))
                .toArray();
        return new Ratio(name, Estimate.of(values), bar);
    }

    private PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    private void say(String line) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        err.println(line);
        err.flush();
    }

    /** A line of the table; refused is the sum over all turns. */
    private record Row(double rate, double p50, double p99, double p999, long refused) {}

    /** One turn; of what was refused neither the rate nor a time is known. */
    private record Measured(double rate, Histogram times, long refused) {

        Measured(double rate, Histogram times) {
            this(rate, times, 0);
        }

        double millis(double percentile) {
            return times.getValueAtPercentile(percentile) / 1e6;
        }

        Measured times(int rows) {
            return new Measured(rate * rows, times, refused);
        }
    }

    private record Ratio(
            String name, Estimate estimate, @Nullable Bar bar) {}
}

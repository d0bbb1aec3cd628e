package dev.assize.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.benchmarks.PlainTables.Operation;
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
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What a durable append costs, as ratios to plain inserts of the same bytes into the same server, in one run: the two
 * sides of a ratio take turns, and a figure is the median of the turns, since the machine has other moods in an hour.
 *
 * <p>Both sides are in this process, without gRPC. The open model sends at fixed times whatever comes back, and measures
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
    private static final String ALL_COLUMNS = "plain batches of all columns and keys";
    private static final int PENDING = 3_000;
    private static final int PATIENCE_SECONDS = 60;

    @Option(names = "--seconds", defaultValue = "3", description = "Of each measurement; default: 3.")
    private int seconds;

    @Option(names = "--turns", defaultValue = "3", description = "Measurements of each kind; default: 3.")
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
            double most = median("ledger, full batches").rate;
            for (int percent : new int[] {50, 85}) {
                note(
                        "ledger, open model at " + percent + " %",
                        open(most * percent / 100, seconds * turns, rig::append));
            }
            for (int turn = 1; turn <= turns; turn++) {
                note("verification", timed(() -> rig.verify().span().verified()));
                note("verification, its reading alone", timed(rig::read));
                note("plain cursor, same rows", timed(() -> PlainTables.cursor(rig)));
            }
        }
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
        note("ledger, full batches", pending(length, rig::append));
        note("ledger, full batches, no value twice", pending(length, rig::appendOther));
        note(
                "plain batches of " + PlainTables.BATCH,
                closed(1, length, () -> PlainTables.batches(rig)).times(PlainTables.BATCH));
        note(ALL_COLUMNS, closed(1, length, () -> PlainTables.wideBatches(rig)).times(PlainTables.BATCH));
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

    /** At fixed times, whatever comes back. */
    private static Measured open(double rate, int length, Supplier<CompletableFuture<AppendResult>> append)
            throws InterruptedException {
        Histogram times = histogram();
        Semaphore answered = new Semaphore(0);
        LongAdder refused = new LongAdder();
        double nanosBetween = 1e9 / rate;
        int count = (int) (rate * length);
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long due = start + (long) (i * nanosBetween);
            while (System.nanoTime() < due) {
                LockSupport.parkNanos(due - System.nanoTime());
            }
            send(append, due, times, refused, answered);
        }
        awaitAll(answered, count);
        return new Measured(times.getTotalCount() / seconds(System.nanoTime() - start), times, refused.sum());
    }

    private static void send(
            Supplier<CompletableFuture<AppendResult>> append,
            long due,
            Histogram times,
            LongAdder refused,
            Semaphore answered) {
        CompletableFuture<AppendResult> _ = append.get().whenComplete((result, failure) -> {
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

    /** The turn with the median rate. */
    private Measured median(String name) {
        List<Measured> figures = Objects.requireNonNull(measured.get(name)).stream()
                .sorted((one, other) -> Double.compare(one.rate, other.rate))
                .toList();
        return figures.get(figures.size() / 2);
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
            Measured figure = median(name);
            out.printf(
                    "%-40s %,12.0f %10.2f %10.2f %10.2f %,10d%n",
                    name, figure.rate, figure.millis(50), figure.millis(99), figure.millis(99.9), figure.refused);
            rows.addObject()
                    .put("name", name)
                    .put("rate", figure.rate)
                    .put("p50Millis", figure.millis(50))
                    .put("p99Millis", figure.millis(99))
                    .put("p999Millis", figure.millis(99.9))
                    .put("refused", figure.refused);
        }
        out.println();
        ObjectNode ratios = document.putObject("ratios");
        for (Ratio ratio : ratios()) {
            out.printf("%-60s %8.2f   bar %s%n", ratio.name, ratio.value, ratio.bar);
            ratios.putObject(ratio.name).put("value", ratio.value).put("bar", ratio.bar);
        }
        if (json != null) {
            Files.writeString(json, document.toPrettyString() + "\n");
        }
    }

    private List<Ratio> ratios() {
        Measured ledger64 = median("ledger, 64 callers");
        Measured plain64 = median("plain inserts, 64 connections");
        return List.of(
                new Ratio("rate, 64 callers to 64 connections", ledger64.rate / plain64.rate, "2.5 or more"),
                new Ratio("p99, 64 callers to 64 connections", ledger64.millis(99) / plain64.millis(99), "0.3 or less"),
                new Ratio(
                        "rate, 100 callers to head locked for each",
                        median("ledger, 100 callers").rate / median(LOCKED).rate,
                        "20 or more"),
                new Ratio(
                        "rate, full batches to plain batches",
                        median("ledger, full batches").rate / median("plain batches of " + PlainTables.BATCH).rate,
                        "0.5 or more"),
                new Ratio(
                        "rate, full batches to plain ones of all columns and keys",
                        median("ledger, full batches").rate / median(ALL_COLUMNS).rate,
                        "0.5 or more"),
                new Ratio(
                        "rate, full batches with no value twice, to plain batches",
                        median("ledger, full batches, no value twice").rate
                                / median("plain batches of " + PlainTables.BATCH).rate,
                        "none"),
                new Ratio(
                        "p50, 1 caller to 1 plain insert",
                        median("ledger, 1 caller").millis(50)
                                / median("plain insert, 1 connection").millis(50),
                        "2.2 or less"),
                new Ratio(
                        "rate, reading as verification does to a plain cursor",
                        median("verification, its reading alone").rate / median("plain cursor, same rows").rate,
                        "2.5 or more"),
                new Ratio(
                        "rate, verification to a plain cursor",
                        median("verification").rate / median("plain cursor, same rows").rate,
                        "2.5 or more"));
    }

    private PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    private void say(String line) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        err.println(line);
        err.flush();
    }

    /** Of those that were refused, since the queue was full or something failed, neither the rate nor a time is known. */
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

    private record Ratio(String name, double value, String bar) {}
}

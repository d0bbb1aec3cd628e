package dev.assize.benchmarks;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.AnchorModule;
import dev.assize.server.anchor.Checkpoints;
import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.SignedLedgerVerifier;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditCsv;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.AuditJsonLines;
import dev.assize.server.audit.AuditLog;
import dev.assize.server.audit.AuditModule;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Verification;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.lineage.LineageIndex.Scope;
import dev.assize.server.lineage.LineageModule;
import dev.assize.server.lineage.LineageTracer;
import dev.assize.server.lineage.LineageTracer.Direction;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What one large ledger costs: appending it in batches, finding in it by every condition and by pairs of them, lineage,
 * export, verification, and verification of what is new; in a small heap, on a PostgreSQL of its own.
 *
 * <p>Signing goes on beside appending, as it does in a server. With {@code --home} the ledger stays, and is asked again without
 * being appended anew: to ask takes a tenth of the time.
 */
@Command(name = "scale", description = "Measures one large ledger: appending, queries, lineage, exports, verification.")
public final class LedgerScaleReport implements Callable<Integer> {

    /** After how many entries it is said how far it is. */
    private static final int TOLD = 500_000;

    private static final int BATCH = 500;
    private static final int UNDER_WAY = 6;
    private static final int RUNS = 40;
    private static final TenantId ACME = new TenantId("acme");
    private static final SplittableRandom RANDOM = new SplittableRandom(1);

    @Option(names = "--entries", defaultValue = "1000000", description = "In the ledger; default ${DEFAULT-VALUE}.")
    private int entries;

    @Option(names = "--home", paramLabel = "DIR", description = "Keep the ledger there, or take the one that is there.")
    private @Nullable Path kept;

    LedgerScaleReport() {}

    @Override
    public Integer call() throws Exception {
        Path home = kept == null ? Files.createTempDirectory("assize-scale-") : kept;
        try {
            measure(home);
        } finally {
            if (kept == null) {
                remove(home);
            }
        }
        return 0;
    }

    private void measure(Path home) throws Exception {
        Injector injector = Guice.createInjector(
                Stage.DEVELOPMENT,
                new StorageModule(),
                new LedgerModule(),
                new AuditModule(),
                new AnchorModule(),
                new LineageModule(),
                new Surroundings(home));
        try (Database database = injector.getInstance(Database.class)) {
            database.start();
            Anchor anchor = injector.getInstance(Anchor.class);
            // Signs as a server does, round after round while there is more to sign.
            anchor.start();
            long there = injector.getInstance(LedgerStore.class)
                    .head(ACME)
                    .map(LedgerHead::size)
                    .orElse(0L);
            if (there == 0) {
                append(injector.getInstance(AuditLog.class), anchor, entries);
            } else {
                entries = Math.toIntExact(there);
                print("entries that are there", there);
            }
            try (Connection owner = connect(database.owner().orElseThrow())) {
                run(injector, owner);
            }
            injector.getInstance(Appender.class).close();
            anchor.close();
        }
    }

    private void run(Injector injector, Connection owner) throws SQLException {
        execute(owner, "ANALYZE assize.ledger_entry, assize.ledger_lineage");
        print("bytes of the ledger, an entry", size(owner, "ledger_entry") / entries);
        print("bytes of the lineage, an entry", size(owner, "ledger_lineage") / entries);
        long reads = sequentialReads(owner);
        print("rows read by sequential scans until then", reads);
        queries(injector.getInstance(AuditIndex.class));
        lineage(injector.getInstance(LineageIndex.class), injector.getInstance(LineageTracer.class));
        print("rows read by sequential scans meanwhile", sequentialReads(owner) - reads);
        export(injector.getInstance(AuditExport.class), "CSV", entry -> AuditCsv.line(entry));
        export(injector.getInstance(AuditExport.class), "JSON Lines", AuditJsonLines::line);
        verification(injector);
    }

    private static void remove(Path home) throws IOException {
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    private static void append(AuditLog log, Anchor anchor, int entries) {
        long start = System.nanoTime();
        LongAdder refused = new LongAdder();
        Deque<CompletableFuture<?>> underWay = new ArrayDeque<>();
        for (int i = 0; i < entries; i += BATCH) {
            if (underWay.size() == UNDER_WAY) {
                underWay.remove().join();
            }
            int first = i;
            List<AuditEvent> events = IntStream.range(first, Math.min(entries, first + BATCH))
                    .mapToObj(LedgerScaleReport::event)
                    .toList();
            underWay.add(send(log, events, refused));
            if (i > 0 && i % TOLD == 0) {
                rate("so far " + i, i, start);
            }
        }
        underWay.forEach(CompletableFuture::join);
        rate("appended in batches of " + BATCH + ", signed meanwhile", entries, start);
        while (anchor.round()) {
            // until all of it is signed
        }
        rate("all of it signed", entries, start);
        print("batches refused until signing had caught up", refused.sum());
    }

    /** As a client does: what is refused since signing is late is sent again a second later, until it is taken. */
    private static CompletableFuture<AppendResult> send(AuditLog log, List<AuditEvent> events, LongAdder refused) {
        return log.append(ACME, Recorder.ASSIZE, events, null).exceptionallyCompose(failure -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            if (!(cause instanceof LedgerUnanchoredException)) {
                return CompletableFuture.failedFuture(failure);
            }
            refused.increment();
            return CompletableFuture.runAsync(() -> {}, CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS))
                    .thenCompose(_ -> send(log, events, refused));
        });
    }

    /** Two of five read and write records; a run has 500 entries. */
    private static AuditEvent event(int i) {
        boolean touches = i % 5 < 2;
        return new AuditEvent(
                "type." + i % 11,
                "replay",
                new Subject("user", "u" + RANDOM.nextInt(500)),
                "operator",
                new Action("act" + RANDOM.nextInt(40)),
                ResourcePath.parse("vault:v" + RANDOM.nextInt(200) + "/feed:f" + RANDOM.nextInt(50)),
                new Environment(i % 3 == 0 ? "staging" : "production"),
                RANDOM.nextInt(50) == 0 ? Outcome.DENIED : Outcome.SUCCESS,
                null,
                "run-" + i / 500,
                null,
                "as every day",
                false,
                "{\"amount\":" + RANDOM.nextInt(1_000_000) + ",\"note\":\"a payload of a usual size, more or less\"}",
                touches ? List.of("db://prices/" + RANDOM.nextInt(20_000)) : List.of(),
                touches ? List.of("db://reports/" + RANDOM.nextInt(20_000)) : List.of(),
                null,
                null);
    }

    private void queries(AuditIndex index) {
        List<RecordedEvent> middle =
                index.find(ACME, new Conditions().filter(false, entries / 2L)).entries();
        Instant from = middle.getLast().recordedAt();
        Instant to = middle.getFirst().recordedAt();
        Map<String, Conditions> all = new LinkedHashMap<>();
        all.put("nothing", new Conditions());
        all.put("time", new Conditions().between(from, to));
        all.put("actor", new Conditions().actor("user:u7"));
        all.put("action", new Conditions().action("act7"));
        all.put("resource", new Conditions().resource("vault:v7/feed:f7"));
        all.put("resource, all under it", new Conditions().resource("vault:v7"));
        all.put("outcome", new Conditions().outcome(Outcome.DENIED));
        all.put("outcome, of most", new Conditions().outcome(Outcome.SUCCESS));
        all.put("run", new Conditions().run("run-7"));
        all.put("type", new Conditions().type("type.7"));
        all.put("actor, action", new Conditions().actor("user:u7").action("act7"));
        all.put("actor, outcome", new Conditions().actor("user:u7").outcome(Outcome.DENIED));
        all.put("actor, resource", new Conditions().actor("user:u7").resource("vault:v7/feed:f7"));
        all.put("action, outcome", new Conditions().action("act7").outcome(Outcome.DENIED));
        all.put("action, type", new Conditions().action("act7").type("type.7"));
        all.put("actor, time", new Conditions().actor("user:u7").between(from, to));
        all.put("run, actor", new Conditions().run("run-7").actor("user:u7"));
        all.put("resource under, actor", new Conditions().resource("vault:v7").actor("user:u7"));
        all.put("resource under, action", new Conditions().resource("vault:v7").action("act7"));
        all.put(
                "actor, action, that never met",
                new Conditions().actor("user:nobody").action("act7"));
        all.put(
                "actor, type, outcome",
                new Conditions().actor("user:u7").type("type.7").outcome(Outcome.DENIED));
        all.forEach((name, conditions) -> {
            int found =
                    index.find(ACME, conditions.filter(false, null)).entries().size();
            times("first page by " + name + " (" + found + ")", () -> index.find(ACME, conditions.filter(false, null)));
            times("deep page by " + name, () -> index.find(ACME, conditions.filter(false, entries / 2L)));
        });
    }

    private static void lineage(LineageIndex index, LineageTracer tracer) {
        Scope scope = new Scope(ACME, Set.of(), Long.MAX_VALUE);
        times(
                "who read and wrote a record",
                () -> index.accesses(scope, "db://reports/" + RANDOM.nextInt(20_000), 100));
        for (Direction direction : Direction.values()) {
            String uri = direction == Direction.UPSTREAM ? "db://reports/" : "db://prices/";
            times(
                    "lineage " + direction + ", 200 records",
                    () -> tracer.trace(scope, uri + RANDOM.nextInt(20_000), direction, 4, 200));
        }
    }

    private void export(AuditExport export, String name, Function<RecordedEvent, String> form) {
        AuditCodec codec = new AuditCodec();
        long[] bytes = {0};
        long start = System.nanoTime();
        export.read(ACME, new Conditions().filter(true, null), Long.MAX_VALUE, new AuditExport.Reader() {
            @Override
            public void begin(long ledgerSize) {}

            @Override
            public void accept(long seq, byte[] frame, Digest entryHash, List<ErasableValue> beside) {
                bytes[0] += form.apply(codec.decode(frame, entryHash, beside)).getBytes(StandardCharsets.UTF_8).length;
            }
        });
        rate("exported as " + name + ", " + bytes[0] / 1_000_000 + " MB", entries, start);
    }

    private void verification(Injector injector) {
        ChainVerifier chains = injector.getInstance(ChainVerifier.class);
        long cpu = cpuNanos();
        long start = System.nanoTime();
        require(chains.verify(ACME, 0, null, (_, _) -> {}));
        rate("verified, chain and columns", entries, start);
        print("of it, CPU of this process, ms", TimeUnit.NANOSECONDS.toMillis(cpuNanos() - cpu));
        print("entries a second of that", entries * TimeUnit.SECONDS.toNanos(1) / Math.max(1, cpuNanos() - cpu));
        SignedLedgerVerifier signed = injector.getInstance(SignedLedgerVerifier.class);
        start = System.nanoTime();
        require(signed.verify(ACME, 0, null, null, (_, _) -> {}));
        rate("verified, held to every checkpoint", entries, start);
        String kept = injector.getInstance(Checkpoints.class)
                .latest(ACME)
                .orElseThrow()
                .signed()
                .note();
        injector.getInstance(Anchor.class).round();
        append(injector.getInstance(AuditLog.class), injector.getInstance(Anchor.class), 1_000);
        start = System.nanoTime();
        require(signed.verify(ACME, 0, null, kept, (_, _) -> {}));
        rate("verified, what came since a checkpoint", 1_000, start);
    }

    private static void require(Verification found) {
        if (!(found instanceof Verification.Sound)) {
            throw new IllegalStateException("Not sound: " + found);
        }
    }

    private static long cpuNanos() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos();
    }

    private static void times(String name, Runnable work) {
        work.run();
        long[] nanos = new long[RUNS];
        for (int i = 0; i < RUNS; i++) {
            long start = System.nanoTime();
            work.run();
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        System.out.printf("%-60s p50 %8.2f ms   p99 %8.2f ms%n", name, nanos[RUNS / 2] / 1e6, nanos[RUNS - 1] / 1e6);
    }

    private static void rate(String name, long count, long start) {
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf("%-60s %,10.0f a second, %.1f s%n", name, count / seconds, seconds);
    }

    private static void print(String name, long value) {
        System.out.printf("%-60s %,d%n", name, value);
    }

    private static long size(Connection owner, String table) throws SQLException {
        return number(
                owner,
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname ~ '^" + table
                        + "'");
    }

    private static long sequentialReads(Connection owner) throws SQLException {
        execute(owner, "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()");
        return number(
                owner, "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname ~ '^ledger_(entry|lineage)'");
    }

    private static long number(Connection owner, String query) throws SQLException {
        try (Statement statement = owner.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static void execute(Connection owner, String sql) throws SQLException {
        try (Statement statement = owner.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Connection connect(DatabaseAccess access) throws SQLException {
        return DriverManager.getConnection(access.url(), access.user(), access.password());
    }

    /** Conditions of a query. */
    private record Conditions(
            @Nullable Instant from,
            @Nullable Instant to,
            @Nullable String actor,
            @Nullable String action,
            @Nullable ResourcePath resource,
            @Nullable Outcome outcome,
            @Nullable String runId,
            @Nullable String type) {

        Conditions() {
            this(null, null, null, null, null, null, null, null);
        }

        Conditions between(Instant after, Instant before) {
            return new Conditions(after, before, actor, action, resource, outcome, runId, type);
        }

        Conditions actor(String wanted) {
            return new Conditions(from, to, wanted, action, resource, outcome, runId, type);
        }

        Conditions action(String wanted) {
            return new Conditions(from, to, actor, wanted, resource, outcome, runId, type);
        }

        Conditions resource(String wanted) {
            return new Conditions(from, to, actor, action, ResourcePath.parse(wanted), outcome, runId, type);
        }

        Conditions outcome(Outcome wanted) {
            return new Conditions(from, to, actor, action, resource, wanted, runId, type);
        }

        Conditions run(String wanted) {
            return new Conditions(from, to, actor, action, resource, outcome, wanted, type);
        }

        Conditions type(String wanted) {
            return new Conditions(from, to, actor, action, resource, outcome, runId, wanted);
        }

        AuditFilter filter(boolean ascending, @Nullable Long after) {
            return new AuditFilter(from, to, actor, action, resource, outcome, runId, type, ascending, after, 100);
        }
    }

    private static final class Surroundings extends AbstractModule {

        private final Path home;

        Surroundings(Path home) {
            this.home = home;
        }

        @Override
        protected void configure() {
            // On a machine with other work to do, nothing is to be given up for being slow.
            bind(StorageConfig.class)
                    .toInstance(new StorageConfig(
                            new StorageConfig.Location.Embedded(home),
                            StorageConfig.DEFAULT_LEDGER_NAME,
                            16,
                            Duration.ofMinutes(1),
                            Duration.ofMinutes(10),
                            Duration.ofMinutes(5)));
            bind(AuditSettings.class).toInstance(tenant -> List.of());
            bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
            bind(AnchorConfig.class).toInstance(AnchorConfig.defaults(home.resolve("keys")));
            bind(WitnessConfig.class).toInstance(WitnessConfig.defaults());
            bind(OutsideStore.class).toInstance(new FileOutsideStore(home.resolve("anchor")));
            bind(InstantSource.class).toInstance(InstantSource.system());
            bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
        }
    }
}

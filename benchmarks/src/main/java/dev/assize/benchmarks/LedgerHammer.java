package dev.assize.benchmarks;

import dev.assize.client.AppendReceipt;
import dev.assize.client.AssizeClient;
import dev.assize.client.AssizeException;
import dev.assize.client.AuditEvent;
import dev.assize.client.LedgerProofs;
import dev.assize.client.Verification;
import dev.assize.client.ledger.AppendHistory;
import dev.assize.client.ledger.AppendHistory.Operation;
import dev.assize.client.ledger.ChainVerifier;
import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.FrameField;
import dev.assize.client.ledger.FrameReader;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.MalformedFrameException;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.Credentials;
import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Writers and verifiers on one ledger, while the server and its PostgreSQL may be killed; in the end everything that was
 * acknowledged is looked for in an export that is verified offline. After Tessera's hammer and fault test.
 */
@Command(
        name = "ledger",
        mixinStandardHelpOptions = true,
        description = {
            "Appends to one ledger from many writers, has it verified meanwhile, and in the end holds a verified export of"
                    + " it to everything that was acknowledged: each entry at its position, with its hash, once, in an"
                    + " order that fits when it was sent and answered.",
            "Starts a server of its own, on data of its own, unless --address names another."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:the ledger keeps its word", "1:could not be found out", "2:usage", "3:it does not"})
final class LedgerHammer implements Callable<Integer> {

    private static final int MOST_EVENTS = 4;
    private static final int VERIFIED_ENTRIES = 20_000;
    private static final Duration GRACE = Duration.ofSeconds(90);
    private static final Set<String> FINAL_CODES = Set.of(
            "INVALID_ARGUMENT", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND", "UNIMPLEMENTED");

    @Option(names = "--duration", defaultValue = "30s", description = "How long, as 30s or 10m; default: 30s.")
    private String duration = "30s";

    @Option(names = "--writers", defaultValue = "32", description = "Default: 32.")
    private int writers;

    @Option(names = "--verifiers", defaultValue = "2", description = "Default: 2.")
    private int verifiers;

    @Option(
            names = "--retries",
            paramLabel = "PERCENT",
            defaultValue = "10",
            description = "Appends that are sent twice at once, and again when they are answered; default: 10.")
    private int retries;

    @Option(
            names = "--kill-every",
            paramLabel = "DURATION",
            description = "Kills the server and its PostgreSQL in turns, as 5s. Not with --address.")
    private @Nullable String killEvery;

    @Option(
            names = "--address",
            paramLabel = "HOST:PORT",
            description = "A server that runs; it is spoken to as the credentials in $$ASSIZE_HOME say.")
    private @Nullable String address;

    @Option(
            names = "--tenant",
            defaultValue = "hammer",
            description = "Whose ledger, of a tenant that there is at --address; default: hammer.")
    private String tenant = "hammer";

    @Spec
    private @Nullable CommandSpec spec;

    private final String run = HexFormat.of().toHexDigits(System.nanoTime()) + ":";
    private final LongAdder appends = new LongAdder();
    private final LongAdder interruptions = new LongAdder();
    private final LongAdder verifications = new LongAdder();
    private final AtomicInteger kills = new AtomicInteger();
    private final AtomicLong highestSeq = new AtomicLong(-1);
    private volatile long endNanos;

    @Override
    public Integer call() throws Exception {
        Duration length = parse("--duration", duration);
        Duration killInterval = killEvery == null ? null : parse("--kill-every", killEvery);
        if (killInterval != null && address != null) {
            throw usage("--kill-every is for a server of the hammer's own: leave out --address");
        }
        if (writers < 1 || verifiers < 0 || retries < 0 || retries > 100) {
            throw usage("expected at least 1 writer, 0 verifiers, and 0 to 100 percent of retries");
        }
        say("starting" + (address == null ? " a server of its own ..." : " on " + address + " ..."));
        Path scratch = Files.createTempDirectory("assize-hammer");
        Path acknowledgements = scratch.resolve("acknowledgements");
        Path bundle = scratch.resolve("ledger.tar");
        try (HammeredServer own = address == null ? HammeredServer.start(tenant) : null;
                AppendHistory history = AppendHistory.in(acknowledgements)) {
            return hammer(own, history, bundle, length, killInterval);
        } catch (NotProvenException refused) {
            out().println("BROKEN  " + refused.getMessage());
            return ExitCodes.NO;
        } finally {
            Files.deleteIfExists(acknowledgements);
            Files.deleteIfExists(bundle);
            Files.deleteIfExists(scratch);
        }
    }

    private int hammer(
            @Nullable HammeredServer own,
            AppendHistory history,
            Path bundle,
            Duration length,
            @Nullable Duration killInterval)
            throws Exception {
        Kept kept = begin(own, history);
        endNanos = System.nanoTime() + length.toNanos();
        List<Future<?>> tasks = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                for (int writer = 1; writer <= writers; writer++) {
                    int client = writer;
                    tasks.add(threads.submit(() -> write(own, history, client)));
                }
                for (int verifier = 0; verifier < verifiers; verifier++) {
                    int number = verifier;
                    tasks.add(threads.submit(() -> verify(own, kept, number)));
                }
                if (own != null && killInterval != null) {
                    tasks.add(threads.submit(() -> kill(own, killInterval)));
                }
                watch(tasks);
            } finally {
                // Where one has failed the others need not go on.
                endNanos = System.nanoTime();
            }
        }
        return conclude(own, history, kept, bundle);
    }

    /** What an auditor would keep from the first day: who signs, and the first checkpoint. */
    private Kept begin(@Nullable HammeredServer own, AppendHistory history) throws Exception {
        try (AssizeClient client = client(own)) {
            Writer first = new Writer(own, history, 0);
            first.append(client, 1, false);
            Set<VerifierKey> keys = Set.copyOf(signed(() -> client.verifierKeys()));
            return new Kept(keys, signed(() -> client.proofs(keys).head().checkpoint()));
        }
    }

    /** The first entry of a ledger is signed a moment after it was appended. */
    private static <T> T signed(Callable<T> question) throws Exception {
        long deadline = System.nanoTime() + GRACE.toNanos();
        while (true) {
            try {
                return question.call();
            } catch (AssizeException e) {
                if ((FINAL_CODES.contains(e.code()) && !e.code().equals("NOT_FOUND")) || System.nanoTime() > deadline) {
                    throw e;
                }
            } catch (NotSignedYetException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
        }
    }

    private @Nullable Void write(@Nullable HammeredServer own, AppendHistory history, int client) throws Exception {
        Writer writer = new Writer(own, history, client);
        SplittableRandom random = new SplittableRandom(client);
        AssizeClient connection = client(own);
        try {
            while (System.nanoTime() < endNanos) {
                int events = 1 + random.nextInt(MOST_EVENTS);
                connection = writer.append(connection, events, random.nextInt(100) < retries);
            }
        } finally {
            connection.close();
        }
        return null;
    }

    private @Nullable Void verify(@Nullable HammeredServer own, Kept kept, int number) throws Exception {
        SplittableRandom random = new SplittableRandom(-1L - number);
        SignedNote latest = kept.checkpoint;
        while (System.nanoTime() < endNanos) {
            try (AssizeClient client = client(own)) {
                LedgerProofs proofs = client.proofs(kept.keys);
                while (System.nanoTime() < endNanos) {
                    latest = proofs.requireContinues(latest);
                    long size = Checkpoint.parse(latest.text()).size();
                    proofs.prove(random.nextLong(size));
                    requireValid(client.verifyChain(
                            tenant, Math.max(0, size - VERIFIED_ENTRIES), size - 1, (verified, total) -> {}));
                    verifications.increment();
                }
            } catch (AssizeException e) {
                interrupted(e);
            }
        }
        return null;
    }

    private static void requireValid(Verification verification) throws NotProvenException {
        if (!verification.valid()) {
            throw new NotProvenException("the server finds its own ledger broken: " + verification.message());
        }
    }

    private @Nullable Void kill(HammeredServer own, Duration interval) throws Exception {
        while (System.nanoTime() + interval.toNanos() < endNanos) {
            long before = appends.sum();
            LockSupport.parkNanos(interval.toNanos());
            if (appends.sum() == before) {
                // What does not serve yet is not killed again: the run would be one long start.
                continue;
            }
            if (kills.get() % 2 == 1) {
                own.killServer();
                kills.incrementAndGet();
            } else if (own.killPostgres()) {
                kills.incrementAndGet();
            }
        }
        return null;
    }

    /** What cannot get better ends the run; anything else is what the hammer is for. */
    private void interrupted(AssizeException failure) {
        if (FINAL_CODES.contains(failure.code())) {
            throw failure;
        }
        interruptions.increment();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }

    /** Says how far it is until all are done, or one has failed. */
    private void watch(List<Future<?>> tasks) throws Exception {
        long start = System.nanoTime();
        for (Future<?> task : tasks) {
            while (true) {
                try {
                    task.get(1, TimeUnit.SECONDS);
                    break;
                } catch (TimeoutException e) {
                    progress(start);
                    requireAllSound(tasks);
                } catch (ExecutionException e) {
                    throw cause(e);
                }
            }
        }
        err().println();
    }

    private static void requireAllSound(List<Future<?>> tasks) throws Exception {
        for (Future<?> task : tasks) {
            if (task.state() == Future.State.FAILED) {
                throw task.exceptionNow() instanceof Exception failure
                        ? failure
                        : new IllegalStateException(task.exceptionNow());
            }
        }
    }

    private static Exception cause(ExecutionException failure) {
        return failure.getCause() instanceof Exception cause ? cause : failure;
    }

    private void progress(long start) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        err().printf(
                        "\r%4d s  %,9d appends (%,d/s)  %,d verifications  %d kills  %,d calls interrupted   ",
                        seconds,
                        appends.sum(),
                        appends.sum() / Math.max(1, seconds),
                        verifications.sum(),
                        kills.get(),
                        interruptions.sum());
        err().flush();
    }

    private int conclude(@Nullable HammeredServer own, AppendHistory history, Kept kept, Path file) throws Exception {
        say("exporting, verifying offline and comparing " + history.size() + " acknowledged entries ...");
        try (AssizeClient client = client(own)) {
            LedgerProofs proofs = client.proofs(kept.keys);
            signed(() -> {
                if (Checkpoint.parse(proofs.head().checkpoint().text()).size() <= highestSeq.get()) {
                    throw new NotSignedYetException();
                }
                return true;
            });
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
                proofs.writeBundle(out, (verified, total) -> {});
            }
        }
        AppendHistory.Check check = history.check();
        try (LedgerBundle bundle = LedgerBundle.open(file)) {
            bundle.verify(kept.keys, kept.checkpoint, (verified, total) -> {}, (seq, frame) -> {
                try {
                    check.entry(seq, ChainVerifier.entryHash(frame), operation(frame));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
        AppendHistory.Summary found = check.conclude();
        if (killEvery != null && kills.get() == 0) {
            throw undone("nothing was killed");
        }
        if (verifiers > 0 && verifications.sum() == 0) {
            throw undone("nothing was verified");
        }
        out().printf(
                        "HOLDS  %,d entries, %,d of this run, %,d acknowledged: each once, where and when it was said;"
                                + " %d kills, %,d verifications%n",
                        found.entries(), found.operations(), found.acknowledged(), kills.get(), verifications.sum());
        return ExitCodes.DONE;
    }

    private static CommandException undone(String what) {
        return new CommandException(
                what + " while entries were appended, so nothing is shown: give it a longer --duration");
    }

    /** What of this run made an entry. */
    private Optional<Operation> operation(byte[] frame) throws NotProvenException {
        try {
            return FrameReader.read(frame)
                    .text(FrameField.RUN_ID)
                    .filter(id -> id.startsWith(run))
                    .flatMap(id -> Operation.parse(id.substring(run.length())));
        } catch (MalformedFrameException e) {
            throw new NotProvenException("an entry cannot be read: " + e.getMessage());
        }
    }

    private AssizeClient client(@Nullable HammeredServer own) {
        AssizeClient.Builder builder = own == null ? outside() : own.client();
        return builder.tenant(tenant).build();
    }

    private AssizeClient.Builder outside() {
        Path home = new Surroundings(System.getenv(), false, InstantSource.system()).home();
        Credentials credentials =
                Credentials.read(home).orElseThrow(() -> usage("no credentials in " + Credentials.fileIn(home)));
        return credentials
                .trust()
                .applyTo(AssizeClient.builder().target(String.valueOf(address)).apiKey(credentials.key()));
    }

    private ParameterException usage(String message) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), message);
    }

    private Duration parse(String option, String text) {
        try {
            Duration parsed = Duration.parse("PT" + text);
            if (parsed.isPositive()) {
                return parsed;
            }
        } catch (DateTimeParseException e) {
            // Told below, with what was expected.
        }
        throw usage(option + " `" + text + "`: expected a duration such as 30s or 10m");
    }

    private void say(String line) {
        err().println(line);
    }

    private PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }

    private PrintWriter err() {
        return Objects.requireNonNull(spec).commandLine().getErr();
    }

    private record Kept(Set<VerifierKey> keys, SignedNote checkpoint) {}

    private static final class NotSignedYetException extends Exception {

        private static final long serialVersionUID = 1;
    }

    /** One client's sequence of operations; each event is one. */
    private final class Writer {

        private final @Nullable HammeredServer own;
        private final AppendHistory history;
        private final int client;
        private int number;

        Writer(@Nullable HammeredServer own, AppendHistory history, int client) {
            this.own = own;
            this.history = history;
            this.client = client;
        }

        /** Appends, again and again until it is acknowledged; returns the connection to go on with. */
        AssizeClient append(AssizeClient first, int events, boolean repeat) throws Exception {
            int from = number;
            number += events;
            List<AuditEvent> batch =
                    IntStream.range(from, number).mapToObj(this::event).toList();
            String key = run + client + "." + from;
            long sent = history.nowNanos();
            AssizeClient connection = first;
            while (true) {
                try {
                    if (repeat) {
                        AssizeClient shared = connection;
                        try (ExecutorService second = Executors.newVirtualThreadPerTaskExecutor()) {
                            Future<AppendReceipt> twin = second.submit(() -> shared.appendAudit(tenant, batch, key));
                            note(from, sent, connection.appendAudit(tenant, batch, key));
                            note(from, sent, answer(twin));
                        }
                    }
                    note(from, sent, connection.appendAudit(tenant, batch, key));
                    appends.increment();
                    return connection;
                } catch (AssizeException e) {
                    interrupted(e);
                    connection.close();
                    connection = client(own);
                    if (System.nanoTime() > endNanos + GRACE.toNanos() && endNanos != 0) {
                        throw e;
                    }
                }
            }
        }

        private static AppendReceipt answer(Future<AppendReceipt> twin) throws Exception {
            try {
                return twin.get();
            } catch (ExecutionException e) {
                throw cause(e);
            }
        }

        private void note(int from, long sent, AppendReceipt receipt) throws NotProvenException, IOException {
            long now = history.nowNanos();
            long expected = receipt.entries().getFirst().seq();
            for (int i = 0; i < receipt.entries().size(); i++) {
                AppendReceipt.Entry entry = receipt.entries().get(i);
                if (entry.seq() != expected + i) {
                    throw new NotProvenException(entry.seq(), "the entries of one append do not stand together");
                }
                history.acknowledged(
                        new Operation(client, from + i),
                        sent,
                        now,
                        entry.seq(),
                        HexFormat.of().parseHex(entry.entryHash()));
                highestSeq.accumulateAndGet(entry.seq(), Math::max);
            }
        }

        private AuditEvent event(int of) {
            return AuditEvent.ofType("bench.hammered")
                    .action("append")
                    .resource("ledger:" + tenant)
                    .runId(run + new Operation(client, of))
                    .payload("{\"number\":" + of + "}")
                    .build();
        }
    }
}

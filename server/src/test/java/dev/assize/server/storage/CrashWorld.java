package dev.assize.server.storage;

import static dev.assize.server.storage.OperationAppends.TENANT;
import static dev.assize.server.storage.OperationAppends.command;
import static dev.assize.server.storage.OperationAppends.receipt;
import static dev.assize.server.storage.OperationAppends.store;
import static dev.assize.server.storage.OperationAppends.untilAcknowledged;
import static dev.assize.server.storage.OperationAppends.untilServed;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.AppendHistory;
import dev.assize.client.ledger.AppendHistory.Operation;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.storage.PostgresRelay.Death;
import dev.assize.server.storage.PostgresRelay.Fault;
import dev.assize.server.storage.PostgresRelay.Link;
import dev.assize.server.storage.PostgresRelay.Moment;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** A ledger, a node that dies and one that does not, and what was acknowledged. */
final class CrashWorld implements AutoCloseable {

    private static final List<Moment> MOMENTS = List.of(Moment.values());

    /** So many an append never has: nothing happens to it. */
    private static final int NO_STATEMENT = 1_000;

    private final DatabaseAccess superuser;
    private final StorageConfig direct;
    private final Runnable end;
    private final PostgresRelay relay;
    private final Database mortal;
    private final Database witness;
    private final AppendHistory history;
    private int number;

    /** Of the operations of nodes that are killed, the next one. */
    private int killedNumber = 1;

    private List<Sent> pending = List.of();

    CrashWorld(DatabaseAccess superuser, StorageConfig direct, Runnable end, Path directory) throws Exception {
        this.superuser = superuser;
        this.direct = direct;
        this.end = end;
        witness = new Database(direct, InstantSource.system());
        witness.start();
        relay = new PostgresRelay(port(superuser));
        mortal = node(relay);
        history = AppendHistory.in(directory.resolve("history"));
        pending = send(List.of(command(0, 0), command(0, 1)));
        number = 2;
        tryAgain();
    }

    static CrashWorld onSharedServer(Path directory) throws Exception {
        TestDatabase database = TestDatabase.migrated();
        return new CrashWorld(database.superuser(), database.config(), database::close, directory);
    }

    /** How many statements an append has that nothing happens to. */
    int statementsOfAnAppend() throws Exception {
        return appendDying(NO_STATEMENT, Moment.BEFORE, Link::cut).statements().size();
    }

    boolean knowsTransactionTimeout() throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW server_version_num")) {
            return row.next() && row.getInt(1) >= 170_000;
        }
    }

    /**
     * Where the database waits for the node while it has the head locked.
     *
     * @param everywhere also in the middle of what the node sends together
     */
    List<Integer> pausesOfAnAppend(boolean everywhere) throws Exception {
        Fault never = appendDying(NO_STATEMENT, Moment.BEFORE, Link::cut);
        int lock = 1;
        while (!never.statements().get(lock - 1).contains("FOR UPDATE")) {
            lock++;
        }
        int locked = lock;
        return everywhere
                ? IntStream.rangeClosed(locked + 1, never.statements().size())
                        .boxed()
                        .toList()
                : never.roundStarts().stream().filter(start -> start > locked).toList();
    }

    /** An append of two new operations and of one that was acknowledged before; it dies, if it gets that far. */
    Fault appendDying(int statement, Moment moment, Death death) throws Exception {
        List<AppendCommand> commands = List.of(command(0, number++), command(0, number++), command(0, 0));
        pending = send(commands);
        return tryAgainDying(statement, moment, death);
    }

    /** Two new operations from a node that has just appended, or is about to. */
    Fault appendAheadDying(int statement, Moment moment, boolean behindAnother) throws Exception {
        LedgerStore node = store(mortal);
        pending = send(List.of(command(0, number++)));
        note(untilAcknowledged(node, List.of(pending.getFirst().command)));
        List<Sent> earlier = send(List.of(command(0, number++)));
        LedgerStore.Prepared first = node.prepare(TENANT, List.of(earlier.getFirst().command));
        List<Sent> later = send(List.of(command(0, number++), command(0, number++)));
        List<AppendCommand> commands = later.stream().map(Sent::command).toList();
        LedgerStore.Prepared second = behindAnother ? node.prepare(TENANT, commands) : null;
        pending = earlier;
        note(first.write());
        pending = later;
        awaitServed();
        Fault fault = relay.arm(statement, moment, Link::cut);
        try {
            note(second == null ? node.append(TENANT, commands) : second.write());
            assertThat(fault.hasHappened()).as(fault.at()).isFalse();
        } catch (StoreUnavailableException e) {
            fault.await();
        } finally {
            relay.disarm();
        }
        return fault;
    }

    void assertAheadAnsweredAsItDied(Fault fault, Moment moment) throws Exception {
        List<AppendResult> results = tryAgain();
        boolean committing = fault.at().contains("COMMIT");
        if (!committing || moment == Moment.BEFORE) {
            assertThat(results).as(fault.at()).hasOnlyElementsOfType(AppendResult.Appended.class);
        } else if (moment == Moment.AFTER) {
            assertThat(results).as(fault.at()).hasOnlyElementsOfType(AppendResult.Replayed.class);
        }
    }

    Fault tryAgainDying(int statement, Moment moment, Death death) throws Exception {
        List<AppendCommand> commands =
                pending.stream().map(sent -> sent.command).toList();
        awaitServed();
        Fault fault = relay.arm(statement, moment, death);
        try {
            note(store(mortal).append(TENANT, commands));
            assertThat(fault.hasHappened()).as(fault.at()).isFalse();
        } catch (StoreUnavailableException e) {
            fault.await();
        } finally {
            relay.disarm();
        }
        return fault;
    }

    /** Until it is acknowledged. */
    List<AppendResult> tryAgain() throws Exception {
        List<AppendCommand> commands =
                pending.stream().map(sent -> sent.command).toList();
        List<AppendResult> results = untilAcknowledged(store(mortal), commands);
        note(results);
        return results;
    }

    /** What died before its commit was not written, and what died behind it was. */
    void assertAnsweredAsItDied(Fault fault, Moment moment) throws Exception {
        List<AppendResult> results = tryAgain();
        assertThat(results.get(2)).isInstanceOf(AppendResult.Replayed.class);
        boolean committing = fault.at().contains("COMMIT");
        if (!committing || moment == Moment.BEFORE) {
            assertThat(results.getFirst()).as(fault.at()).isInstanceOf(AppendResult.Appended.class);
        } else if (moment == Moment.AFTER) {
            assertThat(results.getFirst()).as(fault.at()).isInstanceOf(AppendResult.Replayed.class);
        }
        assertThat(results.get(1)).hasSameClassAs(results.getFirst());
    }

    void endBackend(Link link) throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_terminate_backend(" + link.serverPid() + ", 10000)");
        }
    }

    /** Cuts at random statements, and goes on until everything is acknowledged. */
    void appendWhileCut(int client, int appends) {
        SplittableRandom random = new SplittableRandom(client);
        try (PostgresRelay ownRelay = new PostgresRelay(port(superuser));
                Database node = node(ownRelay)) {
            for (int i = 0; i < appends; i++) {
                if (random.nextInt(3) == 0) {
                    Moment moment = MOMENTS.get(random.nextInt(MOMENTS.size()));
                    ownRelay.arm(1 + random.nextInt(12), moment, Link::cut);
                }
                long sent = history.nowNanos();
                AppendCommand command = command(client, i);
                note(
                        new Sent(command, client, i, sent),
                        untilAcknowledged(store(node), List.of(command)).getFirst());
            }
        } catch (Exception e) {
            throw new AssertionError("client " + client, e);
        }
    }

    /** Pauses the node at a statement until the database has given up its transaction, and another node went on. */
    void pauseAt(int statement) throws Exception {
        Duration idle = Duration.ofMillis(150);
        StorageConfig impatient = new StorageConfig(
                through(relay).location(),
                direct.ledgerName(),
                1,
                direct.connectTimeout(),
                Duration.ofSeconds(1),
                idle);
        try (Database paused = new Database(impatient, InstantSource.system());
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            paused.start();
            paused.inSnapshot(TENANT.value(), _ -> "warm");
            List<AppendCommand> interrupted = List.of(command(0, number++), command(0, number++), command(0, 0));
            pending = send(interrupted);
            CountDownLatch stopped = new CountDownLatch(1);
            CountDownLatch resumed = new CountDownLatch(1);
            Fault fault = relay.arm(statement, Moment.BEFORE, _ -> {
                stopped.countDown();
                resumed.await();
            });
            Future<List<AppendResult>> attempt =
                    executor.submit(() -> store(paused).append(TENANT, interrupted));
            stopped.await();
            relay.disarm();
            int otherNumber = number++;
            AppendCommand other = command(0, otherNumber);
            note(
                    new Sent(other, 0, otherNumber, history.nowNanos()),
                    untilAcknowledged(store(witness), List.of(other)).getFirst());
            resumed.countDown();
            assertThatThrownBy(attempt::get).as(fault.at()).hasCauseInstanceOf(StoreUnavailableException.class);
            List<AppendResult> results = untilAcknowledged(store(paused), interrupted);
            assertThat(results.getFirst()).as(fault.at()).isInstanceOf(AppendResult.Appended.class);
            note(results);
        }
    }

    /**
     * A process of its own is killed at a statement of an append, behind one that it was told of. A second process tries the same
     * again, and may be killed as well; whatever was not acknowledged then, another node ends.
     *
     * @param again the statement at which the second one is killed, by those seen until then; it has none where it finds the entries
     *     of the first one
     * @return how many were killed: none where the append has no such statement
     */
    int killNodes(int statement, Moment moment, Predicate<List<String>> again) throws Exception {
        int told = killedNumber++;
        int killed = 1;
        try (PostgresRelay ownRelay = new PostgresRelay(port(superuser));
                Mortal first = new Mortal(ownRelay)) {
            assertThat(first.append(told)).as("nothing happens to it").isTrue();
            Fault fault = ownRelay.arm(statement, moment, _ -> first.kill());
            if (first.appendOrDie(killedNumber, fault)) {
                killed = 0;
            }
        }
        if (killed > 0 && killAnother(again)) {
            AppendCommand unanswered = command(Mortal.CLIENT, killedNumber);
            note(
                    new Sent(unanswered, Mortal.CLIENT, killedNumber, history.nowNanos()),
                    untilAcknowledged(store(witness), List.of(unanswered)).getFirst());
            killed++;
        }
        killedNumber++;
        return killed;
    }

    private boolean killAnother(Predicate<List<String>> at) throws Exception {
        try (PostgresRelay ownRelay = new PostgresRelay(port(superuser));
                Mortal second = new Mortal(ownRelay)) {
            Fault fault = ownRelay.arm(at, Moment.AFTER, _ -> second.kill());
            return !second.appendOrDie(killedNumber, fault);
        }
    }

    /** At the commit of entries. */
    static boolean isCommitted(List<String> statements) {
        return statements.getLast().contains("COMMIT")
                && statements.stream().anyMatch(statement -> statement.contains("INSERT INTO assize.ledger_entry"));
    }

    /** All that was acknowledged, once; nothing else twice; a sound chain. */
    void assertHolds() throws Exception {
        LedgerStore ledger = store(witness);
        AppendHistory.Check check = history.check();
        ledger.scan(TENANT, 0, Long.MAX_VALUE, entry -> {
            try {
                String key = FrameFields.read(entry.frame()).requiredText(28);
                check.entry(entry.seq(), entry.entryHash().bytes(), Operation.parse(key));
                return true;
            } catch (NotProvenException | IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(check.conclude().acknowledged()).isEqualTo(history.size());
        Verification verification = new ChainVerifier(
                        ledger, new AuditCodec(), new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(TENANT, 0, null, (verified, total) -> {});
        assertThat(verification).isInstanceOf(Verification.Sound.class);
    }

    @Override
    public void close() throws IOException {
        history.close();
        mortal.close();
        relay.close();
        witness.close();
        end.run();
    }

    private void note(List<AppendResult> results) throws Exception {
        for (int i = 0; i < results.size(); i++) {
            note(pending.get(i), results.get(i));
        }
    }

    private void note(Sent sent, AppendResult result) throws Exception {
        Receipt receipt = receipt(result);
        history.acknowledged(
                new Operation(sent.client, sent.number),
                sent.nanos,
                history.nowNanos(),
                receipt.seq(),
                receipt.entryHash().bytes());
    }

    private List<Sent> send(List<AppendCommand> commands) {
        long now = history == null ? 0 : history.nowNanos();
        return commands.stream()
                .map(command -> {
                    Operation operation = Operation.parse(key(command)).orElseThrow();
                    return new Sent(command, operation.client(), operation.number(), now);
                })
                .toList();
    }

    private static String key(AppendCommand command) {
        Idempotency idempotency = command.idempotency();
        return idempotency == null ? "" : idempotency.key();
    }

    /** So that the statements of an append are not counted together with those that open a connection for it. */
    private void awaitServed() {
        untilServed(() -> mortal.inSnapshot(TENANT.value(), _ -> "served"));
    }

    private Database node(PostgresRelay through) {
        Database node = new Database(through(through), InstantSource.system());
        node.start();
        return node;
    }

    private StorageConfig through(PostgresRelay through) {
        Location.Outside outside = (Location.Outside) direct.location();
        return new StorageConfig(
                new Location.Outside(through.url(outside.url()), outside.application(), null),
                direct.ledgerName(),
                1,
                direct.connectTimeout(),
                direct.statementTimeout(),
                direct.idleTimeout());
    }

    private static int port(DatabaseAccess access) {
        return Integer.parseInt(access.url().replaceFirst("^.*:([0-9]+)/.*$", "$1"));
    }

    /** A node in a process of its own, with a connection. */
    private final class Mortal implements AutoCloseable {

        static final int CLIENT = 1;

        private final Process process;
        private final BufferedReader lines;
        private final PrintStream numbers;

        Mortal(PostgresRelay through) throws IOException {
            process = AppendingProcess.start(through(through), CLIENT);
            lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
            numbers = new PrintStream(process.getOutputStream(), true, UTF_8);
            if (!AppendingProcess.READY.equals(lines.readLine())) {
                close();
                throw new AssertionError("the node does not start");
            }
        }

        /** Whether it was acknowledged before the process died. */
        boolean append(int operation) throws Exception {
            long sent = history.nowNanos();
            numbers.println(operation);
            String line = lines.readLine();
            if (line == null) {
                return false;
            }
            List<String> words = List.of(line.split(" ", -1));
            assertThat(words.subList(0, 2))
                    .containsExactly(AppendingProcess.ACKNOWLEDGED.strip(), Integer.toString(operation));
            history.acknowledged(
                    new Operation(CLIENT, operation),
                    sent,
                    history.nowNanos(),
                    Long.parseLong(words.get(2)),
                    HexFormat.of().parseHex(words.get(3)));
            return true;
        }

        /** The same, and it dies of nothing but the fault. */
        boolean appendOrDie(int operation, Fault fault) throws Exception {
            if (!append(operation)) {
                fault.await();
                return false;
            }
            assertThat(fault.hasHappened()).as(fault.at()).isFalse();
            return true;
        }

        /** SIGKILL; what it has said can still be read. */
        void kill() throws InterruptedException {
            close();
            process.waitFor();
        }

        @Override
        public void close() {
            process.toHandle().destroyForcibly();
        }
    }

    /** A command, which operation it is, and when it was first sent. */
    private record Sent(AppendCommand command, int client, int number, long nanos) {}
}

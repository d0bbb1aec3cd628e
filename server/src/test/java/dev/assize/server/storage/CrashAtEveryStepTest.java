package dev.assize.server.storage;

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
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.PostgresRelay.Death;
import dev.assize.server.storage.PostgresRelay.Fault;
import dev.assize.server.storage.PostgresRelay.Link;
import dev.assize.server.storage.PostgresRelay.Moment;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An append dies at every statement of it, before, during and behind it, by a cut connection, a backend that is ended,
 * a PostgreSQL that crashes and a node that is killed; once, and again while it is tried again. Whatever dies, what was
 * acknowledged stands in the ledger once, nothing stands there twice, and the chain is sound.
 *
 * <p>A build does all of it with what dies quickly and the decisive steps of what does not. All steps of everything:
 *
 * <pre>mvn -pl server -am test -Dtest=CrashAtEveryStepTest -Dsurefire.failIfNoSpecifiedTests=false -Dassize.crash.all=true</pre>
 */
@Timeout(1200)
class CrashAtEveryStepTest {

    private static final boolean ALL = Boolean.getBoolean("assize.crash.all");
    private static final TenantId TENANT = new TenantId("acme");

    private static final List<Moment> MOMENTS = List.of(Moment.values());

    /** More than an append has, so a sweep ends by itself. */
    private static final int MOST_STATEMENTS = 40;

    private static final int MOST_AHEAD = 12;

    /** What an append cannot do without; that the sweep has been at them shows that it sweeps what it should. */
    private static final List<String> DECISIVE = List.of(
            "BEGIN",
            "set_config",
            "FOR UPDATE",
            "FROM assize.ledger_idempotency i",
            "INSERT INTO assize.ledger_entry",
            "INSERT INTO assize.ledger_idempotency",
            "UPDATE assize.ledger_head",
            "COMMIT");

    @TempDir(factory = InMemory.class)
    Path directory;

    @Test
    void holdsWhenTheConnectionIsCut() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            sweep(world, Link::cut);
        }
    }

    @Test
    void holdsWhenTheBackendIsEnded() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            sweep(world, world::endBackend);
        }
    }

    /** A node that knows where the head stands asks the database nothing before it writes. */
    @Test
    void holdsWhenWhatIsWrittenInOneTripDies() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            assertThat(sweepAhead(world, false)).noneMatch(statement -> statement.contains("FOR UPDATE"));
        }
    }

    @Test
    void holdsWhenWhatIsWrittenBehindAnotherAppendDies() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            assertThat(sweepAhead(world, true)).noneMatch(statement -> statement.contains("FOR UPDATE"));
        }
    }

    @Test
    void holdsWhenItDiesAgainWhileItIsTriedAgain() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            int statements = world.statementsOfAnAppend();
            for (int first = ALL ? 1 : statements - 1; first <= statements; first++) {
                for (int second = 1; second <= statements; second++) {
                    for (Moment moment : ALL ? Moment.values() : new Moment[] {Moment.AFTER}) {
                        world.appendDying(first, Moment.AFTER, Link::cut);
                        world.tryAgainDying(second, moment, Link::cut);
                        world.tryAgain();
                    }
                }
                world.assertHolds();
            }
        }
    }

    @Test
    void holdsWhenPostgresCrashes() throws Exception {
        try (OwnServer server = new OwnServer(directory);
                World world = server.world(directory)) {
            int statements = world.statementsOfAnAppend();
            for (int statement = ALL ? 1 : statements; statement <= statements; statement++) {
                for (Moment moment : Moment.values()) {
                    Fault fault = world.appendDying(statement, moment, server::crash);
                    server.restart();
                    world.assertAnsweredAsItDied(fault, moment);
                    world.assertHolds();
                }
            }
            // Again while it is tried again.
            world.appendDying(statements, Moment.DURING, server::crash);
            server.restart();
            world.tryAgainDying(statements, Moment.AFTER, server::crash);
            server.restart();
            world.tryAgain();
            world.assertHolds();
        }
    }

    @Test
    void holdsWhenTheNodeIsKilled() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            int statements = world.statementsOfAnAppend();
            int number = 1;
            for (int statement = ALL ? 1 : statements; statement <= statements; statement++) {
                for (Moment moment : ALL ? Moment.values() : new Moment[] {Moment.BEFORE, Moment.AFTER}) {
                    number = world.killANode(statement, moment, number);
                }
            }
            world.assertHolds();
        }
    }

    @Test
    void twoNodesHoldWhileConnectionsAreCut() throws Exception {
        nodesHoldWhileConnectionsAreCut(2);
    }

    @Test
    void fourNodesHoldWhileConnectionsAreCut() throws Exception {
        nodesHoldWhileConnectionsAreCut(4);
    }

    @Test
    void aNodePausedInItsTransactionLosesItAndNothingElse() throws Exception {
        try (World world = World.onSharedServer(directory)) {
            List<Integer> pauses = world.pausesOfAnAppend(world.knowsTransactionTimeout());
            for (int statement : ALL ? pauses : pauses.subList(pauses.size() - 2, pauses.size())) {
                world.pauseAt(statement);
                world.assertHolds();
            }
        }
    }

    /** Every statement of an append, counted anew each time; it ends when an append has no such statement any more. */
    private static void sweep(World world, Death death) throws Exception {
        Set<String> died = new LinkedHashSet<>();
        boolean any = true;
        for (int statement = 1; any; statement++) {
            any = false;
            for (Moment moment : Moment.values()) {
                Fault fault = world.appendDying(statement, moment, death);
                if (fault.hasHappened()) {
                    any = true;
                    died.add(fault.at());
                    world.assertAnsweredAsItDied(fault, moment);
                }
            }
            assertThat(statement).isLessThan(MOST_STATEMENTS);
            world.assertHolds();
        }
        assertThat(DECISIVE).allSatisfy(part -> assertThat(died).anyMatch(statement -> statement.contains(part)));
    }

    private static Set<String> sweepAhead(World world, boolean behindAnother) throws Exception {
        Set<String> died = new LinkedHashSet<>();
        boolean any = true;
        for (int statement = 1; any; statement++) {
            any = false;
            for (Moment moment : Moment.values()) {
                Fault fault = world.appendAheadDying(statement, moment, behindAnother);
                if (fault.hasHappened()) {
                    any = true;
                    died.add(fault.at());
                    world.assertAheadAnsweredAsItDied(fault, moment);
                }
            }
            assertThat(statement).isLessThan(MOST_AHEAD);
            world.assertHolds();
        }
        assertThat(List.of("set_config", "INTO assize.ledger_entry", "INTO assize.ledger_idempotency", "COMMIT"))
                .allSatisfy(part -> assertThat(died).anyMatch(statement -> statement.contains(part)));
        return died;
    }

    private void nodesHoldWhileConnectionsAreCut(int nodes) throws Exception {
        int appends = ALL ? 2_000 : 40;
        try (World world = World.onSharedServer(directory);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> clients = new ArrayList<>();
            for (int node = 1; node <= nodes; node++) {
                int client = node;
                clients.add(executor.submit(() -> world.appendWhileCut(client, appends)));
            }
            for (Future<?> client : clients) {
                client.get();
            }
            world.assertHolds();
        }
    }

    /** A ledger, a node that dies and one that does not, and what was acknowledged. */
    private static final class World implements AutoCloseable {

        private final DatabaseAccess superuser;
        private final StorageConfig direct;
        private final Runnable end;
        private final PostgresRelay relay;
        private final Database mortal;
        private final Database witness;
        private final AppendHistory history;
        private int number;
        private List<Sent> pending = List.of();

        private World(DatabaseAccess superuser, StorageConfig direct, Runnable end, Path directory) throws Exception {
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

        static World onSharedServer(Path directory) throws Exception {
            TestDatabase database = TestDatabase.migrated();
            return new World(database.superuser(), database.config(), database::close, directory);
        }

        /** How many statements an append has that nothing happens to. */
        int statementsOfAnAppend() throws Exception {
            return appendDying(MOST_STATEMENTS, Moment.BEFORE, Link::cut)
                    .statements()
                    .size();
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
            Fault never = appendDying(MOST_STATEMENTS, Moment.BEFORE, Link::cut);
            int lock = 1;
            while (!never.statements().get(lock - 1).contains("FOR UPDATE")) {
                lock++;
            }
            int locked = lock;
            return everywhere
                    ? IntStream.rangeClosed(locked + 1, never.statements().size())
                            .boxed()
                            .toList()
                    : never.roundStarts().stream()
                            .filter(start -> start > locked)
                            .toList();
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

        /** A process of its own appends until it is killed at a statement; the next process ends what it began. */
        int killANode(int statement, Moment moment, int from) throws Exception {
            int client = 1;
            int next = from;
            try (PostgresRelay ownRelay = new PostgresRelay(port(superuser))) {
                Process process = AppendingProcess.start(through(ownRelay), client, from);
                try {
                    BufferedReader lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
                    long sent = history.nowNanos();
                    next = readAcknowledgement(lines, client, sent) + 1;
                    Fault fault = ownRelay.arm(statement, moment, _ -> kill(process));
                    fault.await();
                    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                        next = noteLine(line, client, sent) + 1;
                    }
                } finally {
                    kill(process);
                }
            }
            AppendCommand unanswered = command(client, next);
            note(
                    new Sent(unanswered, client, next, history.nowNanos()),
                    untilAcknowledged(store(witness), List.of(unanswered)).getFirst());
            return next + 1;
        }

        /** SIGKILL; what it has said can still be read. */
        private static void kill(Process process) throws InterruptedException {
            process.toHandle().destroyForcibly();
            process.waitFor();
        }

        private int readAcknowledgement(BufferedReader lines, int client, long sent) throws Exception {
            String line = lines.readLine();
            assertThat(line).startsWith(AppendingProcess.ACKNOWLEDGED);
            return noteLine(line, client, sent);
        }

        private int noteLine(String line, int client, long sent) throws Exception {
            List<String> words = List.of(line.split(" ", -1));
            int acknowledged = Integer.parseInt(words.get(1));
            history.acknowledged(
                    new Operation(client, acknowledged),
                    sent,
                    history.nowNanos(),
                    Long.parseLong(words.get(2)),
                    HexFormat.of().parseHex(words.get(3)));
            return acknowledged;
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
    }

    /** A PostgreSQL that may crash without harm to other tests. */
    private static final class OwnServer implements AutoCloseable {

        private final EmbeddedPostgres server;

        OwnServer(Path directory) {
            server = EmbeddedPostgres.start(directory.resolve("home"));
        }

        World world(Path directory) throws Exception {
            Provisioning provisioning = Provisioning.ensure(
                    server.superuser("postgres"), server.url("assize"), "assize", "assize_owner", "assize_app");
            StorageConfig config = StorageConfig.of(new Location.Outside(
                    server.url("assize"), credentials(provisioning.application()), credentials(provisioning.owner())));
            return new World(server.superuser("assize"), config, () -> {}, directory);
        }

        /** What {@code pg_ctl stop -m immediate} sends: nothing is written any more, and the next start recovers. */
        void crash(Link link) throws Exception {
            ProcessHandle postmaster =
                    ProcessHandle.of(server.pid().orElseThrow()).orElseThrow();
            List<ProcessHandle> all = new ArrayList<>(postmaster.children().toList());
            all.add(postmaster);
            new ProcessBuilder("kill", "-QUIT", Long.toString(postmaster.pid()))
                    .start()
                    .waitFor();
            for (ProcessHandle process : all) {
                process.onExit().get(60, TimeUnit.SECONDS);
            }
            link.cut();
        }

        void restart() {
            server.restartIfDown();
        }

        @Override
        public void close() {
            server.close();
        }

        private static Credentials credentials(DatabaseAccess access) {
            return new Credentials(access.user(), access.password());
        }
    }

    /** A command, which operation it is, and when it was first sent. */
    private record Sent(AppendCommand command, int client, int number, long nanos) {}

    static AppendCommand command(int client, int number) {
        String key = new Operation(client, number).toString();
        byte[] body = new FrameBody()
                .text(17, "user:alice")
                .text(21, "append")
                .text(22, "ledger")
                .text(23, "default")
                .u8(24, 1)
                .text(28, key)
                .toBytes();
        return new AppendCommand(
                Recorder.ASSIZE,
                List.of(new EntryDraft(Recorder.ASSIZE, "test.crash", body)),
                new Idempotency(key, Digest.sha256(key.getBytes(UTF_8))));
    }

    static List<AppendResult> untilAcknowledged(LedgerStore store, List<AppendCommand> commands) {
        return untilServed(() -> store.append(TENANT, commands));
    }

    private static <T> T untilServed(Supplier<T> work) {
        long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (true) {
            try {
                return work.get();
            } catch (StoreUnavailableException e) {
                assertThat(System.nanoTime()).as(e.getMessage()).isLessThan(deadline);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }
    }

    static Receipt receipt(AppendResult result) {
        return switch (result) {
            case AppendResult.Appended(List<Receipt> receipts) -> receipts.getFirst();
            case AppendResult.Replayed(List<Receipt> receipts) -> receipts.getFirst();
            case AppendResult.KeyReused(String reused) -> throw new AssertionError("reused " + reused);
            case AppendResult.Refused() -> throw new AssertionError("refused");
        };
    }

    static LedgerStore store(Database database) {
        InstantSource clock = InstantSource.system();
        return new PostgresLedgerStore(database, new LedgerWriter(database, new AuditCodec(), (_, _) -> {}, clock));
    }
}

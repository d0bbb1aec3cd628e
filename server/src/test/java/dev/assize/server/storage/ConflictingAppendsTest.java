package dev.assize.server.storage;

import static dev.assize.server.testing.EventBuilder.event;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Precondition;
import dev.assize.server.ledger.PreconditionFailedException;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Appends of which each excludes another, from two nodes: who creates a payment does not approve it. */
@Timeout(300)
class ConflictingAppendsTest {

    private static final Subject ALICE = Subject.parse("user:alice");
    private static final Action CREATE = new Action("create");
    private static final Action APPROVE = new Action("approve");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final int PAIRS = Integer.getInteger("assize.test.conflicting.pairs", 250);

    private static TestDatabase testDatabase;
    private static Node one;
    private static Node other;

    /** What one server has of this. */
    private record Node(Database database, LedgerStore store, PostgresHistorySource history, Appender appender) {

        static Node start(InstantSource clock) {
            Database database = testDatabase.open(clock);
            LedgerStore store =
                    new PostgresLedgerStore(database, new LedgerWriter(database, CODEC, (_, _) -> {}, clock));
            LedgerConfig config = LedgerConfig.defaults();
            return new Node(
                    database,
                    store,
                    new PostgresHistorySource(database),
                    new Appender(store, config, new LedgerMetrics(new SimpleMeterRegistry())));
        }

        void stop() {
            appender.close();
            database.close();
        }
    }

    @BeforeAll
    static void start() {
        testDatabase = TestDatabase.migrated();
        one = Node.start(InstantSource.system());
        other = Node.start(InstantSource.offset(InstantSource.system(), java.time.Duration.ofSeconds(-3)));
    }

    @AfterAll
    static void stop() {
        one.stop();
        other.stop();
        testDatabase.close();
    }

    @Test
    void allowsOneOfEachConflictingPair() {
        TenantId tenant = new TenantId("pairs");
        List<CompletableFuture<AppendResult>> creations = new ArrayList<>();
        List<CompletableFuture<AppendResult>> approvals = new ArrayList<>();
        for (int i = 0; i < PAIRS; i++) {
            ResourcePath payment = ResourcePath.parse("payment:" + i);
            Node first = i % 2 == 0 ? one : other;
            Node second = i % 2 == 0 ? other : one;
            creations.add(first.appender().append(tenant, excluding(first, tenant, CREATE, APPROVE, payment)));
            approvals.add(second.appender().append(tenant, excluding(second, tenant, APPROVE, CREATE, payment)));
        }
        int created = 0;
        for (int i = 0; i < PAIRS; i++) {
            boolean create = creations.get(i).join() instanceof AppendResult.Appended;
            boolean approve = approvals.get(i).join() instanceof AppendResult.Appended;
            assertThat(create ^ approve).as("payment:%d", i).isTrue();
            created += create ? 1 : 0;
        }
        assertThat(created).isBetween(1, PAIRS - 1);
        assertSound(tenant, PAIRS);
    }

    @Test
    void letsEveryTenantAppendWithFewerConnectionsThanTenants() {
        List<CompletableFuture<AppendResult>> appended = IntStream.range(0, 200)
                .mapToObj(i -> {
                    TenantId tenant = new TenantId("crowd" + i % 50);
                    ResourcePath payment = ResourcePath.parse("payment:" + i / 50);
                    return one.appender().append(tenant, excluding(one, tenant, CREATE, APPROVE, payment));
                })
                .toList();
        assertThat(appended)
                .allSatisfy(result -> assertThat(
                                result.orTimeout(60, TimeUnit.SECONDS).join())
                        .isInstanceOf(AppendResult.Appended.class));
    }

    @Test
    void appendsNothingWhereTheAnswerIsNeverFound() {
        TenantId tenant = new TenantId("unanswered");
        IllegalStateException cause = new IllegalStateException("no policy");
        Precondition failing = () -> {
            throw cause;
        };
        ResourcePath payment = ResourcePath.parse("payment:1");
        CompletableFuture<AppendResult> future = one.appender().append(tenant, command("k", CREATE, payment, failing));
        assertThatThrownBy(future::join).cause().isSameAs(cause);
        assertThat(one.store().head(tenant)).isEmpty();
        assertThat(one.appender()
                        .append(tenant, command("k", CREATE, payment, () -> true))
                        .join())
                .isInstanceOf(AppendResult.Appended.class);
    }

    @Test
    void appendsNothingWhereTheConnectionDiesWhileItIsAsked() {
        TenantId tenant = new TenantId("dying");
        ResourcePath payment = ResourcePath.parse("payment:1");
        Precondition dying = () -> {
            killConnections();
            return one.history()
                    .firstPerformed(tenant, ALICE, payment, Set.of(APPROVE), Instant.MAX)
                    .isEmpty();
        };
        assertThatThrownBy(() -> one.store().append(tenant, List.of(command("k", CREATE, payment, dying))))
                .isInstanceOfSatisfying(
                        PreconditionFailedException.class,
                        e -> assertThat(e.failure()).isInstanceOf(StoreUnavailableException.class));
        Precondition careless = () -> {
            killConnections();
            return true;
        };
        assertThatThrownBy(() -> one.store().append(tenant, List.of(command("k", CREATE, payment, careless))))
                .isInstanceOf(StoreUnavailableException.class);
        assertThat(other.store().head(tenant)).isEmpty();
    }

    @Test
    void readsAnotherTenantAndComesBack() {
        TenantId tenant = new TenantId("reading");
        TenantId neighbour = new TenantId("neighbour");
        ResourcePath payment = ResourcePath.parse("payment:1");
        one.store().append(neighbour, List.of(command("k", APPROVE, payment, () -> true)));
        Precondition precondition = () -> one.history()
                        .firstPerformed(neighbour, ALICE, payment, Set.of(APPROVE), Instant.MAX)
                        .isPresent()
                && one.history()
                        .firstPerformed(tenant, ALICE, payment, Set.of(APPROVE), Instant.MAX)
                        .isEmpty();
        assertThat(one.store()
                        .append(tenant, List.of(command("k", CREATE, payment, precondition)))
                        .getFirst())
                .isInstanceOf(AppendResult.Appended.class);
        assertThat(one.store().head(neighbour).orElseThrow().size()).isEqualTo(1);
        assertThat(one.store().head(tenant).orElseThrow().size()).isEqualTo(1);
    }

    @Test
    void writesNothingWhileItIsAsked() {
        TenantId tenant = new TenantId("writing");
        ResourcePath payment = ResourcePath.parse("payment:1");
        Precondition writing = () -> !one.store()
                .append(tenant, List.of(command("inner", APPROVE, payment, () -> true)))
                .isEmpty();
        assertThatThrownBy(() -> one.store().append(tenant, List.of(command("k", CREATE, payment, writing))))
                .isInstanceOfSatisfying(
                        PreconditionFailedException.class,
                        e -> assertThat(e.failure()).isInstanceOf(IllegalStateException.class));
        assertThat(one.store().head(tenant)).isEmpty();
    }

    /** The action, unless the other one was done to the payment before. */
    private static AppendCommand excluding(
            Node node, TenantId tenant, Action action, Action excluded, ResourcePath payment) {
        return command(
                action + " " + payment,
                action,
                payment,
                () -> node.history()
                        .firstPerformed(tenant, ALICE, payment, Set.of(excluded), Instant.MAX)
                        .isEmpty());
    }

    private static AppendCommand command(String key, Action action, ResourcePath payment, Precondition precondition) {
        AuditEvent event = event("payment.changed", ALICE, action, payment)
                .env(new Environment("prod"))
                .build();
        EntryDraft draft = CODEC.encode(event, Recorder.ASSIZE);
        return new AppendCommand(
                Recorder.ASSIZE,
                List.of(draft),
                new Idempotency(key, Digest.sha256(key.getBytes(UTF_8))),
                precondition);
    }

    private static void killConnections() {
        try (Connection connection = DriverManager.getConnection(
                        testDatabase.superuser().url(),
                        testDatabase.superuser().user(),
                        testDatabase.superuser().password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '"
                    + testDatabase.application().user() + "' AND state = 'idle in transaction'");
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static void assertSound(TenantId tenant, long size) {
        Verification verification = new ChainVerifier(one.store(), CODEC, new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(tenant, 0, null, (verified, total) -> {});
        assertThat(verification).isInstanceOf(Verification.Sound.class);
        assertThat(one.store().head(tenant).orElseThrow().size()).isEqualTo(size);
    }
}

package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TrustPolicy;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.anchor.witness.WitnessAddress;
import dev.assize.server.app.witness.RunningWitness;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.Counter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that signs, and real witnesses of its log of heads over HTTP. */
class WitnessedLogTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final Instant SEEN = Instant.parse("2026-03-01T12:00:05Z");

    @TempDir
    private Path directory;

    private TestDatabase database;

    /** The name of the deployment's key, known once a node has started. */
    private VerifierKey logKey;

    @BeforeEach
    void sign() throws NotProvenException {
        database = TestDatabase.migrated();
        try (AnchoredNode node = node()) {
            node.append(ACME, 10);
            assertThat(node.round()).isEmpty();
            logKey = VerifierKey.parse(
                    node.checkpoints().latest(ACME).orElseThrow().verifierKeys().getFirst());
        }
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void theLogOfHeadsIsShownWithWhatWitnessesSigned() throws Exception {
        try (RunningWitness one = witness("one", 0, () -> SEEN);
                RunningWitness two = witness("two", 0);
                AnchoredNode node = node(address(one), address(two))) {
            node.witnesses().round();

            SignedNote note = metaNote(node, ACME);
            assertThat(policy(2, one, two).accept(note).size()).isEqualTo(1);
            assertThat(note.verify(Set.of(one.key())).getFirst().time()).contains(SEEN);
            for (int i = 0; i < 5; i++) {
                node.append(ACME, 3);
                node.append(OTHER, 3);
                assertThat(node.round()).isEmpty();
                node.witnesses().round();
                assertThat(policy(2, one, two).accept(metaNote(node, OTHER)).size())
                        .isEqualTo(3 + 2 * i);
                assertLeads(node, ACME);
                assertLeads(node, OTHER);
            }
            assertThat(asked(node, one, "cosigned")).isEqualTo(6);
            assertThat(node.meters()
                            .get("assize.anchor.witness.age.seconds")
                            .tag("witness", one.key().name())
                            .gauge()
                            .value())
                    .isLessThan(60);
        }
    }

    @Test
    void staleHeadIsFoundByTheTimeOfAWitness() throws Exception {
        try (RunningWitness one = witness("one", 0, () -> SEEN);
                AnchoredNode node = node(address(one))) {
            node.witnesses().round();
            SignedNote old = metaNote(node, ACME);
            assertThat(policy(1, one).accept(old, SEEN))
                    .isEqualTo(policy(1, one).accept(old));
            assertThatThrownBy(() -> policy(1, one).accept(old, SEEN.plusSeconds(1)))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessage("0 known witnesses have signed it since " + SEEN.plusSeconds(1) + ", not 1");
            assertThatThrownBy(() -> policy(0, one).accept(old, SEEN))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessageContaining("no witness is asked for");
        }
    }

    @Test
    void witnessesAreToldAgainAfterAnError() throws Exception {
        AtomicBoolean fails = new AtomicBoolean(true);
        Semaphore rounds = new Semaphore(0);
        try (RunningWitness one = witness("one", 0);
                AnchoredNode node = node(address(one));
                Witnesses witnesses = node.witnesses(node.repository("published", () -> {
                    rounds.release();
                    if (fails.getAndSet(false)) {
                        throw new StackOverflowError();
                    }
                }))) {
            witnesses.start();
            assertThat(rounds.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
            witnesses.published();
            awaitCosigned(node, one.key());
        }
    }

    @Test
    void aWitnessThatIsDownStopsNothing() throws Exception {
        RunningWitness first = witness("one", 0);
        int port = first.port();
        VerifierKey key = first.key();
        try (AnchoredNode node = node(address(first))) {
            node.witnesses().start();
            awaitCosigned(node, key);
            first.close();
            for (int i = 0; i < 3; i++) {
                node.append(ACME, 1);
                assertThat(node.round()).isEmpty();
            }
            await(() -> asked(node, key, "unreached") > 0);
            assertThat(metaSize(node))
                    .as("the newest, which nobody else has signed")
                    .isEqualTo(4);
            try (RunningWitness _ = witness("one", port)) {
                awaitCosigned(node, key);
                assertThat(metaSize(node)).isEqualTo(4);
            }
            node.witnesses().close();
        }
    }

    @Test
    void signingDoesNotWaitForAWitnessThatHangs() throws Exception {
        HttpServer hanging = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        hanging.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        hanging.createContext("/", exchange -> {
            asked.countDown();
            // Headers and no body: what a client that waits for headers only would wait for without end.
            exchange.sendResponseHeaders(200, 100);
            exchange.getResponseBody().flush();
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        hanging.start();
        try (RunningWitness real = witness("one", 0)) {
            WitnessAddress dead = WitnessAddress.parse(
                            "http://127.0.0.1:" + hanging.getAddress().getPort() + " " + real.key())
                    .getFirst();
            try (AnchoredNode node = node(dead)) {
                node.witnesses().start();
                assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
                node.append(ACME, 1);
                assertThat(node.round()).isEmpty();
                await(() -> asked(node, real.key(), "unreached") > 0);
                node.witnesses().close();
            }
        } finally {
            end.countDown();
            hanging.stop(0);
        }
    }

    @Test
    void whatIsNoSignatureOfTheWitnessIsNotKept() throws Exception {
        HttpServer lying = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        try (RunningWitness real = witness("one", 0);
                RunningWitness other = witness("two", 0)) {
            lying.createContext("/", exchange -> {
                byte[] answer = ("\u2014 " + other.key().name() + " AAAAAAAA\n").getBytes(UTF_8);
                exchange.sendResponseHeaders(200, answer.length);
                exchange.getResponseBody().write(answer);
                exchange.close();
            });
            lying.start();
            WitnessAddress liar = WitnessAddress.parse(
                            "http://127.0.0.1:" + lying.getAddress().getPort() + " " + real.key())
                    .getFirst();
            try (AnchoredNode node = node(liar)) {
                node.witnesses().round();
                assertThat(asked(node, real.key(), "refused")).isEqualTo(1);
                assertThat(node.repository().published(Published::cosigned)).isEmpty();
            }
        } finally {
            lying.stop(0);
        }
    }

    @Test
    void nodesTakeOverFromEachOther() throws Exception {
        try (RunningWitness witness = witness("one", 0);
                AnchoredNode one = node(address(witness));
                AnchoredNode other = node(address(witness))) {
            one.witnesses().round();
            other.append(ACME, 1);
            assertThat(other.round()).isEmpty();
            other.witnesses().round();
            one.append(ACME, 1);
            assertThat(one.round()).isEmpty();
            one.witnesses().round();
            other.witnesses().round();

            assertThat(policy(1, witness).accept(metaNote(other, ACME)).size()).isEqualTo(3);
            assertThat(asked(one, witness, "cosigned")).isEqualTo(2);
            assertThat(asked(other, witness, "cosigned")).isEqualTo(1);
        }
    }

    @Test
    void aWitnessThatIsFurtherThanWasThoughtIsShownTheProofFromThere() throws Exception {
        try (RunningWitness witness = witness("one", 0);
                AnchoredNode node = node(address(witness))) {
            node.witnesses().round();
            node.append(ACME, 1);
            assertThat(node.round()).isEmpty();
            execute("DELETE FROM assize.meta_cosignature");
            node.witnesses().round();

            assertThat(policy(1, witness).accept(metaNote(node, ACME)).size()).isEqualTo(2);
        }
    }

    @Test
    void aLogThatWasRolledBackIsNoticed() throws Exception {
        try (RunningWitness witness = witness("one", 0);
                AnchoredNode node = node(address(witness))) {
            node.append(ACME, 1);
            assertThat(node.round()).isEmpty();
            execute("CREATE TABLE before AS SELECT * FROM assize.ledger_tree WHERE tenant_id = '~meta'");
            node.append(ACME, 1);
            assertThat(node.round()).isEmpty();
            node.witnesses().round();
            execute("UPDATE assize.ledger_tree t SET size = b.size, root = b.root, note = b.note"
                    + " FROM before b WHERE t.tenant_id = '~meta'; DELETE FROM assize.meta_cosignature");
            node.witnesses().round();

            assertThat(asked(node, witness, "ahead")).isEqualTo(1);
        }
    }

    @Test
    void differentHistoriesForTwoReadersAreFoundByTheWitness() throws Exception {
        try (RunningWitness witness = witness("one", 0)) {
            try (AnchoredNode node = node(address(witness))) {
                node.append(ACME, 1);
                assertThat(node.round()).isEmpty();
                node.witnesses().round();
                SignedNote shown = metaNote(node, ACME);
                assertThat(policy(1, witness).accept(shown).size()).isEqualTo(2);
            }
            // Who has the key, the database and the place outside signs another history for somebody else.
            execute(
                    "DELETE FROM assize.ledger_tree; DELETE FROM assize.ledger_tile; DELETE FROM assize.meta_leaf;"
                            + " DELETE FROM assize.ledger_checkpoint; DELETE FROM assize.anchor; DELETE FROM assize.meta_cosignature");
            try (AnchoredNode other = AnchoredNode.start(
                    database,
                    new FileOutsideStore(directory.resolve("for-somebody-else")),
                    AnchorConfig.defaults(directory.resolve("keys")),
                    new WitnessConfig(List.of(address(witness)), Duration.ofSeconds(2), Duration.ofMinutes(5)))) {
                assertThat(other.round()).isEmpty();
                for (int i = 0; i < 3; i++) {
                    other.append(OTHER, 1);
                    assertThat(other.round()).isEmpty();
                }
                other.witnesses().round();
                SignedNote shown = metaNote(other, OTHER);
                assertThat(policy(0).accept(shown).size()).isGreaterThan(2);
                assertThatThrownBy(() -> policy(1, witness).accept(shown)).isInstanceOf(NotProvenException.class);
                assertThat(asked(other, witness, "refused")).isPositive();
            }
        }
    }

    @Test
    void signaturesAreRenewedWhereNothingIsAppended() throws Exception {
        try (RunningWitness witness = witness("one", 0, () -> SEEN);
                AnchoredNode node = node(address(witness))) {
            node.witnesses().round();
            node.witnesses().round();

            // The witness's clock has stood still since long ago: each of its signatures is old at once.
            assertThat(asked(node, witness, "cosigned")).isEqualTo(2);
        }
        try (RunningWitness witness = witness("two", 0);
                AnchoredNode node = node(address(witness))) {
            node.witnesses().round();
            node.witnesses().round();

            assertThat(asked(node, witness, "cosigned")).isEqualTo(1);
        }
    }

    private RunningWitness witness(String name, int port) throws IOException {
        return witness(name, port, InstantSource.system());
    }

    private RunningWitness witness(String name, int port, InstantSource clock) throws IOException {
        return RunningWitness.start(directory.resolve(name), port, name, clock, logKey.toString());
    }

    private void execute(String sql) throws SQLException {
        DatabaseAccess access = database.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private AnchoredNode node(WitnessAddress... witnesses) {
        AnchoredNode node = AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                AnchorConfig.defaults(directory.resolve("keys")),
                new WitnessConfig(List.of(witnesses), Duration.ofSeconds(2), Duration.ofMinutes(5)));
        assertThat(node.round()).isEmpty();
        return node;
    }

    private static WitnessAddress address(RunningWitness witness) {
        return WitnessAddress.parse(witness.url() + " " + witness.key()).getFirst();
    }

    private TrustPolicy policy(int quorum, RunningWitness... witnesses) {
        return new TrustPolicy(
                logKey.name() + "/~meta/1",
                Set.of(logKey),
                Arrays.stream(witnesses).map(RunningWitness::key).collect(Collectors.toSet()),
                quorum);
    }

    private static SignedNote metaNote(AnchoredNode node, TenantId tenant) throws NotProvenException {
        return SignedNote.parse(place(node, tenant).meta().note().getBytes(UTF_8));
    }

    private static Checkpoints.Place place(AnchoredNode node, TenantId tenant) {
        Checkpoints.Place place =
                node.checkpoints().latest(tenant).orElseThrow().place();
        if (place == null) {
            throw new AssertionError("no place");
        }
        return place;
    }

    private static long metaSize(AnchoredNode node) {
        return place(node, ACME).meta().size();
    }

    /** The proof leads from the leaf, which is the ledger's checkpoint, to what witnesses have signed. */
    private static void assertLeads(AnchoredNode node, TenantId tenant) throws NotProvenException {
        Checkpoints.Place place = place(node, tenant);
        assertThat(node.checkpoints().latest(tenant).orElseThrow().signed().note())
                .startsWith(place.leaf().text());
        Checkpoint.parse(metaNote(node, tenant).text())
                .requireInclusion(
                        new TreeHash().leaf(place.leaf().text().getBytes(UTF_8)),
                        place.leaf().index(),
                        place.proof());
    }

    private static double asked(AnchoredNode node, RunningWitness witness, String result) {
        return asked(node, witness.key(), result);
    }

    private static double asked(AnchoredNode node, VerifierKey witness, String result) {
        Counter counter = node.meters()
                .find("assize.anchor.witness.requests")
                .tags("witness", witness.name(), "result", result)
                .counter();
        return counter == null ? 0 : counter.count();
    }

    private static void awaitCosigned(AnchoredNode node, VerifierKey key) {
        await(() -> {
            try {
                SignedNote note = metaNote(node, ACME);
                note.verify(Set.of(key));
                return true;
            } catch (NotProvenException notYet) {
                return false;
            }
        });
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within 30 s");
            }
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
    }
}

package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.node.ChangeSignals;
import dev.assize.server.decision.node.Node;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry.Asked;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What nodes hear of each other through PostgreSQL. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PostgresNodesTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Revision ONE = new Revision(1);
    private static final Asked ASKED = new Asked(ACME, ONE);

    private final TestDatabase server = TestDatabase.migrated();
    private final Database database = server.open(InstantSource.system());
    private final PostgresNodeRegistry registry = new PostgresNodeRegistry(database);

    @AfterAll
    void close() {
        database.close();
        server.close();
    }

    @Test
    void overlooksWhatMakesNoSenseAndHearsWhatFollows() throws Exception {
        try (Ears ears = new Ears()) {
            for (String payload :
                    List.of("", "acme", "acme x y", "acme -1 5", "..  1 5", "acme 1 99999999999999999999")) {
                notify("assize_policy", payload);
                notify("assize_confirm", payload);
            }
            notify("assize_policy", "acme 7 1000000");
            assertThat(ears.next()).isEqualTo("tenant `acme` 7 1970-01-01T00:00:01Z");
        }
    }

    @Test
    void saysAChangeOnlyOnceItIsCommitted() throws Exception {
        try (Ears ears = new Ears()) {
            database.inTransaction("acme", transaction -> {
                PostgresChangeSignals.announce(transaction, ASKED);
                transaction.abandon();
                return true;
            });
            NodeIdentity node = NodeIdentity.starting("n", Duration.ofSeconds(60));
            registry.ask(ACME, new Revision(2), List.of(node));
            assertThat(ears.next()).isEqualTo(new Asked(ACME, new Revision(2)).toString());
        }
    }

    @Test
    void listensAgainAfterItsConnectionWasCut() throws Exception {
        try (Ears ears = new Ears()) {
            execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE application_name = 'assize-signals' AND datname = current_database()");
            assertThat(ears.next()).isEqualTo("connected");
            notify("assize_policy", "~platform 3 0");
            assertThat(ears.next()).isEqualTo("the platform 3 1970-01-01T00:00:00Z");
        }
    }

    @Test
    void listensAgainAfterAnErrorOfWhoeverListens() throws Exception {
        try (Ears ears = new Ears()) {
            ears.error = new StackOverflowError();
            notify("assize_policy", "acme 7 1000000");
            assertThat(ears.next()).isEqualTo("connected");
            notify("assize_policy", "acme 8 0");
            assertThat(ears.next()).isEqualTo("tenant `acme` 8 1970-01-01T00:00:00Z");
        }
    }

    @Test
    void knowsWhoIsThereAndHowLongNobodySawThem() throws Exception {
        NodeIdentity one = NodeIdentity.starting("one", Duration.ofSeconds(60));
        NodeIdentity two = NodeIdentity.starting("two", Duration.ofSeconds(2));
        registry.seen(one);
        registry.seen(two);
        assertThat(identities()).contains(one, two);

        execute("UPDATE assize.node SET last_seen_at = last_seen_at - interval '40 seconds'");
        assertThat(identities()).contains(one).doesNotContain(two);
        assertThat(registry.nodes())
                .filteredOn(node -> node.identity().equals(one))
                .allMatch(Node::isCutOff);

        registry.seen(one);
        assertThat(registry.nodes())
                .filteredOn(node -> node.identity().equals(one))
                .allMatch(node -> !node.isCutOff());
        registry.left(one);
        assertThat(identities()).doesNotContain(one);
    }

    @Test
    void aNodeConfirmsWhatItIsAskedAndEverythingBefore() {
        TenantId other = new TenantId("confirmed");
        NodeIdentity one = NodeIdentity.starting("one", Duration.ofSeconds(60));
        NodeIdentity two = NodeIdentity.starting("two", Duration.ofSeconds(60));
        registry.ask(other, ONE, List.of(one, two));
        registry.ask(other, ONE.next(), List.of(one));
        assertThat(registry.seen(one)).containsExactlyInAnyOrder(new Asked(other, ONE), new Asked(other, ONE.next()));

        registry.confirm(one, new Asked(other, ONE.next()));
        assertThat(registry.seen(one)).isEmpty();
        assertThat(registry.unconfirmed(other, ONE)).containsExactly(two.instanceId());

        registry.settle(other, ONE);
        assertThat(registry.unconfirmed(other, ONE))
                .as("somebody else may wait for the same: what is gone would pass for a confirmation")
                .containsExactly(two.instanceId());
        registry.ask(other, ONE, List.of(two));
        assertThat(registry.unconfirmed(other, ONE)).containsExactly(two.instanceId());
        registry.confirm(two, new Asked(other, ONE));
        assertThat(registry.unconfirmed(other, ONE)).isEmpty();
        registry.settle(other, ONE);
        assertThat(registry.seen(two)).isEmpty();
        registry.left(one);
        registry.left(two);
    }

    private List<NodeIdentity> identities() {
        return registry.nodes().stream().map(Node::identity).toList();
    }

    private void notify(String channel, String payload) throws SQLException {
        execute("SELECT pg_notify('" + channel + "', '" + payload + "')");
    }

    private void execute(String sql) throws SQLException {
        DatabaseAccess access = server.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Hears everything, from its connection on. */
    private final class Ears implements ChangeSignals.Listener, AutoCloseable {

        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final PostgresChangeSignals signals = new PostgresChangeSignals(database);

        /** Thrown at the next change. */
        private volatile @Nullable Error error;

        Ears() throws InterruptedException {
            signals.start(this);
            assertThat(next()).isEqualTo("connected");
        }

        String next() throws InterruptedException {
            String next = heard.poll(30, TimeUnit.SECONDS);
            return next == null ? "nothing" : next;
        }

        @Override
        public void connected() {
            heard.add("connected");
        }

        @Override
        public void changed(PolicyScope scope, Revision revision, Instant at) {
            Error next = error;
            if (next != null) {
                error = null;
                throw next;
            }
            heard.add(scope + " " + revision + " " + at);
        }

        @Override
        public void asked(Asked asked) {
            heard.add(asked.toString());
        }

        @Override
        public void close() {
            signals.close();
        }
    }
}

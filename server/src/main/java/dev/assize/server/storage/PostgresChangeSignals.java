package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.decision.node.ChangeSignals;
import dev.assize.server.decision.node.NodeRegistry.Asked;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signals by NOTIFY, which PostgreSQL hands out when the transaction commits, on a connection that does nothing else. Now
 * and then that connection is asked whether it is still there: one that was cut without a word would be silent for ever.
 */
final class PostgresChangeSignals implements ChangeSignals {

    private static final Logger LOG = LoggerFactory.getLogger(PostgresChangeSignals.class);

    private static final String CHANGED = "assize_policy";
    private static final String ASKED = "assize_confirm";
    private static final String ANNOUNCE = "SELECT pg_notify('" + CHANGED
            + "', c || ' ' || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) FROM unnest(?::text[]) AS c";

    private static final String ASK = "SELECT pg_notify('" + ASKED + "', ?)";

    private static final Duration SILENCE = Duration.ofSeconds(2);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final Database database;
    private final CountDownLatch closed = new CountDownLatch(1);

    /** Written by the listening thread. */
    private volatile boolean connected;

    /** To be broken by whoever closes; guarded by this. */
    private @Nullable Connection open;

    @Inject
    PostgresChangeSignals(Database database) {
        this.database = database;
    }

    /** Says with the transaction's commit what it changes: which scope, to which revision, and when. */
    static void announce(TenantTransaction transaction, List<ScopePlan> plans) throws SQLException {
        List<String> _ = transaction.read(
                ANNOUNCE,
                parameters -> parameters.texts(plans, plan -> plan.scope().key() + " " + plan.revision()),
                row -> "");
    }

    /** Says with the transaction's commit that there is something to confirm. */
    static void announce(TenantTransaction transaction, Asked asked) throws SQLException {
        List<String> _ = transaction.read(
                ASK, parameters -> parameters.text(asked.tenant() + " " + asked.revision()), row -> "");
    }

    @Override
    public void start(Listener listener) {
        Thread.ofPlatform().name("policy-signals").daemon().start(() -> listen(listener));
    }

    @Override
    public boolean isConnected() {
        return connected;
    }

    @Override
    public void close() {
        closed.countDown();
        hold(null);
    }

    private void listen(Listener listener) {
        Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, ThreadLocalRandom.current());
        boolean said = false;
        while (!isClosed()) {
            try (Connection connection = database.connectAlone(PATIENCE)) {
                hold(connection);
                subscribe(connection);
                connected = true;
                backoff.reset();
                said = false;
                listener.connected();
                while (!isClosed()) {
                    take(connection, listener);
                }
            } catch (SQLException | RuntimeException | Error broken) {
                // Also errors of whoever listens: nothing would be signalled for as long as this node runs.
                if (!said && !isClosed()) {
                    said = true;
                    LOG.warn("Changes are not signalled, and found by polling: {}", Reasons.of(broken));
                }
            } finally {
                connected = false;
            }
            pause(backoff.next());
        }
    }

    private static void subscribe(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("LISTEN " + CHANGED + "; LISTEN " + ASKED);
        }
    }

    private void take(Connection connection, Listener listener) throws SQLException {
        PGNotification[] notifications =
                connection.unwrap(PGConnection.class).getNotifications((int) SILENCE.toMillis());
        if (notifications == null || notifications.length == 0) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT 1");
            }
            return;
        }
        for (PGNotification notification : notifications) {
            tell(notification, listener);
        }
    }

    /** Whoever reaches the database can signal, too: what makes no sense is overlooked, and what does is only looked up. */
    private static void tell(PGNotification notification, Listener listener) {
        String[] words = notification.getParameter().split(" ", -1);
        try {
            if (notification.getName().equals(CHANGED) && words.length == 3) {
                listener.changed(
                        PolicyScope.ofKey(words[0]),
                        new Revision(Long.parseLong(words[1])),
                        Instant.EPOCH.plus(Long.parseLong(words[2]), ChronoUnit.MICROS));
            } else if (notification.getName().equals(ASKED) && words.length == 2) {
                listener.asked(new Asked(new TenantId(words[0]), new Revision(Long.parseLong(words[1]))));
            }
        } catch (MalformedException | NumberFormatException overlooked) {
            LOG.debug("A signal makes no sense: {}", notification.getName());
        }
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Keeps a connection to be broken when this is closed; breaks it where that has happened already. */
    private synchronized void hold(@Nullable Connection connection) {
        Connection last = connection == null ? open : connection;
        open = connection;
        if (isClosed() && last != null) {
            try {
                last.abort(Runnable::run);
            } catch (SQLException gone) {
                LOG.debug("The connection of the signals was gone", gone);
            }
        }
    }

    private void pause(Duration pause) {
        try {
            var _ = closed.await(pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            closed.countDown();
        }
    }
}

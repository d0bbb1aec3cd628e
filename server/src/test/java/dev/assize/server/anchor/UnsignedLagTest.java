package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.storage.DatabaseAccess;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What waits to be signed for too long stops appends, whoever keeps it waiting and whichever node is asked. */
class UnsignedLagTest extends AttackFixture {

    @Test
    void whoKeepsNodesFromSigningStopsAppends() throws SQLException {
        node.close();
        node = AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                new AnchorConfig(
                        directory.resolve("keys"), Duration.ofMillis(10), Duration.ofSeconds(1), 100, 1_000, 100));
        assertThat(node.round()).isEmpty();
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(hashtextextended('assize.anchor', 0))");
            assertThat(refusalBeforeLong()).contains("were not signed and kept outside for");
            // Closing the connection would free the lock too, but only when its backend is gone.
            statement.execute("SELECT pg_advisory_unlock(hashtextextended('assize.anchor', 0))");
        }
        assertThat(isAppendedBeforeLong()).isTrue();
    }

    /** Why nothing is appended any more, or "nothing". That the place was not looked at for too long a slow machine says, too. */
    private String refusalBeforeLong() {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (System.nanoTime() < deadline) {
            String refusal = refusal();
            if (!refusal.equals("nothing") && !refusal.contains("was not reached for")) {
                return refusal;
            }
            node.round();
        }
        return "nothing";
    }

    private boolean isAppendedBeforeLong() {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        do {
            assertThat(node.round()).isEmpty();
            if (refusal().equals("nothing")) {
                return true;
            }
        } while (System.nanoTime() < deadline);
        return false;
    }

    private String refusal() {
        try {
            node.append(ACME, 1);
            return "nothing";
        } catch (LedgerUnanchoredException refused) {
            return String.valueOf(refused.getMessage());
        }
    }

    @Test
    void whatWaitsToBeSignedIsCountedFromItsOwnTimeOnEveryNode() throws SQLException {
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_lock(hashtextextended('assize.anchor', 0))");
            node.append(ACME, 1);
            node.round();
            assertThat(lag(node)).isLessThan(30);
            execute("UPDATE ledger_entry SET recorded_at = recorded_at - interval '70 seconds'"
                    + " WHERE tenant_id = 'acme' AND seq = " + SIGNED);
            node.round();
            assertThat(lag(node)).as("nobody has appended since").isGreaterThanOrEqualTo(70);
            AnchoredNode next = restarted();
            next.round();
            assertThat(lag(next)).isGreaterThanOrEqualTo(70);
            assertThatThrownBy(() -> next.append(ACME, 1))
                    .isInstanceOf(LedgerUnanchoredException.class)
                    .hasMessageContaining("entry " + SIGNED + " of tenant `acme`");
            next.append(OTHER, 1);
            statement.execute("SELECT pg_advisory_unlock(hashtextextended('assize.anchor', 0))");
        }
        assertThat(node.round()).isEmpty();
        assertThat(lag(node)).isZero();
        node.append(ACME, 1);
    }

    private static double lag(AnchoredNode of) {
        return of.meters().get("assize.anchor.lag.seconds").gauge().value();
    }
}

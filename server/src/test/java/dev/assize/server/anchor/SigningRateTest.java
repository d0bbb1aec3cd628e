package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How many changed ledgers a node signs in a second; docs/performance.md has the command and the figures. A small run of
 * it is a test: every ledger is signed, as far as it goes.
 */
class SigningRateTest {

    private static final int LEDGERS = Integer.getInteger("assize.signing.ledgers", 300);
    private static final int TIMES = Integer.getInteger("assize.signing.times", 2);

    @TempDir
    private Path directory;

    @Test
    void signsEveryLedgerThatChanged() throws SQLException {
        List<TenantId> tenants = IntStream.range(0, LEDGERS)
                .mapToObj(t -> new TenantId("tenant-" + t))
                .toList();
        try (TestDatabase database = TestDatabase.migrated();
                AnchoredNode node = AnchoredNode.start(
                        database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"))) {
            for (int time = 1; time <= TIMES; time++) {
                assertThat(node.round()).isEmpty();
                tenants.parallelStream().forEach(tenant -> node.append(tenant, 1));
                long start = System.nanoTime();
                int rounds = 1;
                while (node.anchor().round()) {
                    rounds++;
                }
                double seconds = (System.nanoTime() - start) / 1e9;
                System.out.printf(
                        Locale.ROOT,
                        "signed %d ledgers in %.2f s and %d rounds: %.0f a second%n",
                        LEDGERS,
                        seconds,
                        rounds,
                        LEDGERS / seconds);
                assertThat(signed(database, time)).isEqualTo(LEDGERS);
            }
        }
    }

    private static long signed(TestDatabase database, int size) throws SQLException {
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT count(*) FROM assize.ledger_tree WHERE tenant_id LIKE 'tenant-%' AND size = " + size)) {
            assertThat(row.next()).isTrue();
            return row.getLong(1);
        }
    }
}

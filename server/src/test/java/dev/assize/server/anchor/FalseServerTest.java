package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.AppendHistory;
import dev.assize.client.ledger.AppendHistory.Operation;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.archive.DirectoryArchive;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.verification.VerificationConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attacks by the service itself, before anything is hashed: what it signs is in order, and only who was answered can show
 * that it is not what was answered. Each is named after what is done, with what finds it.
 */
class FalseServerTest {

    private static final TenantId ACME = new TenantId("acme");

    @TempDir
    private Path directory;

    private final TestDatabase database = TestDatabase.migrated();
    private AppendHistory answered;

    @BeforeEach
    void listen() throws IOException {
        answered = AppendHistory.in(directory.resolve("answered"));
    }

    @AfterEach
    void stop() throws IOException {
        answered.close();
        database.close();
    }

    @Test
    void entryThatIsDroppedBeforeHashingIsFoundByTheReceipt() throws Exception {
        try (AnchoredNode node = start(InstantSource.system())) {
            send(node, 0);
            send(node, 1);
            takeBack(1);
        }
        try (AnchoredNode node = start(InstantSource.system())) {
            assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
            assertThatThrownBy(() -> check(node))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessage("entry 1 was acknowledged, and the ledger ends with 1 entries");
        }
    }

    @Test
    void entryThatIsReplacedBeforeHashingIsFoundByTheReceipt() throws Exception {
        try (AnchoredNode node = start(InstantSource.system())) {
            send(node, 0);
            send(node, 1);
            takeBack(1);
        }
        try (AnchoredNode node = start(InstantSource.system())) {
            node.append(ACME, List.of(event("another run")));
            assertThat(node.round()).isEmpty();
            assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
            assertThatThrownBy(() -> check(node))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessage("entry 1 was acknowledged to 0.1 and is that of somebody else");
        }
    }

    @Test
    void entryThatIsBackDatedBeforeHashingIsFoundByTheReceipt() throws Exception {
        Instant sent = Instant.now();
        try (AnchoredNode node = start(() -> sent.minus(Duration.ofDays(1)))) {
            Receipt receipt = send(node, 0);
            assertThat(node.round()).isEmpty();
            assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
            // Whoever was answered has the time in the receipt, and a clock.
            assertThat(receipt.recordedAt()).isBefore(sent);
        }
    }

    private AnchoredNode start(InstantSource clock) {
        AnchoredNode node = AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                AnchorConfig.defaults(directory.resolve("keys")),
                WitnessConfig.defaults(),
                VerificationConfig.defaults(),
                clock,
                new DirectoryArchive(directory.resolve("archive")));
        assertThat(node.round()).isEmpty();
        return node;
    }

    private Receipt send(AnchoredNode node, int number) throws Exception {
        long sent = answered.nowNanos();
        Operation operation = new Operation(0, number);
        Receipt receipt =
                node.append(ACME, List.of(event(operation.toString()))).getFirst();
        answered.acknowledged(
                operation,
                sent,
                answered.nowNanos(),
                receipt.seq(),
                receipt.entryHash().bytes());
        return receipt;
    }

    private void check(AnchoredNode node) throws NotProvenException, IOException {
        AppendHistory.Check check = answered.check();
        AuditFilter all = new AuditFilter(null, null, null, null, null, null, null, null, Set.of(), true, null, 100);
        for (RecordedEvent entry : node.index().find(ACME, all).entries()) {
            Optional<Operation> operation =
                    Optional.ofNullable(entry.event().runId()).flatMap(Operation::parse);
            check.entry(entry.seq(), entry.entryHash().bytes(), operation);
        }
        check.conclude();
    }

    private static AuditEvent event(String run) {
        AuditEvent event = AnchoredNode.event(0);
        return EventBuilder.event(event.type(), event.actor(), event.action(), event.resource())
                .env(event.env())
                .outcome(event.outcome())
                .runId(run)
                .build();
    }

    /** What a service can do that has acknowledged an entry, and not signed it yet. */
    private void takeBack(int size) throws SQLException {
        DatabaseAccess superuser = database.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SET search_path = assize; DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq >= "
                    + size + "; UPDATE ledger_head SET size = " + size
                    + ", (last_hash, last_recorded_at) = (SELECT entry_hash, recorded_at FROM ledger_entry WHERE tenant_id ="
                    + " 'acme' AND seq = " + (size - 1)
                    + ") WHERE tenant_id = 'acme'; DELETE FROM ledger_term WHERE tenant_id ="
                    + " 'acme' AND bits = 1 << " + size + "; UPDATE ledger_term SET bits = bits & ~(-1 << " + size
                    + ") WHERE tenant_id = 'acme'");
        }
    }
}

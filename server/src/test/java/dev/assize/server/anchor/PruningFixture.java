package dev.assize.server.anchor;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.ledger.archive.DirectoryArchive;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.Pruner;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Limit.Kind;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.retention.Pruning.Wish;
import dev.assize.server.retention.RetentionRepository;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.verification.VerificationConfig;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Ledgers whose beginning is moved into an archive. Each test has a ledger of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class PruningFixture {

    static final Recorder ANN = new Recorder(new Subject("user", "ann"), TenantId.ASSIZE);
    static final Recorder BOB = new Recorder(new Subject("user", "bob"), TenantId.ASSIZE);
    static final HoldScope EVERYTHING = new HoldScope(null, null, null, null);
    final TestDatabase database = TestDatabase.migrated();
    final Instant started = Instant.now();
    Path directory;
    FragileArchive archive;
    volatile Instant now = started;
    AnchoredNode node;
    Pruner pruner;
    RetentionRepository retention;

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        archive = new FragileArchive(new DirectoryArchive(directory.resolve("archive")));
        node = open();
        assertThat(node.round()).isEmpty();
        pruner = node.pruner();
        retention = node.retention();
    }

    AnchoredNode open() {
        return open(archive);
    }

    AnchoredNode open(ArchiveStore archive) {
        return AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                AnchorConfig.defaults(directory.resolve("keys")),
                WitnessConfig.defaults(),
                VerificationConfig.defaults(),
                () -> now,
                archive);
    }

    @AfterAll
    void stop() {
        node.close();
        database.close();
    }

    TenantId ledger(String name, int entries) throws SQLException {
        TenantId tenant = new TenantId(name);
        declare(tenant, "1h");
        append(tenant, entries, 60);
        sign();
        return tenant;
    }

    void append(TenantId tenant, int entries, int daysAgo) {
        now = daysAgo(daysAgo);
        List<AuditEvent> events =
                IntStream.range(0, entries).mapToObj(AnchoredNode::event).toList();
        for (int from = 0; from < entries; from += 500) {
            node.append(tenant, events.subList(from, Math.min(entries, from + 500)));
        }
        now = started;
    }

    Instant daysAgo(int days) {
        return started.minus(Duration.ofDays(days));
    }

    void sign() {
        assertThat(node.round()).isEmpty();
    }

    Plan plan(TenantId tenant) {
        return pruner.plan(new Wish(tenant, null, null));
    }

    @Nullable
    Kind limit(TenantId tenant) {
        Pruning.Limit limit = plan(tenant).limit();
        return limit == null ? null : limit.kind();
    }

    Pruning propose(TenantId tenant, long toSeq) {
        return propose(tenant, toSeq, "older than we keep");
    }

    Pruning propose(TenantId tenant, long toSeq, String reason) {
        return ((ProposalResult.Proposed) pruner.propose(new Wish(tenant, toSeq, null), ANN, reason)).pruning();
    }

    Result.Pruned agree(Pruning pruning) {
        return (Result.Pruned) pruner.agree(pruning.tenant(), BOB, pruning.id());
    }

    static Pruning.Part part(Result.Pruned pruned) {
        return requireNonNull(pruned.part());
    }

    String fault(TenantId tenant) {
        Verification found = node.verifySigned(tenant, (String) null);
        assertThat(found).isInstanceOf(Broken.class);
        return ((Broken) found).fault().message();
    }

    LedgerBundle.Contents verifyArchived(String object) throws Exception {
        try (LedgerBundle bundle =
                LedgerBundle.open(directory.resolve("archive").resolve(object))) {
            return bundle.verify(keys(), null, (_, _) -> {});
        }
    }

    Set<VerifierKey> keys() throws Exception {
        return Set.of(VerifierKey.parse(new CheckpointSigner(directory.resolve("keys"))
                .verifierKeys(node.repository().deployment())
                .getFirst()));
    }

    Instant recordedAt(TenantId tenant, long seq) {
        return entries(tenant, seq - 1, 1).getFirst().recordedAt();
    }

    List<RecordedEvent> entries(TenantId tenant, long behind, int limit) {
        return node.index()
                .find(
                        tenant,
                        new AuditFilter(null, null, null, null, null, null, null, null, Set.of(), true, behind, limit))
                .entries();
    }

    /** What stands beside pruned entries. */
    String counts(TenantId tenant) throws SQLException {
        List<String> counts = new ArrayList<>();
        for (String table : List.of("ledger_lineage", "ledger_payload", "decision_page", "decision_bucket")) {
            counts.add(query("SELECT count(*) FROM assize." + table + " WHERE tenant_id = '" + tenant
                    + "' AND seq < (SELECT max(to_seq) FROM assize.ledger_pruned WHERE tenant_id = '" + tenant + "')"));
        }
        counts.add(
                query("SELECT count(*) FROM assize.ledger_term t, generate_series(0, 63) AS bit WHERE t.tenant_id = '"
                        + tenant + "' AND (t.bits >> bit) & 1 = 1 AND 64 * t.block + bit < (SELECT max(to_seq)"
                        + " FROM assize.ledger_pruned WHERE tenant_id = '" + tenant + "')"));
        return String.join(" ", counts);
    }

    void declare(TenantId tenant, String retention) throws SQLException {
        String yaml = "apiVersion: assize.dev/v1\nkind: Tenant\nmetadata:\n  name: " + tenant
                + "\nspec:\n  environments: [production]\n  audit:\n    retention: " + retention + "\n";
        sql(
                tenant,
                "INSERT INTO assize.policy_scope VALUES ('" + tenant + "', 0) ON CONFLICT DO NOTHING",
                "DELETE FROM assize.policy_document WHERE scope_key = '" + tenant + "'",
                "INSERT INTO assize.policy_document (scope_key, kind, name, from_revision, yaml, source_file,"
                        + " source_lines) VALUES ('" + tenant + "', 'Tenant', '" + tenant + "', 1, '" + yaml
                        + "', 'tenant.yaml', '{}')");
    }

    void sql(TenantId tenant, String... statements) throws SQLException {
        sql(database.superuser(), tenant, statements);
    }

    /** Within one transaction that names the tenant and is not committed where something fails. */
    static void sql(DatabaseAccess access, TenantId tenant, String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT set_config('assize.tenant', '" + tenant + "', true)");
            for (String sql : statements) {
                statement.execute(sql);
            }
            connection.commit();
        }
    }

    String query(String sql) throws SQLException {
        DatabaseAccess access = database.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /** An archive that fails where a test says so. */
    static final class FragileArchive implements ArchiveStore {

        private final ArchiveStore store;
        volatile @Nullable Fault fault;
        volatile @Nullable Runnable behindCreate;
        volatile @Nullable Runnable behindRead;

        FragileArchive(ArchiveStore store) {
            this.store = store;
        }

        @Override
        public boolean create(String name, Path content, Instant retainUntil) {
            if (fault == Fault.BEFORE_CREATE) {
                throw new ArchiveUnavailableException("before", null);
            }
            if (fault == Fault.NOT_KEPT) {
                return true;
            }
            boolean created = store.create(name, content, retainUntil);
            if (fault == Fault.BEHIND_CREATE) {
                throw new ArchiveUnavailableException("behind", null);
            }
            if (behindCreate != null) {
                behindCreate.run();
            }
            return created;
        }

        @Override
        public Optional<InputStream> read(String name) {
            if (fault == Fault.UNREADABLE) {
                throw new ArchiveUnavailableException("unreadable", null);
            }
            if (fault == Fault.OTHER_BYTES) {
                return Optional.of(new ByteArrayInputStream("other".getBytes(StandardCharsets.UTF_8)));
            }
            if (fault == Fault.NOT_KEPT) {
                return Optional.empty();
            }
            if (behindRead != null) {
                behindRead.run();
            }
            return store.read(name);
        }

        @Override
        public String describe() {
            return "fragile";
        }

        enum Fault {
            BEFORE_CREATE,
            BEHIND_CREATE,
            UNREADABLE,
            NOT_KEPT,
            OTHER_BYTES
        }
    }
}

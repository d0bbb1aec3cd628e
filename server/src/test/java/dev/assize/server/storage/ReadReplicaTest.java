package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ReplicaUnavailableException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.storage.StorageConfig.Replica;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadReplicaTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final AuditCodec CODEC = new AuditCodec();

    @Test
    void readsFromAStandbyAllThatWasThereOrNothing(
            @TempDir(factory = InMemory.class) Path home, @TempDir(factory = InMemory.class) Path other)
            throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            DatabaseAccess superuser = server.superuser("postgres");
            Provisioning roles =
                    Provisioning.ensure(superuser, server.url("assize"), "assize", "assize_owner", "assize_app");
            try (Database alone = open(roles, null)) {
                append(alone, 5);
            }
            try (Standby standby = Standby.of(superuser, home.resolve("postgres/data"), other)) {
                String url = standby.url(roles.application());
                try (Database hasty = open(roles, replica(url, roles, Duration.ZERO));
                        Database patient = open(roles, replica(url, roles, Duration.ofMinutes(1)))) {
                    assertThat(read(patient)).isEqualTo(new Read(5, 5));
                    assertThat(isStandby(patient)).isTrue();

                    standby.holdBack();
                    append(patient, 10);
                    assertThatThrownBy(() -> read(hasty))
                            .isInstanceOf(ReplicaUnavailableException.class)
                            .hasMessageContaining("has 5 of the 15 entries")
                            .hasMessageNotContaining("127.0.0.1");
                    CompletableFuture<Read> waiting = CompletableFuture.supplyAsync(() -> read(patient));
                    assertThatThrownBy(() -> read(hasty)).isInstanceOf(ReplicaUnavailableException.class);
                    assertThat(waiting).isNotDone();
                    standby.goOn();
                    assertThat(waiting.join()).isEqualTo(new Read(15, 15));
                }
            }
        }
    }

    @Test
    void takesNoOtherDatabaseForAReplica() {
        try (TestDatabase own = TestDatabase.migrated();
                TestDatabase strange = TestDatabase.migrated()) {
            Provisioning roles = new Provisioning(own.owner(), own.application());
            try (Database database = open(roles, replica(strange.application().url(), roles, Duration.ZERO))) {
                append(database, 1);
                assertThatThrownBy(() -> read(database))
                        .isInstanceOf(ReplicaUnavailableException.class)
                        .hasMessageContaining("is not one of this database");
            }
        }
    }

    @Test
    void takesNoOtherHistoryForAReplica() {
        try (TestDatabase own = TestDatabase.migrated();
                TestDatabase copy = own.copy()) {
            Provisioning roles = new Provisioning(own.owner(), own.application());
            Replica replica = replica(copy.application().url(), roles, Duration.ZERO);
            try (Database forked = copy.open(InstantSource.system());
                    Database database = open(roles, replica)) {
                assertThat(read(database)).isEqualTo(new Read(0, 0));
                append(forked, 3);
                assertThatThrownBy(() -> read(database))
                        .isInstanceOf(ReplicaUnavailableException.class)
                        .hasMessageContaining("has 3 entries of a ledger that has none");
                append(database, 2);
                assertThatThrownBy(() -> read(database))
                        .isInstanceOf(ReplicaUnavailableException.class)
                        .hasMessageContaining("has another entry 1 of the ledger");
            }
        }
    }

    /** It was empty when it was asked for, and has begun before the replica was looked at. */
    @Test
    void readsALedgerThatHasJustBegun() {
        try (TestDatabase own = TestDatabase.migrated()) {
            Provisioning roles = new Provisioning(own.owner(), own.application());
            try (Database writer = own.open(InstantSource.system());
                    Database database = open(roles, null);
                    ReadReplica replica = new ReadReplica(
                            pool(own.application()), Duration.ZERO, Duration.ofSeconds(5), deployment(database))) {
                boolean[] asked = {false};
                Long size = replica.read(
                        TENANT,
                        () -> {
                            if (!asked[0]) {
                                asked[0] = true;
                                append(writer, 3);
                                return null;
                            }
                            return head(database);
                        },
                        Duration.ofSeconds(5),
                        transaction -> ReadReplica.place(transaction, TENANT)
                                .orElseThrow()
                                .size());
                assertThat(size).isEqualTo(3);
            }
        }
    }

    private static HikariDataSource pool(DatabaseAccess access) {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(access.url());
        pool.setUsername(access.user());
        pool.setPassword(access.password());
        pool.setMaximumPoolSize(1);
        pool.setAutoCommit(false);
        return pool;
    }

    private static String deployment(Database database) {
        return database.deployment().substring(database.deployment().indexOf('/') + 1);
    }

    private static ReadReplica.@Nullable Place head(Database database) {
        return database.<ReadReplica.@Nullable Place>inSnapshot(
                TENANT.value(),
                transaction -> ReadReplica.place(transaction, TENANT).orElse(null));
    }

    @Test
    void readsWithNoRoleThatSeesEveryTenant() {
        try (TestDatabase own = TestDatabase.migrated()) {
            Provisioning roles = new Provisioning(own.owner(), own.application());
            Replica replica = new Replica(own.superuser().url(), credentials(own.superuser()), Duration.ZERO);
            try (Database database = open(roles, replica)) {
                append(database, 1);
                assertThatThrownBy(() -> read(database))
                        .isInstanceOf(ReplicaUnavailableException.class)
                        .hasMessageContaining("bypasses row-level security");
            }
        }
    }

    /** What others read within it is read from the replica, too, and fails with it. */
    @Test
    void tellsWhoseFailureItIs() {
        try (TestDatabase own = TestDatabase.migrated()) {
            Provisioning roles = new Provisioning(own.owner(), own.application());
            Replica replica = replica(own.application().url(), roles, Duration.ZERO);
            try (Database database = open(roles, replica)) {
                assertThatThrownBy(() -> database.<Object>inReplica(TENANT, Duration.ofSeconds(5), transaction -> {
                            transaction.read(
                                    "SELECT pg_terminate_backend(pg_backend_pid())", parameters -> {}, row -> "");
                            return "";
                        }))
                        .isInstanceOf(ReplicaUnavailableException.class);
                assertThatThrownBy(() -> database.<Object>inReplica(TENANT, Duration.ofSeconds(5), transaction -> {
                            database.within(
                                    transaction,
                                    () -> database.inSnapshot(
                                            TENANT.value(),
                                            within -> within.read(
                                                    "SELECT pg_terminate_backend(pg_backend_pid())",
                                                    parameters -> {},
                                                    row -> "")));
                            return "";
                        }))
                        .isInstanceOf(ReplicaUnavailableException.class);
            }
        }
    }

    @Test
    void appendsWhileThereIsNoReplica() {
        try (TestDatabase own = TestDatabase.migrated()) {
            Provisioning roles = new Provisioning(own.owner(), own.application());
            Replica nowhere = replica("jdbc:postgresql://127.0.0.1:1/assize", roles, Duration.ofMinutes(1));
            try (Database database = open(roles, nowhere)) {
                append(database, 2);
                assertThatThrownBy(() -> read(database))
                        .isInstanceOf(ReplicaUnavailableException.class)
                        .hasMessageContaining("cannot be reached")
                        .hasMessageNotContaining("127.0.0.1");
            }
        }
    }

    private static Database open(Provisioning roles, @Nullable Replica replica) {
        Location location = new Location.Outside(
                roles.application().url(), credentials(roles.application()), credentials(roles.owner()), null, replica);
        Database database = new Database(
                new StorageConfig(
                        location,
                        StorageConfig.DEFAULT_LEDGER_NAME,
                        4,
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(5)),
                InstantSource.system());
        database.start();
        return database;
    }

    private static Replica replica(String url, Provisioning roles, Duration patience) {
        return new Replica(url, credentials(roles.application()), patience);
    }

    private static Credentials credentials(DatabaseAccess access) {
        return new Credentials(access.user(), access.password());
    }

    private static void append(Database database, int count) {
        PostgresLedgerStore store = new PostgresLedgerStore(
                database, new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system()));
        List<EntryDraft> drafts = IntStream.range(0, count)
                .mapToObj(_ -> CODEC.encode(event(), Recorder.ASSIZE))
                .toList();
        assertThat(store.append(TENANT, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null))))
                .hasSize(1);
    }

    private static boolean isStandby(Database database) {
        return database.inReplica(TENANT, Duration.ofSeconds(5), transaction -> {
            try (var row = transaction.connection().createStatement().executeQuery("SELECT pg_is_in_recovery()")) {
                return row.next() && row.getBoolean(1);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /** How many entries an export says that the ledger has, and how many it hands out. */
    private record Read(long size, long entries) {}

    private static Read read(Database database) {
        long[] counts = new long[2];
        new PostgresAuditExport(database, CODEC)
                .read(
                        TENANT,
                        new AuditFilter(null, null, null, null, null, null, null, null, true, null, 1_000),
                        Long.MAX_VALUE,
                        new AuditExport.Reader() {
                            @Override
                            public void begin(long ledgerSize) {
                                counts[0] = ledgerSize;
                            }

                            @Override
                            public void accept(long seq, byte[] frame, Digest hash, List<ErasableValue> beside) {
                                counts[1]++;
                            }
                        });
        return new Read(counts[0], counts[1]);
    }

    private static AuditEvent event() {
        return EventBuilder.event(
                        "replay.executed",
                        Subject.parse("user:ann"),
                        new Action("read"),
                        ResourcePath.parse("vault:company"))
                .env(new Environment("default"))
                .build();
    }
}

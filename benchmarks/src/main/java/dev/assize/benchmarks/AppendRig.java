package dev.assize.benchmarks;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Projector;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A ledger as the server has it, on a PostgreSQL of its own, and beside it plain tables for what it is compared with. */
final class AppendRig implements AutoCloseable {

    static final TenantId TENANT = new TenantId("bench");
    static final String PAYLOAD = "{\"incident\":438,\"note\":\"" + "x".repeat(120) + "\"}";

    /** Whose ledger is not verified: it has what others measured here do not have. */
    private static final TenantId OTHER_TENANT = new TenantId("others");

    /** Events of which no two have the same actor, resource or run. */
    private static final int OTHERS = 5_000;

    private static final Recorder RECORDER = new Recorder(new Subject("service", "bench"), TENANT);

    private final Path home;
    private final Database database;
    private final Appender appender;
    private final LedgerStore store;
    private final ChainVerifier verifier;
    private final List<EntryDraft> drafts;
    private final List<List<EntryDraft>> others;
    private final boolean keys;
    private final AtomicLong nextKey = new AtomicLong();

    private AppendRig(Path home, boolean keys) throws SQLException {
        this.home = home;
        this.keys = keys;
        Injector injector = Guice.createInjector(new StorageModule(), new LedgerModule(), new AbstractModule() {
            @Override
            protected void configure() {
                bind(StorageConfig.class).toInstance(StorageConfig.defaults(home));
                bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
                bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
                bind(InstantSource.class).toInstance(InstantSource.system());
                bind(AuditCodec.class).toInstance(new AuditCodec());
                bind(Projector.class).to(AuditCodec.class);
                bind(HeadGuard.class).toInstance((tenant, head) -> {});
            }
        });
        database = injector.getInstance(Database.class);
        database.start();
        appender = injector.getInstance(Appender.class);
        store = injector.getInstance(LedgerStore.class);
        verifier = injector.getInstance(ChainVerifier.class);
        AuditCodec codec = new AuditCodec();
        drafts = List.of(codec.encode(event("service:replay", "replay:922", "run-4711"), RECORDER));
        others = IntStream.range(0, OTHERS)
                .mapToObj(i -> List.of(codec.encode(event("user:u" + i, "replay:" + i, "run-" + i), RECORDER)))
                .toList();
        try (Connection owner = connect();
                Statement statement = owner.createStatement()) {
            statement.execute("CREATE TABLE assize.plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                    + " at timestamptz DEFAULT now(), frame bytea NOT NULL, hash bytea NOT NULL)");
            statement.execute("CREATE TABLE assize.plain_chain (seq bigint PRIMARY KEY,"
                    + " at timestamptz DEFAULT now(), frame bytea NOT NULL, hash bytea NOT NULL)");
            statement.execute("CREATE TABLE assize.plain_entry (tenant_id text, seq bigint, recorded_at timestamptz,"
                    + " frame bytea, hash bytea, outcome smallint, recorded_by text, recorded_by_tenant text, type text,"
                    + " category text, actor text, role text, action text, resource text, env text, run_id text,"
                    + " PRIMARY KEY (tenant_id, seq))");
            statement.execute("CREATE TABLE assize.plain_answer (tenant_id text, recorded_by_tenant text,"
                    + " recorded_by text, key text, content_hash bytea, first_seq bigint, entry_count integer,"
                    + " recorded_at timestamptz, PRIMARY KEY (tenant_id, key, recorded_by, recorded_by_tenant))");
            statement.execute("CREATE TABLE assize.plain_head (tenant text PRIMARY KEY, size bigint NOT NULL,"
                    + " hash bytea NOT NULL)");
            statement.execute("INSERT INTO assize.plain_head VALUES ('bench', 0, '\\x00')");
        }
    }

    static AppendRig start(boolean keys) throws IOException, SQLException {
        return new AppendRig(Files.createTempDirectory("assize-bench"), keys);
    }

    /** One event, the same each time; completes when it is durable. */
    CompletableFuture<AppendResult> append() {
        return append(TENANT, drafts);
    }

    /** The same in another ledger, of an actor, to a resource, and in a run, that none of the last few thousand had. */
    CompletableFuture<AppendResult> appendOther() {
        return append(OTHER_TENANT, others.get((int) (nextKey.get() % OTHERS)));
    }

    private CompletableFuture<AppendResult> append(TenantId tenant, List<EntryDraft> drafts) {
        String key = Long.toString(nextKey.getAndIncrement());
        Idempotency idempotency =
                keys ? new Idempotency(key, Digest.sha256(key.getBytes(StandardCharsets.UTF_8))) : null;
        return appender.append(tenant, new AppendCommand(RECORDER, drafts, idempotency));
    }

    /** About what a frame has for this event. */
    byte[] frame() {
        return new byte[drafts.getFirst().body().length + 160];
    }

    /** Verifies so many entries from the first on, or as many as there are. */
    Verification.Sound verify(long most) {
        Long toSeq = store.head(TENANT)
                .filter(head -> head.size() > most)
                .map(_ -> most - 1)
                .orElse(null);
        return switch (verifier.verify(TENANT, 0, toSeq, (verified, total) -> {})) {
            case Verification.Sound sound -> sound;
            case Verification other -> throw new IllegalStateException("The ledger is not sound: " + other);
        };
    }

    /** Reads so many entries as verification does, and does nothing with them; how many there are. */
    long read(long most) {
        long[] entries = {0};
        Optional<LedgerHead> _ = store.scan(TENANT, 0, most - 1, _ -> ++entries[0] > 0);
        return entries[0];
    }

    /** A connection of one's own, as the role that owns all tables. */
    Connection connect() throws SQLException {
        DatabaseAccess owner = database.owner().orElseThrow();
        return DriverManager.getConnection(owner.url(), owner.user(), owner.password());
    }

    @Override
    public void close() throws IOException {
        appender.close();
        database.close();
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static AuditEvent event(String actor, String resource, String run) {
        return new AuditEvent(
                "replay.executed",
                "replay",
                Subject.parse(actor),
                "operator",
                new Action("execute"),
                ResourcePath.parse(resource),
                new Environment("staging"),
                Outcome.SUCCESS,
                null,
                run,
                null,
                null,
                false,
                PAYLOAD,
                List.of(),
                List.of(),
                null,
                null);
    }
}

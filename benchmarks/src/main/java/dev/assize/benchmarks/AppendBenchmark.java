package dev.assize.benchmarks;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.Projector;
import dev.assize.server.model.Action;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A durable append, by one caller and by 64 on one tenant, beside what a table without chain, security or retries costs:
 * each caller on a connection of its own, one insert and one commit. Both wait for the disk, on the same server.
 */
@BenchmarkMode({Mode.Throughput, Mode.SampleTime})
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class AppendBenchmark {

    /** A server with a ledger, and a plain table beside it. */
    @State(Scope.Benchmark)
    public static class Server {

        static final TenantId TENANT = new TenantId("bench");
        static final Recorder RECORDER = new Recorder(new Subject("service", "bench"), TENANT);

        private Path home;
        private Database database;
        private Appender appender;
        private AppendCommand command;
        private byte[] frame;

        @Setup
        public void start() throws IOException, SQLException {
            home = Files.createTempDirectory("assize-bench");
            Injector injector = Guice.createInjector(new StorageModule(), new LedgerModule(), new AbstractModule() {
                @Override
                protected void configure() {
                    bind(StorageConfig.class).toInstance(StorageConfig.defaults(home));
                    bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
                    bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
                    bind(InstantSource.class).toInstance(InstantSource.system());
                    bind(AuditCodec.class).toInstance(new AuditCodec());
                    bind(Projector.class).to(AuditCodec.class);
                }
            });
            database = injector.getInstance(Database.class);
            database.start();
            appender = injector.getInstance(Appender.class);
            command = new AppendCommand(RECORDER, List.of(new AuditCodec().encode(event(), RECORDER)), null);
            frame = new byte[command.drafts().getFirst().body().length + 160];
            try (Connection owner = connect();
                    Statement statement = owner.createStatement()) {
                statement.execute("CREATE TABLE assize.plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                        + " at timestamptz DEFAULT now(), frame bytea NOT NULL, hash bytea NOT NULL)");
            }
        }

        @TearDown
        public void stop() throws IOException {
            appender.close();
            database.close();
            try (Stream<Path> files = Files.walk(home)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }

        AppendResult append() {
            return appender.append(TENANT, command).join();
        }

        Connection connect() throws SQLException {
            DatabaseAccess owner = database.owner().orElseThrow();
            return DriverManager.getConnection(owner.url(), owner.user(), owner.password());
        }

        private static AuditEvent event() {
            return new AuditEvent(
                    "replay.executed",
                    "replay",
                    new Subject("service", "replay"),
                    "operator",
                    new Action("execute"),
                    ResourcePath.parse("replay:922"),
                    new Environment("staging"),
                    Outcome.SUCCESS,
                    null,
                    "run-4711",
                    null,
                    null,
                    false,
                    "{\"incident\":438,\"note\":\"" + "x".repeat(120) + "\"}",
                    List.of(),
                    List.of(),
                    null,
                    null);
        }
    }

    /** A caller's own connection to the plain table. */
    @State(Scope.Thread)
    public static class PlainConnection {

        private Connection connection;
        private PreparedStatement insert;

        @Setup(Level.Trial)
        public void open(Server server) throws SQLException {
            connection = server.connect();
            connection.setAutoCommit(false);
            insert = connection.prepareStatement("INSERT INTO assize.plain (frame, hash) VALUES (?, ?)");
            insert.setBytes(1, server.frame);
            insert.setBytes(2, new byte[32]);
        }

        @TearDown(Level.Trial)
        public void close() throws SQLException {
            connection.close();
        }
    }

    @Benchmark
    @Threads(1)
    public AppendResult ledgerOneCaller(Server server) {
        return server.append();
    }

    @Benchmark
    @Threads(64)
    public AppendResult ledger64Callers(Server server) {
        return server.append();
    }

    @Benchmark
    @Threads(1)
    public int plainOneConnection(Server server, PlainConnection plain) throws SQLException {
        return insert(plain);
    }

    @Benchmark
    @Threads(64)
    public int plain64Connections(Server server, PlainConnection plain) throws SQLException {
        return insert(plain);
    }

    private static int insert(PlainConnection plain) throws SQLException {
        int rows = plain.insert.executeUpdate();
        plain.connection.commit();
        return rows;
    }
}

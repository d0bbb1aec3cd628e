package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.security.auth.module.UnixSystem;
import dev.assize.server.testing.InMemory;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class EmbeddedPostgresTest {

    private static final boolean ROOT = new UnixSystem().getUid() == 0;

    @TempDir(factory = InMemory.class)
    Path directory;

    private Path home;

    @BeforeEach
    void open() throws IOException {
        home = directory.resolve("home");
        // Another user, as which root may have to run PostgreSQL, must be able to pass through.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void keepsItsDataAndStopsCleanly() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            execute(server, "CREATE TABLE kept (n int)");
            execute(server, "INSERT INTO kept VALUES (42)");
        }
        assertThat(home.resolve("postgres/data/postmaster.pid")).doesNotExist();
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            assertThat(query(server.superuser("postgres"), "SELECT n FROM kept"))
                    .isEqualTo("42");
        }
    }

    @Test
    void opensToThePasswordOnly() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            DatabaseAccess superuser = server.superuser("postgres");
            for (String wrong : new String[] {"", "wrong"}) {
                assertThatThrownBy(
                                () -> query(new DatabaseAccess(superuser.url(), superuser.user(), wrong), "SELECT 1"))
                        .isInstanceOf(SQLException.class)
                        .hasMessageContaining("password");
            }
            assertThat(query(superuser, "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules"))
                    .isEqualTo("scram-sha-256");
            assertThat(query(superuser, "SHOW listen_addresses")).isEqualTo("127.0.0.1");
            for (String setting : new String[] {"fsync", "full_page_writes", "synchronous_commit", "data_checksums"}) {
                assertThat(query(superuser, "SHOW " + setting)).isEqualTo("on");
            }
            assertThat(query(superuser, "SHOW max_wal_size")).isEqualTo("2GB");
            assertThat(query(superuser, "SHOW checkpoint_timeout")).isEqualTo("15min");
        }
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(home.resolve("postgres/superuser-password"))))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home.resolve("postgres"))))
                .isEqualTo("rwx------");
    }

    @Test
    void refusesASecondServerOnItsDirectory() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            String expected = "data directory " + home + " is in use by another server (pid "
                    + ProcessHandle.current().pid() + "); stop it or choose another directory";
            assertThatThrownBy(() -> EmbeddedPostgres.start(home))
                    .isInstanceOf(StorageException.class)
                    .hasMessage(expected);
            Process other = EmbeddedPostgresProcess.start(home);
            assertThat(other.inputReader(UTF_8).readAllLines()).contains(expected);
            assertThat(other.waitFor()).isEqualTo(1);
            assertThat(query(server.superuser("postgres"), "SELECT 1")).isEqualTo("1");
        }
    }

    @Test
    void startsAfterItsProcessWasKilled() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            execute(server, "CREATE TABLE kept AS SELECT 42 AS n");
        }
        Process killed = EmbeddedPostgresProcess.start(home);
        try (BufferedReader output = killed.inputReader(UTF_8)) {
            assertThat(output.lines().anyMatch(line -> line.startsWith(EmbeddedPostgresProcess.STARTED)))
                    .isTrue();
        }
        killed.destroyForcibly().waitFor();
        assertThat(home.resolve("postgres/data/postmaster.pid")).exists();
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            assertThat(query(server.superuser("postgres"), "SELECT n FROM kept"))
                    .isEqualTo("42");
        }
    }

    /** The first while initdb runs, the others while the server comes up. */
    @ParameterizedTest
    @ValueSource(strings = {"superuser-password", "data", "data/postmaster.pid"})
    void startsAfterItsProcessWasKilledDuringStart(String whenExists) throws Exception {
        Process killed = EmbeddedPostgresProcess.start(home);
        await(() -> Files.exists(home.resolve("postgres").resolve(whenExists)));
        killed.destroyForcibly().waitFor();
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            assertThat(query(server.superuser("postgres"), "SELECT 1")).isEqualTo("1");
        }
    }

    @Test
    void startsWhenTheRecordedProcessIdBelongsToAnother() throws Exception {
        EmbeddedPostgres.start(home).close();
        Path pidFile = home.resolve("postgres/data/postmaster.pid");
        long ours = ProcessHandle.current().pid();
        Files.writeString(
                pidFile, ours + "\n" + home.resolve("postgres/data") + "\n1\n1\n\n127.0.0.1\n  1  1\nready\n");
        Files.setPosixFilePermissions(pidFile, PosixFilePermissions.fromString("rw-------"));
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            assertThat(query(server.superuser("postgres"), "SELECT 1")).isEqualTo("1");
        }
        assertThat(ProcessHandle.current().isAlive()).isTrue();
    }

    @Test
    void isStartedAgainAtItsAddressAfterItWasKilled() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
            execute(server, "CREATE TABLE kept AS SELECT 42 AS n");
            String url = server.url("postgres");
            kill(server.pid().orElseThrow());
            server.restartIfDown();
            assertThat(server.url("postgres")).isEqualTo(url);
            assertThat(query(server.superuser("postgres"), "SELECT n FROM kept"))
                    .isEqualTo("42");
        }
    }

    @Test
    void saysThatADirectoryCannotBeMade() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        for (Path unusable : new Path[] {file, file.resolve("below"), Path.of("/proc/assize")}) {
            assertThatThrownBy(() -> EmbeddedPostgres.start(unusable))
                    .isInstanceOf(StorageException.class)
                    .hasMessageStartingWith("data directory " + unusable + " cannot be made: ")
                    .hasMessageNotContaining("\n")
                    .hasMessageNotContaining("Exception");
        }
    }

    @Test
    void saysThatADirectoryIsReadOnly() throws IOException {
        assumeTrue(!ROOT, "root writes everywhere");
        Files.createDirectory(home);
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("r-xr-xr-x"));
        assertThatThrownBy(() -> EmbeddedPostgres.start(home))
                .isInstanceOf(StorageException.class)
                .hasMessageStartingWith("data directory " + home + " cannot be written: permission denied");
    }

    @Test
    void runsAsAnotherUserWhereRootMayNotMakeNamespaces() throws Exception {
        assumeTrue(ROOT, "an ordinary user runs it as itself");
        try (EmbeddedPostgres server = EmbeddedPostgres.start(home, Unprivileged.otherUser())) {
            assertThat(query(server.superuser("postgres"), "SELECT 1")).isEqualTo("1");
            String user = ProcessHandle.of(server.pid().orElseThrow())
                    .orElseThrow()
                    .info()
                    .user()
                    .orElseThrow();
            assertThat(user).isNotEqualTo("root");
        }
    }

    @Test
    void saysThatAnotherUserCannotReachTheDirectory() throws Exception {
        assumeTrue(ROOT, "an ordinary user runs it as itself");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        assertThatThrownBy(() -> EmbeddedPostgres.start(home, Unprivileged.otherUser()))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining("data directory " + home)
                .hasMessageContaining("cannot be reached by user");
    }

    private static void kill(long pid) {
        ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
        process.destroyForcibly();
        await(() -> !process.isAlive());
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private static void execute(EmbeddedPostgres server, String sql) throws SQLException {
        DatabaseAccess access = server.superuser("postgres");
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String query(DatabaseAccess access, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            return row.getString(1);
        }
    }
}

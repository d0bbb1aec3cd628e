package dev.assize.server.storage;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A PostgreSQL that follows an embedded one by streaming replication, made from a base backup of it; it can be held back. */
final class Standby implements AutoCloseable {

    private final Unprivileged unprivileged = Unprivileged.choose();
    private final DatabaseAccess primary;
    private final Path data;
    private final Path programs;
    private final int port;

    private Standby(DatabaseAccess primary, Path directory, int port) {
        this.primary = primary;
        this.data = directory.resolve("data");
        this.port = port;
        List<Path> parents = new ArrayList<>();
        if (!(unprivileged instanceof Unprivileged.OtherUser)) {
            parents.addAll(PostgresBinaries.cacheDirectories());
        }
        parents.add(directory);
        this.programs = PostgresBinaries.unpack(parents).resolve("bin");
    }

    /** Follows the server from here on; it serves when this returns. */
    static Standby of(DatabaseAccess superuser, Path primaryData, Path directory) throws IOException, SQLException {
        Standby standby;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            standby = new Standby(superuser, directory, free.getLocalPort());
            standby.copy(primaryData);
        }
        standby.start();
        return standby;
    }

    private void copy(Path from) throws IOException, SQLException {
        try (Connection connection = DriverManager.getConnection(primary.url(), primary.user(), primary.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_backup_start('standby', true)");
            try (Stream<Path> files = Files.walk(from)) {
                for (Path file : files.toList()) {
                    copy(from, file);
                }
            }
            try (ResultSet row = statement.executeQuery("SELECT labelfile FROM pg_backup_stop(false)")) {
                row.next();
                Files.writeString(data.resolve("backup_label"), row.getString(1));
            }
        }
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
        Files.createFile(data.resolve("standby.signal"));
        String address = primary.url().replaceFirst(".*:(\\d+)/.*", "$1");
        Files.writeString(
                data.resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=" + address + " user=" + primary.user() + " password="
                        + primary.password() + "'\n");
        unprivileged.own(data);
    }

    /** The log that is written meanwhile comes by the stream. */
    private void copy(Path from, Path file) throws IOException {
        Path name = from.relativize(file);
        if (Files.isDirectory(file)) {
            Files.createDirectories(data.resolve(name.toString()));
        } else if (!name.startsWith("pg_wal") && !name.toString().equals("postmaster.pid")) {
            Files.copy(file, data.resolve(name.toString()));
        }
    }

    private void start() throws IOException {
        run(
                "start",
                "-l",
                data.resolveSibling("standby.log").toString(),
                "-o",
                "-p " + port + " -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c hot_standby=on");
    }

    private void run(String what, String... more) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(programs.resolve("pg_ctl").toString(), what, "-D", data.toString(), "-w", "-t", "60"));
        command.addAll(List.of(more));
        Process process = new ProcessBuilder(unprivileged.wrap(command))
                .redirectErrorStream(true)
                .redirectOutput(data.resolveSibling("pg_ctl.log").toFile())
                .start();
        process.onExit().completeOnTimeout(process, 90, TimeUnit.SECONDS).join();
        if (process.isAlive() || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IllegalStateException(
                    "pg_ctl " + what + ": " + Files.readString(data.resolveSibling("pg_ctl.log")));
        }
    }

    /** A database of the primary's, here. */
    String url(DatabaseAccess there) {
        return there.url().replaceFirst(":\\d+/", ":" + port + "/");
    }

    /** It takes what the primary sends, and shows nothing of it until it is let go on. */
    void holdBack() throws SQLException {
        execute("SELECT pg_wal_replay_pause()");
    }

    void goOn() throws SQLException {
        execute("SELECT pg_wal_replay_resume()");
    }

    private void execute(String query) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url(primary), primary.user(), primary.password());
                Statement statement = connection.createStatement()) {
            statement.execute(query);
        }
    }

    @Override
    public void close() throws IOException {
        run("stop", "-m", "immediate");
    }
}

package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL server of Assize's own, with its data in a directory that is kept.
 *
 * <p>One process owns the home directory by a lock; who holds it may stop or clean up whatever an earlier, killed owner
 * left running. A cluster is made in a scratch directory and renamed when complete, so a kill at any moment leaves
 * either none or a whole one. The server has a session of its own: a Ctrl-C of the terminal reaches only the JVM, which
 * stops the server when it is done with it. Only passwords open it, and only from this machine.
 */
public final class EmbeddedPostgres implements AutoCloseable {

    /** The role that may do everything. */
    public static final String SUPERUSER = "postgres";

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedPostgres.class);
    private static final String SCRATCH_PREFIX = "data.new-";
    private static final Duration START_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofMinutes(1);
    private static final Duration ORPHANS_LIMIT = Duration.ofSeconds(15);
    private static final int START_ATTEMPTS = 5;

    /**
     * Behind each checkpoint the first change of a page writes all of it to the log, and an entry changes pages of eight
     * indexes: checkpoints that the log's size asks for come in the middle of many appends, and slow them twice over.
     */
    private static final String SETTINGS =
            " -c max_wal_size=2GB -c checkpoint_timeout=15min -c checkpoint_completion_target=0.9 -c wal_buffers=16MB";

    private static final long LOG_KEPT_BYTES = 16L << 20;

    private final HomeLock lock;
    private final Path home;
    private final Path directory;
    private final Path data;
    private final Path log;
    private final Path binaries;
    private final Unprivileged unprivileged;
    private final String password;
    private int port;
    private boolean closed;

    private EmbeddedPostgres(HomeLock lock, Path home, Unprivileged unprivileged) throws IOException {
        this.lock = lock;
        this.home = home;
        this.unprivileged = unprivileged;
        this.directory = home.resolve("postgres");
        this.data = directory.resolve("data");
        this.log = directory.resolve("server.log");
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        this.binaries = PostgresBinaries.unpack(binaryDirectories());
        this.password = superuserPassword();
    }

    /**
     * Starts the server whose data is kept below a home directory, and makes it first where there is none.
     *
     * @throws StorageException where it cannot; the message says why in one line
     */
    public static EmbeddedPostgres start(Path home) {
        return start(home, Unprivileged.choose());
    }

    static EmbeddedPostgres start(Path home, Unprivileged unprivileged) {
        Path absolute = home.toAbsolutePath().normalize();
        try {
            Files.createDirectories(absolute);
        } catch (IOException e) {
            throw new StorageException("data directory " + absolute + " cannot be made: " + Reasons.of(e), e);
        }
        HomeLock lock = HomeLock.take(absolute);
        try {
            EmbeddedPostgres server = new EmbeddedPostgres(lock, absolute, unprivileged);
            server.start();
            return server;
        } catch (IOException e) {
            lock.close();
            throw new StorageException("data directory " + absolute + ": " + Reasons.of(e), e);
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** A database of this server, as the superuser. */
    public DatabaseAccess superuser(String database) {
        return new DatabaseAccess(url(database), SUPERUSER, password);
    }

    /** The address of a database of this server. */
    public String url(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
    }

    /** The process id of the server, while there is one. */
    public Optional<Long> pid() {
        return recordedPid()
                .flatMap(ProcessHandle::of)
                .filter(EmbeddedPostgres::isPostgres)
                .map(ProcessHandle::pid);
    }

    /** Starts the server again, at the same address, where something other than {@link #close} ended it. */
    synchronized void restartIfDown() {
        if (closed || pid().isPresent()) {
            return;
        }
        LOG.warn("PostgreSQL has ended by itself; starting it again");
        try {
            clearStalePid();
            startServer(() -> port);
        } catch (IOException e) {
            throw new StorageException("data directory " + home + ": " + Reasons.of(e), e);
        }
    }

    /** Stops the server, cleanly if it can be, and gives the home directory back. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            stop();
        } finally {
            lock.close();
        }
    }

    private void start() throws IOException {
        removeLeftOvers();
        unprivileged.own(directory);
        requireReachable();
        if (!Files.exists(data)) {
            initialise();
        }
        clearStalePid();
        trimLog();
        startServer(EmbeddedPostgres::freePort);
    }

    private void startServer(PortChoice choice) throws IOException {
        for (int attempt = 1; ; attempt++) {
            port = choice.next();
            long logged = Files.exists(log) ? Files.size(log) : 0;
            Outcome outcome = run(START_LIMIT.plusSeconds(10), startCommand());
            if (outcome.succeeded()) {
                return;
            }
            String complaint = complaint(logged, outcome);
            boolean worthAnother = complaint.contains("Address already in use");
            if (complaint.contains("postmaster.pid")) {
                // A start that was cut short has come to its end only now.
                clearStalePid();
                worthAnother = true;
            }
            if (attempt == START_ATTEMPTS || !worthAnother) {
                throw new StorageException("PostgreSQL does not start on data directory " + home + ": " + complaint
                        + " (log: " + log + ")");
            }
        }
    }

    /** Another user may stop at a parent directory, of which PostgreSQL would complain in riddles. */
    private void requireReachable() {
        if (unprivileged instanceof Unprivileged.OtherUser other
                && !run(START_LIMIT, List.of("test", "-w", directory.toString()))
                        .succeeded()) {
            throw new StorageException("data directory " + home + " cannot be reached by user `" + other.user()
                    + "`, as which root runs PostgreSQL here; choose a directory that it can pass through");
        }
    }

    private List<String> startCommand() {
        String options = "-p " + port + " -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
                + " -c fsync=on -c full_page_writes=on -c synchronous_commit=on -c timezone=UTC"
                + " -c log_timezone=UTC -c logging_collector=off" + SETTINGS;
        return List.of(
                program("pg_ctl"),
                "start",
                "-D",
                data.toString(),
                "-w",
                "-t",
                Long.toString(START_LIMIT.toSeconds()),
                "-l",
                log.toString(),
                "-o",
                options);
    }

    private void initialise() throws IOException {
        Path scratch = Files.createTempDirectory(directory, SCRATCH_PREFIX);
        unprivileged.own(directory);
        Outcome outcome = run(
                START_LIMIT,
                List.of(
                        program("initdb"),
                        "-D",
                        scratch.toString(),
                        "-U",
                        SUPERUSER,
                        "--pwfile=" + passwordFile(),
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        "--locale=C",
                        "--data-checksums"));
        if (!outcome.succeeded()) {
            PostgresBinaries.deleteTree(scratch);
            throw new StorageException(
                    "PostgreSQL cannot be set up in data directory " + home + ": " + outcome.lastLine());
        }
        Files.move(scratch, data, StandardCopyOption.ATOMIC_MOVE);
    }

    /** What a kill during {@link #initialise()} left. Its initdb may still be writing there, so it has a name of its own. */
    private void removeLeftOvers() throws IOException {
        try (DirectoryStream<Path> leftOvers = Files.newDirectoryStream(directory, SCRATCH_PREFIX + "*")) {
            for (Path leftOver : leftOvers) {
                removeQuietly(leftOver);
            }
        }
    }

    private static void removeQuietly(Path leftOver) {
        try {
            PostgresBinaries.deleteTree(leftOver);
        } catch (IOException | UncheckedIOException e) {
            LOG.warn("cannot remove {} yet: {}", leftOver, Reasons.of(e));
        }
    }

    /**
     * Stops the server that a killed owner left running. Where its process id now belongs to somebody else, the file
     * is made to name an ended process rather than deleted: PostgreSQL then still looks for orphans by the shared
     * memory that the file names.
     */
    private void clearStalePid() throws IOException {
        Optional<ProcessHandle> recorded = recordedPid().flatMap(ProcessHandle::of);
        if (recorded.isPresent() && isPostgres(recorded.get())) {
            stop();
        } else if (recorded.isPresent()) {
            List<String> lines = new ArrayList<>(Files.readAllLines(pidFile(), UTF_8));
            lines.set(0, Long.toString(endedPid()));
            Files.write(pidFile(), lines, UTF_8);
        }
        if (Files.exists(pidFile())) {
            awaitOrphans();
        }
    }

    /** After a kill of the postmaster alone its children end by themselves, and soon. */
    private void awaitOrphans() {
        long deadline = System.nanoTime() + ORPHANS_LIMIT.toNanos();
        while (System.nanoTime() < deadline && ProcessHandle.allProcesses().anyMatch(this::servesOurData)) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private boolean servesOurData(ProcessHandle process) {
        return isPostgres(process) && workingDirectory(process).equals(Optional.of(data));
    }

    private static Optional<Path> workingDirectory(ProcessHandle process) {
        try {
            return Optional.of(Files.readSymbolicLink(Path.of("/proc", Long.toString(process.pid()), "cwd")));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static boolean isPostgres(ProcessHandle process) {
        return process.info()
                .command()
                .filter(command -> command.endsWith("/postgres"))
                .isPresent();
    }

    private static long endedPid() throws IOException {
        Process process = new ProcessBuilder("true").start();
        process.onExit().join();
        return process.pid();
    }

    private void stop() {
        if (pid().isEmpty()) {
            return;
        }
        for (String mode : List.of("fast", "immediate")) {
            Outcome outcome = run(
                    STOP_LIMIT.plusSeconds(10),
                    List.of(
                            program("pg_ctl"),
                            "stop",
                            "-D",
                            data.toString(),
                            "-m",
                            mode,
                            "-w",
                            "-t",
                            Long.toString(STOP_LIMIT.toSeconds())));
            if (outcome.succeeded() || pid().isEmpty()) {
                return;
            }
        }
        throw new StorageException("PostgreSQL (pid " + recordedPid().orElse(0L) + ") on data directory " + home
                + " does not stop (log: " + log + ")");
    }

    private Optional<Long> recordedPid() {
        try (var lines = Files.lines(pidFile(), UTF_8)) {
            return lines.findFirst().map(String::strip).map(Long::valueOf);
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private Path pidFile() {
        return data.resolve("postmaster.pid");
    }

    private Path passwordFile() {
        return directory.resolve("superuser-password");
    }

    private String program(String name) {
        return binaries.resolve("bin").resolve(name).toString();
    }

    /** Another user cannot reach this one's cache; its copy stands with the data. */
    private List<Path> binaryDirectories() {
        List<Path> directories = new ArrayList<>();
        if (!(unprivileged instanceof Unprivileged.OtherUser)) {
            directories.addAll(PostgresBinaries.cacheDirectories());
        }
        directories.add(directory);
        return directories;
    }

    private String superuserPassword() throws IOException {
        Path file = passwordFile();
        if (Files.exists(file) && Files.exists(data)) {
            return Files.readString(file, UTF_8).strip();
        }
        byte[] random = new byte[32];
        new SecureRandom().nextBytes(random);
        String fresh = HexFormat.of().formatHex(random);
        Files.deleteIfExists(file);
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, fresh + "\n", UTF_8);
        return fresh;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    /** The log is begun anew when it has grown large; one older one is kept. */
    private void trimLog() throws IOException {
        if (Files.exists(log) && Files.size(log) > LOG_KEPT_BYTES) {
            Files.move(log, log.resolveSibling("server.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** What the server itself said about why it did not start; else what the program that started it said. */
    private String complaint(long from, Outcome outcome) throws IOException {
        if (!Files.exists(log)) {
            return outcome.lastLine();
        }
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            file.seek(Math.min(from, file.length()));
            byte[] bytes = new byte[(int) Math.min(1 << 16, file.length() - file.getFilePointer())];
            file.readFully(bytes);
            List<String> lines = new String(bytes, UTF_8).lines().toList();
            return lines.stream()
                    .filter(line -> line.contains("could not bind"))
                    .findFirst()
                    .or(() -> lines.stream()
                            .filter(line -> line.contains("FATAL:") || line.contains("PANIC:"))
                            .findFirst())
                    .map(line -> line.substring(Math.max(0, line.indexOf(':', line.indexOf(']') + 1) + 1)))
                    .map(String::strip)
                    .orElseGet(outcome::lastLine);
        }
    }

    private Outcome run(Duration limit, List<String> command) {
        try {
            Path output = Files.createTempFile("assize-postgres-", ".out");
            try {
                ProcessBuilder builder = new ProcessBuilder(unprivileged.wrap(command))
                        .directory(Path.of("/").toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(
                                Path.of("/dev/null").toFile()))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
                builder.environment().keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("LC_"));
                builder.environment().put("LC_ALL", "C");
                Process process = builder.start();
                if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                    return new Outcome(-1, List.of("no answer within " + limit.toSeconds() + " s"));
                }
                return new Outcome(process.exitValue(), Files.readAllLines(output, UTF_8));
            } finally {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            throw new StorageException("cannot run " + command.getFirst() + ": " + Reasons.of(e), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException("interrupted while running " + command.getFirst(), e);
        }
    }

    private interface PortChoice {
        int next() throws IOException;
    }

    private record Outcome(int exitCode, List<String> output) {

        boolean succeeded() {
            return exitCode == 0;
        }

        /** The line with the error, or the last one that says something. */
        String lastLine() {
            return output.stream()
                    .filter(line -> line.contains("error:") || line.contains("FATAL:"))
                    .findFirst()
                    .or(() -> output.stream().filter(line -> !line.isBlank()).reduce((first, second) -> second))
                    .map(String::strip)
                    .orElse("exit code " + exitCode);
        }
    }
}

package dev.assize.server.spool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The spool on the disk of this machine, and a process that is killed while it writes. */
class SpoolTest {

    private static final TenantId TENANT = new TenantId("acme");

    @TempDir
    Path home;

    private Spool open() {
        return Spool.open(SpoolConfig.defaults(home), InstantSource.system());
    }

    @Test
    void refusesASecondUser() throws Exception {
        try (Spool spool = open()) {
            assertThatThrownBy(this::open)
                    .isInstanceOf(SpoolFailedException.class)
                    .hasMessageContaining("in use by another server");
            Process other = process(1);
            assertThat(new String(other.getInputStream().readAllBytes(), UTF_8)).contains("in use by another server");
            spool.queue(TENANT, () -> {});
        }
        open().close();
    }

    @Test
    void refusesADirectoryThatOthersMayRead() throws IOException {
        assumeTrue(DiskFiles.isPosix(home));
        open().close();
        Files.setPosixFilePermissions(home.resolve("spool"), PosixFilePermissions.fromString("rwxr-x---"));

        assertThatThrownBy(this::open).hasMessageContaining("chmod 700");
    }

    @Test
    void nobodyElseMayReadItsFiles() throws IOException {
        assumeTrue(DiskFiles.isPosix(home));
        try (Spool spool = open()) {
            append(spool.queue(TENANT, () -> {}), "a").join();
        }

        try (var files = Files.walk(home.resolve("spool"))) {
            assertThat(files.map(SpoolTest::mode))
                    .allMatch(mode -> mode.substring(3).equals("------"));
        }
    }

    private static String mode(Path path) {
        try {
            return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void knowsTheTenantsWhoseQueuesAreThere() {
        try (Spool spool = open()) {
            spool.queue(TENANT, () -> {});
            spool.queue(new TenantId("beta"), () -> {});
        }
        try (Spool spool = open()) {
            assertThat(spool.onDisk()).extracting(TenantId::value).containsExactlyInAnyOrder("acme", "beta");
        }
    }

    @Test
    @Timeout(120)
    void whatAProcessHadAcknowledgedWhenItWasKilledIsThere() throws Exception {
        int acknowledged = 0;
        for (int round = 0; round < 3; round++) {
            Process process = process(acknowledged + 1);
            try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
                for (int lines = 0; lines < 40 + 57 * round; lines++) {
                    acknowledged = Integer.parseInt(out.readLine());
                }
                // The process's own way would close what it still said.
                process.toHandle().destroyForcibly();
                // What it had still said before it was killed.
                for (String line = out.readLine(); line != null && !line.isEmpty(); line = out.readLine()) {
                    acknowledged = Integer.parseInt(line);
                }
            }
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();

            try (Spool spool = open()) {
                SpoolQueue queue = spool.queue(TENANT, () -> {});
                assertThat(queue.complaint()).isEmpty();
                assertThat(queue.last()).isGreaterThanOrEqualTo(acknowledged);
                acknowledged = (int) queue.last();
                assertThat(queue.read(1, 100_000, 100_000_000).stream()
                                .map(record -> new String(record.payload(), UTF_8)))
                        .containsExactlyElementsOf(IntStream.rangeClosed(1, acknowledged)
                                .mapToObj(i -> "record " + i)
                                .toList());
            }
        }
    }

    private Process process(int from) throws IOException {
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Appending.class.getName(),
                        home.toString(),
                        Integer.toString(from)))
                .redirectErrorStream(false)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static CompletableFuture<SpoolAnswer> append(SpoolQueue queue, String text) {
        return queue.append(text.getBytes(UTF_8), null, Digest.sha256(text.getBytes(UTF_8)));
    }

    /** Appends without an end, and says what was acknowledged. */
    static final class Appending {

        private Appending() {}

        public static void main(String[] arguments) {
            try (Spool spool = Spool.open(SpoolConfig.defaults(Path.of(arguments[0])), InstantSource.system())) {
                SpoolQueue queue = spool.queue(TENANT, () -> {});
                for (int i = Integer.parseInt(arguments[1]); ; i++) {
                    append(queue, "record " + i).join();
                    System.out.println(i);
                }
            } catch (SpoolFailedException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}

package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class FileOutsideStoreTest extends OutsideStoreContract {

    private static final Duration IMPATIENT = Duration.ofMillis(50);

    @TempDir
    private Path directory;

    @Override
    protected OutsideStore open() {
        return new FileOutsideStore(place());
    }

    private Path place() {
        return directory.resolve("outside");
    }

    @Test
    void saysWhatItCannotWrite() throws Exception {
        Files.writeString(place(), "a file stands where the directory should be");
        assertThatThrownBy(() -> open().put("all/1", new byte[0]))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot write")
                .hasMessageContaining("outside/all/1");
    }

    /** However many of its own process write as well: what they do does not let another process in. */
    @Test
    @Timeout(60)
    void keepsOtherProcessesOutWhileOneOfItsOwnWaits() throws Exception {
        open().put("other", new byte[0]);
        Path pipe = place().resolve("anchor");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            // It reads what is there under the lock, which is not there until it is written below.
            Future<Optional<String>> writing = threads.submit(() -> open().replace("anchor", null, new byte[1]));
            try (OutputStream content = Files.newOutputStream(pipe)) {
                assertRefused("this process has held .lock");
                assertRefused("this process has held .lock");
                assertThat(Elsewhere.put(place())).contains("another process has held .lock");
                content.write(1);
            }
            assertThat(writing.get(10, TimeUnit.SECONDS)).isEmpty();
        }
        assertThat(Elsewhere.put(place())).contains(Elsewhere.DONE);
    }

    private void assertRefused(String why) {
        assertThatThrownBy(() -> new FileOutsideStore(place(), IMPATIENT).put("other", new byte[1]))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining(why);
    }

    /** A process of its own that writes once. */
    static final class Elsewhere {

        static final String DONE = "done";

        private Elsewhere() {}

        /** What it says. */
        static String put(Path place) throws Exception {
            Process process = new ProcessBuilder(List.of(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:TieredStopAtLevel=1",
                            "-XX:+UseSerialGC",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Elsewhere.class.getName(),
                            place.toString()))
                    .redirectErrorStream(true)
                    .start();
            return String.join("\n", process.inputReader(UTF_8).readAllLines());
        }

        public static void main(String[] arguments) {
            try {
                new FileOutsideStore(Path.of(arguments[0]), IMPATIENT).put("elsewhere", new byte[1]);
                System.out.println(DONE);
            } catch (OutsideUnavailableException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}

package dev.assize.server.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A JVM of its own that runs an embedded server until it is killed. */
final class EmbeddedPostgresProcess {

    static final String STARTED = "started ";

    private EmbeddedPostgresProcess() {}

    /** Starts one on the home directory; it prints the server's address when that serves. */
    static Process start(Path home) throws IOException {
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        EmbeddedPostgresProcess.class.getName(),
                        home.toString()))
                .redirectErrorStream(true)
                .start();
    }

    public static void main(String[] arguments) throws IOException {
        try (EmbeddedPostgres server = EmbeddedPostgres.start(Path.of(arguments[0]))) {
            System.out.println(STARTED + server.url("postgres"));
            int _ = System.in.read();
        } catch (StorageException e) {
            System.out.println(e.getMessage());
            System.exit(1);
        }
    }
}

package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What `./assize` starts, shown by a `java` that only says how it was called. */
class LauncherTest {

    private static final Instant BUILT = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir
    private Path home;

    @BeforeEach
    void lay() throws IOException {
        Files.copy(Path.of("..", "assize"), home.resolve("assize"));
        Files.createDirectories(home.resolve("jdk/bin"));
        Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
        for (String program : List.of("java", "javac")) {
            Files.writeString(home.resolve("jdk/bin").resolve(program), "#!/bin/sh\necho \"$@\"\n");
            Files.setPosixFilePermissions(
                    home.resolve("jdk/bin").resolve(program), PosixFilePermissions.fromString("rwx------"));
        }
        put("assize-server-0.jar", BUILT);
        put("assize.aot", BUILT.plusSeconds(1));
        put("assize-sidecar.aot", BUILT.plusSeconds(1));
    }

    @Test
    void startsAServerWithTheClassesOfAServer() throws Exception {
        assertThat(assize("serve")).contains("/assize.aot ").endsWith("assize-server-0.jar serve");
        assertThat(assize("quickstart", "--exit")).contains("/assize.aot ");
    }

    @Test
    void startsASidecarWithTheClassesOfASidecar() throws Exception {
        assertThat(assize("serve", "--tenants", "a", "--upstream", "h:1")).contains("/assize-sidecar.aot ");
        assertThat(assize("serve", "--upstream=h:1")).contains("/assize-sidecar.aot ");
        assertThat(assize(Map.of("ASSIZE_UPSTREAM_ADDRESS", "h:1"), "serve")).contains("/assize-sidecar.aot ");
    }

    @Test
    void startsWithoutClassesOfAnotherBuild() throws Exception {
        put("assize.aot", BUILT.minusSeconds(1));
        assertThat(assize("serve")).doesNotContain("AOTCache").endsWith(" serve");
        assertThat(assize("serve", "--upstream", "h:1")).contains("AOTCache");
    }

    @Test
    void startsWithoutClassesThatWereNeverMade() throws Exception {
        Files.delete(home.resolve("server/target/assize-sidecar.aot"));
        assertThat(assize("serve", "--upstream", "h:1")).doesNotContain("AOTCache");
    }

    @Test
    void givesOtherCommandsNothingOfAServers() throws Exception {
        assertThat(assize("check", "user:a", "b:c", "read"))
                .doesNotContain("AOTCache", "-Xms", "HeapSize", "UseG1GC")
                .contains("-XX:+UseSerialGC");
    }

    @Test
    void letsItsUserHaveTheLastWord() throws Exception {
        assertThat(assize(Map.of("ASSIZE_JAVA_OPTS", "-Xms1g -Xmx2g"), "serve"))
                .containsSubsequence("-Xms32m", "-Xms1g -Xmx2g", "-jar");
    }

    /** It refuses to begin with more than it may have. */
    @Test
    void beginsSmallerWhereItsUserBoundsTheHeap() throws Exception {
        for (String variable : List.of("ASSIZE_JAVA_OPTS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS")) {
            assertThat(assize(Map.of(variable, "-Xmx40m"), "serve"))
                    .as(variable)
                    .contains("-Xms32m")
                    .doesNotContain("InitialHeapSize");
        }
    }

    /** By itself the JVM takes the serial one where there is one processor, and lets the heap be as small as it began. */
    @Test
    void namesTheCollectorAndWhenItMarks() throws Exception {
        assertThat(assize("serve"))
                .containsSubsequence(
                        "-XX:InitialHeapSize=64m",
                        "-XX:MinHeapSize=32m",
                        "-XX:InitiatingHeapOccupancyPercent=70",
                        "-G1UseAdaptiveIHOP",
                        "-XX:+AlwaysActAsServerClassMachine",
                        "-jar");
    }

    @Test
    void hasNettyFollowFewOfItsBuffersUnlessItsUserWantsMore() throws Exception {
        String interval = "-Dio.grpc.netty.shaded.io.netty.leakDetection.samplingInterval=";
        assertThat(assize(Map.of("ASSIZE_JAVA_OPTS", interval + "1"), "serve"))
                .containsSubsequence(interval + "8192", interval + "1", "-jar");
        assertThat(assize("check", "user:a", "b:c", "read")).doesNotContain(interval);
    }

    @Test
    void leavesTheCollectorToItsUser() throws Exception {
        assertThat(assize(Map.of("ASSIZE_JAVA_OPTS", "-Xmx2g -XX:+UseZGC"), "serve"))
                .contains("-XX:+UseZGC")
                .doesNotContain("-XX:+UseG1GC");
    }

    private void put(String name, Instant time) throws IOException {
        Path target = Files.createDirectories(home.resolve("server/target"));
        Files.setLastModifiedTime(Files.writeString(target.resolve(name), name), FileTime.from(time));
    }

    private String assize(String... arguments) throws IOException, InterruptedException {
        return assize(Map.of(), arguments);
    }

    private String assize(Map<String, String> variables, String... arguments) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder("bash", home.resolve("assize").toString());
        builder.command().addAll(List.of(arguments));
        builder.redirectErrorStream(true).environment().keySet().removeIf(name -> name.startsWith("ASSIZE_"));
        builder.environment().put("JAVA_HOME", home.resolve("jdk").toString());
        builder.environment().putAll(variables);
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }
}

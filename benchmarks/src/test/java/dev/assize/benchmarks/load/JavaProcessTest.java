package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JavaProcessTest {

    @TempDir
    private Path directory;

    @Test
    void saysWhatWasWrongWhereItEndsBeforeItIsReady() throws IOException {
        try (JavaProcess begun = begin("echo starting; echo no >&2; exit 1")) {
            assertThatThrownBy(() -> begun.awaitReady("ready"::equals))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no");
        }
    }

    @Test
    void isThereToBeLookedAtBeforeItIsReady() throws IOException {
        try (JavaProcess begun = begin("echo starting; read line; echo ready; sleep 20")) {
            assertThat(ProcessHandle.of(begun.pid())).get().matches(ProcessHandle::isAlive);
        }
    }

    @Test
    void isReadyWhenItSaysSo() throws IOException {
        try (JavaProcess begun = begin("echo 'port: 7'; echo ready; sleep 20")) {
            begun.awaitReady("ready"::equals);
            assertThat(begun.said("port:")).isEqualTo("7");
        }
    }

    private JavaProcess begin(String script) throws IOException {
        return JavaProcess.begin(List.of("sh", "-c", script), Map.of(), directory.resolve("log"));
    }
}

package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {

    @TempDir
    Path home = Path.of(".");

    @Test
    void refusesAnUnknownKeyAndNamesTheNearest() throws IOException {
        assertRefused("grpc:\n  prot: 1\n", "unknown key `grpc.prot`", "did you mean `grpc.port`?");
        assertRefused("databse.url: x\n", "unknown key `databse.url`", "did you mean `database.url`?");
        assertRefused("grpc: 7\n", "unknown key `grpc`");
    }

    @Test
    void refusesAnUnknownVariableAndNamesTheNearest() {
        assertThatThrownBy(() -> Settings.read(home.resolve("none"), false, Map.of("ASSIZE_GRPC_PROT", "1")))
                .isInstanceOf(ConfigurationException.class)
                .hasMessage("unknown variable ASSIZE_GRPC_PROT; did you mean `ASSIZE_GRPC_PORT`?");
    }

    @Test
    void refusesWhatIsNotAValue() throws IOException {
        assertRefused("grpc.port: [1, 2]\n", "grpc.port: expected one value");
        assertRefused("grpc.port: 1\ngrpc.port: 2\n", "not YAML");
        assertRefused("grpc.port: 1\ngrpc:\n  port: 2\n", "grpc.port stands there twice");
        assertRefused("- grpc\n", "expected keys with values");
        assertRefused("a: b: c\n", "not YAML");
    }

    @Test
    void aFileThatWasNamedMustBeThere() {
        assertThatThrownBy(() -> Settings.read(home.resolve("none.yaml"), true, Map.of()))
                .hasMessageContaining("none.yaml: no such file");
    }

    @Test
    void keysAreNestedOrDottedAndVariablesWin() throws IOException {
        Path file = Files.writeString(home.resolve("assize.yaml"), "grpc:\n  port: 1\n  host: a\nhttp.port: 2\n");

        Settings settings = Settings.read(file, true, Map.of("ASSIZE_GRPC_PORT", "3", "ASSIZE_HOME", "x", "PATH", "y"));

        assertThat(settings.text(ConfigKey.GRPC_PORT)).isEqualTo("3");
        assertThat(settings.text(ConfigKey.GRPC_HOST)).isEqualTo("a");
        assertThat(settings.text(ConfigKey.HTTP_PORT)).isEqualTo("2");
    }

    @Test
    void namesThePlaceOfABadValueButShowsNoPassword() {
        Settings settings = Settings.read(
                home.resolve("none"), false, Map.of("ASSIZE_GRPC_PORT", "70000", "ASSIZE_LEDGER_RETRY_AFTER", "soon"));

        assertThatThrownBy(() -> settings.number(ConfigKey.GRPC_PORT, 0, 65_535))
                .hasMessage("ASSIZE_GRPC_PORT: `70000`: expected a whole number from 0 to 65535");
        assertThatThrownBy(() -> settings.duration(ConfigKey.LEDGER_RETRY_AFTER))
                .hasMessageContaining("`soon`: expected a duration");
        assertThat(settings.bad(ConfigKey.DATABASE_PASSWORD, "x")).hasMessageContaining("(not shown)");
    }

    @Test
    void readsDurations() {
        Settings settings = Settings.read(
                home.resolve("none"),
                false,
                Map.of("ASSIZE_GRPC_DRAIN_DELAY", "1500ms", "ASSIZE_GRPC_STOP_TIMEOUT", "2m"));

        assertThat(settings.duration(ConfigKey.GRPC_DRAIN_DELAY)).isEqualTo(Duration.ofMillis(1500));
        assertThat(settings.duration(ConfigKey.GRPC_STOP_TIMEOUT)).isEqualTo(Duration.ofMinutes(2));
    }

    private void assertRefused(String yaml, String... saying) throws IOException {
        Path file = Files.writeString(home.resolve("assize.yaml"), yaml);
        assertThatThrownBy(() -> Settings.read(file, true, Map.of()))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll(saying);
    }
}

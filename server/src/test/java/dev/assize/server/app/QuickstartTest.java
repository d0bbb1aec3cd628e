package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.testing.InMemory;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {

    @Test
    void showsEverythingTwice(@TempDir(factory = InMemory.class) Path home) {
        Console console = new Console(home, Map.of());

        assertThat(console.run("quickstart", "--exit"))
                .as(console.out() + console.err())
                .isZero();
        assertThat(console.out())
                .contains("allow", "DENY", "OUT_OF_SCOPE", "NO_GRANT", "NOT AS RECORDED", "VALID", "./assize explain")
                .doesNotContain("\u001b", "expected");

        assertThat(console.run("quickstart", "--exit"))
                .as(console.out() + console.err())
                .isZero();
        assertThat(console.out()).contains("unchanged at revision");
    }
}

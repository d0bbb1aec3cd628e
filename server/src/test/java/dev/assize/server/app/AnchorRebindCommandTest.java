package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way out of a lost place, as docs/operations.md leads through it. */
class AnchorRebindCommandTest {

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void make() {
        database = TestDatabase.migrated();
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void refusesToBeForcedWithoutAReason() {
        Console console = console("old");
        assertThat(console.run("anchor", "rebind", "--force")).isEqualTo(2);
        assertThat(console.err()).contains("--reason");
        assertThat(console.run("anchor", "rebind", "--force", "--reason", " ")).isEqualTo(2);
        assertThat(console.run("anchor", "rebind", "--force", "--reason", "x".repeat(1_025)))
                .isEqualTo(2);
        assertThat(console.err()).contains("1024");
    }

    @Test
    void bindsWhenItIsForced() {
        serveOnce(console("old"));
        Console same = console("old");
        assertThat(same.run("anchor", "rebind", "--force", "--reason", "a mistake"))
                .isEqualTo(1);
        assertThat(same.err()).contains("nothing is lost").hasLineCount(1);

        Console console = console("new");
        assertThat(console.run("anchor", "rebind")).isEqualTo(1);
        assertThat(console.out()).contains("lost  ", "new place  " + directory.resolve("new"), "of 1 ledgers");
        assertThat(console.err())
                .contains("nothing was changed", "--force --reason")
                .hasLineCount(1);

        assertThat(console.run("anchor", "rebind", "--force", "--reason", "the disk is lost"))
                .isZero();
        assertThat(console.out()).contains("of the ledger of tenant assize records it");
        serveOnce(console);
    }

    /** Starts, signs what there is, and stops. */
    private static void serveOnce(Console console) {
        try (AssizeServer server = AssizeServer.of(console.config())) {
            server.start();
            assertThat(server.sign("assize")).isNotEmpty();
        }
    }

    private Console console(String place) {
        Map<String, String> environment = new HashMap<>();
        environment.putAll(database.environment());
        environment.put("ASSIZE_ANCHOR_DIRECTORY", directory.resolve(place).toString());
        return new Console(directory.resolve("home"), environment);
    }
}

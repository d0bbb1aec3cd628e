package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.note.SigningKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rotation as docs/operations.md leads through it. */
class SigningKeyCommandTest {

    private static final String NAME = "assize.local/00112233445566778899aabbccddeeff";

    @TempDir
    private Path directory;

    private Path keys;
    private Console console;

    @BeforeEach
    void prepare() {
        Path home = directory.resolve("assize");
        keys = home.resolve("signing-keys");
        console = new Console(home, Map.of());
    }

    @Test
    void refusesWhereNoServerHasMadeAKey() {
        for (String verb : new String[] {"show", "prepare", "activate"}) {
            assertThat(console.run("signing-key", verb)).isEqualTo(1);
            assertThat(console.err()).contains("no signing key in " + keys).hasLineCount(1);
        }
        assertThat(keys).doesNotExist();
    }

    @Test
    void refusesToActivateWhatWasNotPrepared() {
        SigningKeys before = SigningKeys.open(keys, NAME);

        assertThat(console.run("signing-key", "activate")).isEqualTo(1);
        assertThat(console.err()).contains("next", "prepared").hasLineCount(1);
        assertThat(SigningKeys.open(keys, NAME).verifierKeys()).isEqualTo(before.verifierKeys());
    }

    @Test
    void refusesAPreparedKeyThatOthersCanRead() throws Exception {
        SigningKeys before = SigningKeys.open(keys, NAME);
        assertThat(console.run("signing-key", "prepare")).isZero();
        Files.setPosixFilePermissions(keys.resolve("next"), PosixFilePermissions.fromString("rw-r--r--"));

        assertThat(console.run("signing-key", "activate")).isEqualTo(1);
        assertThat(console.err()).contains("chmod 600").hasLineCount(1);
        assertThat(SigningKeys.open(keys, NAME).signer().verifierKey())
                .isEqualTo(before.signer().verifierKey());
    }

    @Test
    void rotatesInTwoSteps() {
        String first = SigningKeys.open(keys, NAME).signer().verifierKey().toString();

        assertThat(console.run("signing-key", "prepare")).isZero();
        String second = console.out().strip();
        assertThat(second).isNotEqualTo(first).startsWith(NAME + "+");
        assertThat(console.run("signing-key", "show")).isZero();
        assertThat(console.out().lines()).containsExactly(first, second);

        assertThat(console.run("signing-key", "activate")).isZero();
        assertThat(console.out().strip()).isEqualTo(second);
        assertThat(console.run("signing-key", "show")).isZero();
        assertThat(console.out().lines()).containsExactly(second, first);
    }
}

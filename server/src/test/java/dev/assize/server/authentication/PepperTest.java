package dev.assize.server.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.secret.OwnedFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PepperTest {

    @TempDir
    Path directory;

    @Test
    void refusesAFileThatOthersMayRead() throws IOException {
        Path file = directory.resolve("pepper");
        Pepper.open(file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));

        assertThatThrownBy(() -> Pepper.open(file))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("rw-r-----")
                .hasMessageContaining("0600");
    }

    @Test
    void refusesADirectoryInWhichOthersMayWrite() throws IOException {
        Path home = directory.resolve("home");
        Pepper.open(home.resolve("pepper"));
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));

        assertThatThrownBy(() -> Pepper.open(home.resolve("pepper")))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining(home.toString())
                .hasMessageContaining("0700");
    }

    @Test
    void refusesAFileThatIsNoPepper() throws IOException {
        Path file = directory.resolve("pepper");
        Pepper.open(file);
        Files.writeString(file, "short");

        assertThatThrownBy(() -> Pepper.open(file)).hasMessageContaining("64 hexadecimal digits");
    }

    @Test
    void saysWhichFileCannotBeMade() throws IOException {
        Path file = Files.createFile(directory.resolve("occupied")).resolve("pepper");

        assertThatThrownBy(() -> Pepper.open(file))
                .isInstanceOf(OwnedFileException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void makesFileAndDirectoryForTheOwnerOnlyAndReadsThemBack() throws IOException {
        Path file = directory.resolve("home/pepper");
        Pepper made = Pepper.open(file);

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                .isEqualTo("rwx------");
        assertThat(Pepper.open(file).mac(new byte[] {7})).isEqualTo(made.mac(new byte[] {7}));
    }

    @Test
    void keepsPurposesApart() {
        Pepper pepper = Pepper.of(new byte[32]);

        assertThat(pepper.mac("one", new byte[] {7})).isNotEqualTo(pepper.mac("other", new byte[] {7}));
        assertThat(pepper.mac("one", new byte[] {7})).isNotEqualTo(pepper.mac(new byte[] {7}));
    }
}

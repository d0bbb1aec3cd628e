package dev.assize.server.ledger.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DirectoryArchiveTest extends ArchiveStoreContract {

    @TempDir
    Path directory;

    @Override
    protected ArchiveStore store() {
        return new DirectoryArchive(directory.resolve("archive"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/etc", "../up", "a/../b", "a//b", "a/", ".", "a/..", "a b", "a\\b"})
    void refusesNamesThatLeadElsewhere(String name) {
        assertThatThrownBy(() -> store().read(name)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void saysWhereItCannotWrite() throws IOException {
        Path file = Files.writeString(directory.resolve("plain"), "");
        ArchiveStore blocked = new DirectoryArchive(file);

        assertThatThrownBy(() -> blocked.create("acme/a.tar", file, Instant.EPOCH))
                .isInstanceOf(ArchiveUnavailableException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void leavesNothingBesideAndKeepsOthersOut() throws IOException {
        store().create("acme/a.tar", Files.writeString(directory.resolve("content"), "x"), Instant.EPOCH);

        Path object = directory.resolve("archive/acme/a.tar");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(object)))
                .isEqualTo("r--------");
        try (Stream<Path> all = Files.list(directory.resolve("archive/acme"))) {
            assertThat(all).containsExactly(object);
        }
    }
}

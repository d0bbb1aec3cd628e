package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileOutsideStoreTest extends OutsideStoreContract {

    @TempDir
    private Path directory;

    @Override
    protected OutsideStore open() {
        return new FileOutsideStore(directory.resolve("outside"));
    }

    @Test
    void saysWhatItCannotWrite() throws Exception {
        Files.writeString(directory.resolve("outside"), "a file stands where the directory should be");
        assertThatThrownBy(() -> open().put("all/1", new byte[0]))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot write")
                .hasMessageContaining("outside/all/1");
    }
}

package dev.assize.server.ledger.merkle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.LogArchive;
import dev.assize.client.ledger.NotProvenException;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Archives that the server's tiles make, before the client's verifier. With {@code -Dassize.test.everyByte=true} each byte is
 * changed in turn, and else some of them.
 */
class LogArchiveTest {

    private static final boolean EVERY_BYTE = Boolean.getBoolean("assize.test.everyByte");

    private final SplittableRandom random = new SplittableRandom(256);
    private final List<byte[]> entries = new ArrayList<>();
    private final GrownTree tree = new GrownTree();

    @TempDir
    private Path directory;

    @Test
    void rebuildsTheRootFromTheEntries() throws Exception {
        for (int size : new int[] {0, 1, 255, 256, 257, 512, 70_000}) {
            Path archive = directory.resolve("archive-" + size);
            grow(size);
            write(archive, size);
            List<byte[]> read = new ArrayList<>();
            new LogArchive(archive).verify(checkpoint(size), (index, entry) -> {
                assertThat(index).isEqualTo(read.size());
                read.add(entry);
            });
            assertThat(read)
                    .zipSatisfy(entries, (found, expected) -> assertThat(found).isEqualTo(expected));
        }
        assertThat(tree.full()).hasSize(273 + 1);
    }

    @Test
    void goesOnFromARootThatIsTrusted() throws Exception {
        grow(70_000);
        write(directory, 70_000);
        LogArchive archive = new LogArchive(directory);
        for (int trusted : new int[] {0, 1, 255, 256, 300, 65_535, 65_536, 66_000, 69_999, 70_000}) {
            byte[] root = new Prover(tree).root(trusted);
            List<Long> read = new ArrayList<>();
            archive.verify(checkpoint(70_000), trusted, root, (index, entry) -> read.add(index));
            assertThat(read).hasSize(70_000 - trusted);
            assertThatThrownBy(() -> archive.verify(checkpoint(70_000), trusted, new byte[32], (index, entry) -> {}))
                    .isInstanceOf(NotProvenException.class)
                    .hasMessageContaining("another root than the one that is trusted");
        }
        assertThatThrownBy(() -> archive.verify(checkpoint(70_000), 70_001, new byte[32], (index, entry) -> {}))
                .isInstanceOf(NotProvenException.class);
    }

    @Test
    void findsEveryByteThatWasChanged() throws Exception {
        grow(300);
        write(directory, 300);
        List<Path> files;
        try (Stream<Path> found = Files.walk(directory)) {
            files = found.filter(Files::isRegularFile).toList();
        }
        assertThat(files).hasSize(5);
        for (Path file : files) {
            byte[] bytes = Files.readAllBytes(file);
            for (int i = 0; i < bytes.length; i += EVERY_BYTE ? 1 : random.nextInt(1, 60)) {
                byte[] changed = bytes.clone();
                changed[i] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, changed);
                assertRefused(300);
            }
            Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
            assertRefused(300);
            Files.write(file, Arrays.copyOf(bytes, bytes.length + 1));
            assertRefused(300);
            Files.delete(file);
            assertRefused(300);
            Files.write(file, bytes);
        }
        verify(300);
        assertRefused(299);
        assertRefused(301);
    }

    @Test
    void takesTheFullTileWhereThePartialOneIsGone() throws Exception {
        grow(65_800);
        write(directory, 65_800);

        verify(500);
        verify(65_536);
        assertRefused(65_799);
    }

    @Test
    void readsAZipFileToo() throws Exception {
        grow(600);
        write(directory, 600);
        Path zip = directory.resolve("archive.zip");
        try (FileSystem inside = FileSystems.newFileSystem(zip, Map.of("create", "true"));
                Stream<Path> files = Files.walk(directory.resolve("tile"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path copy = inside.getPath("/" + directory.relativize(file));
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy);
            }
        }
        try (FileSystem inside = FileSystems.newFileSystem(zip)) {
            new LogArchive(inside.getPath("/")).verify(checkpoint(600), (index, entry) -> {});
        }
    }

    private void assertRefused(int size) {
        assertThatThrownBy(() -> verify(size)).isInstanceOf(NotProvenException.class);
    }

    private void verify(int size) throws NotProvenException, IOException {
        new LogArchive(directory).verify(checkpoint(size), (index, entry) -> {});
    }

    private Checkpoint checkpoint(int size) {
        byte[] root = size <= entries.size() ? new Prover(tree).root(size) : new byte[32];
        return new Checkpoint("log.example", size, root, List.of());
    }

    private void grow(int size) {
        List<byte[]> leaves = new ArrayList<>();
        while (entries.size() < size) {
            byte[] entry = new byte[random.nextInt(30)];
            random.nextBytes(entry);
            entries.add(entry);
            leaves.add(new TreeHash().leaf(entry));
        }
        tree.grow(leaves);
    }

    private void write(Path archive, int size) throws IOException {
        for (long level = 0; size >>> (8 * level) > 0; level++) {
            for (long index = 0; index * 256 < size >>> (8 * level); index++) {
                TileId id = TileId.in(size, (int) level, index);
                write(archive.resolve(id.path()), tree.read(List.of(id)).getFirst());
                if (level == 0) {
                    int from = (int) index * 256;
                    byte[] bundle = EntryBundle.of(entries.subList(from, from + id.width()));
                    write(archive.resolve(TileId.entriesPath(index, id.width())), bundle);
                }
            }
        }
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, bytes);
    }
}

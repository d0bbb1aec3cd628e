package dev.assize.client.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was written once, to the format page, is verified for good: files that no build has made. */
class GoldenFilesTest {

    private static final Path FILES = Path.of("src", "test", "resources", "ledger", "three-entries");
    private static final String LEDGER = "assize.example.com/00112233445566778899aabbccddeeff/acme";

    @TempDir
    private Path directory;

    private final VerifierKey log;
    private final VerifierKey witness;
    private final TrustPolicy policy;

    GoldenFilesTest() throws Exception {
        List<String> keys = Files.readAllLines(FILES.resolve("vkeys"));
        log = VerifierKey.parse(keys.get(0));
        witness = VerifierKey.parse(keys.get(1));
        policy = new TrustPolicy(LEDGER + "/1", Set.of(log), Set.of(witness), 1);
    }

    @Test
    void theArchiveVerifiesAndItsChainToo() throws Exception {
        LogArchive archive = new LogArchive(FILES);
        ChainVerifier chain = ChainVerifier.fromTheBeginning(LEDGER);
        Checkpoint checkpoint = policy.accept(archive.checkpoint());

        archive.verify(
                checkpoint, (index, entry) -> assertThat(chain.accept(entry)).isEmpty());

        assertThat(chain.size()).isEqualTo(checkpoint.size()).isEqualTo(3);
        assertThat(archive.checkpoint().verify(Set.of(witness)).getFirst().time())
                .contains(Instant.parse("2026-03-01T12:00:05Z"));
    }

    @Test
    void aTarFileHasEachFileByItsOwnWidth() throws Exception {
        archive("tile/0/000.p/3", "tile/entries/000.p/3", false);
        assertThatThrownBy(() -> archive("tile/0/000", "tile/entries/000.p/3", true))
                .hasMessage("`tile/0/000.p/3` is missing");
        assertThatThrownBy(() -> archive("tile/0/000.p/3", "tile/entries/000", true))
                .hasMessage("`tile/entries/000.p/3` is missing");
    }

    /** Verifies the same as a tar file, with as many forged elements behind the three of the larger file as it has room for. */
    private void archive(String tile, String entries, boolean forged) throws NotProvenException, IOException {
        Path file = directory.resolve("archive.tar");
        byte[] hashes = Files.readAllBytes(FILES.resolve("tile/0/000.p/3"));
        byte[] frames = Files.readAllBytes(FILES.resolve("tile/entries/000.p/3"));
        int room = forged ? TileTree.TILE_HASHES - 3 : 0;
        try (OutputStream to = Files.newOutputStream(file)) {
            TarWriter tar = new TarWriter(to);
            tar.add("checkpoint", Files.readAllBytes(FILES.resolve("checkpoint")));
            tar.add(tile, tile.contains(".p/") ? hashes : Arrays.copyOf(hashes, hashes.length + room * Sha256.BYTES));
            tar.add(
                    entries,
                    entries.contains(".p/") ? frames : Arrays.copyOf(frames, frames.length + room * Short.BYTES));
            tar.close();
        }
        try (TarFiles files = TarFiles.open(file)) {
            LogArchive archive = new LogArchive(files);
            archive.verify(policy.accept(archive.checkpoint()), (index, entry) -> {});
        }
    }

    @Test
    void theProofVerifiesItsEntryAndNoOther() throws Exception {
        List<byte[]> entries = new ArrayList<>();
        LogArchive archive = new LogArchive(FILES);
        archive.verify(policy.accept(archive.checkpoint()), (index, entry) -> entries.add(entry));
        byte[] file = Files.readAllBytes(FILES.resolve("1.tlog-proof"));
        TlogProof proof = TlogProof.parse(file);

        assertThat(proof.index()).isEqualTo(1);
        assertThat(proof.verify(ChainVerifier.entryHash(entries.get(1)), policy))
                .isEqualTo(policy.accept(archive.checkpoint()));
        assertThat(proof.toString().getBytes(StandardCharsets.UTF_8)).isEqualTo(file);
        for (int other : new int[] {0, 2}) {
            byte[] hash = ChainVerifier.entryHash(entries.get(other));
            assertThatThrownBy(() -> proof.verify(hash, policy)).isInstanceOf(NotProvenException.class);
        }
    }
}

package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.client.ledger.BundleWriter;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.LedgerHead;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.ProvenEntry;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TlogProof;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.audit.Erasable;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.ledger.note.SignatureType;
import dev.assize.server.ledger.note.SigningKey;
import dev.assize.server.testing.SignedLedger;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bundles and proofs as the server's code makes them, before the client's verifier; and those kept in golden files. With
 * {@code -Dassize.test.everyByte=true} each byte is changed in turn, and else some hundreds, each time others.
 */
class LedgerBundleTest {

    private static final Path GOLDEN = Path.of("src", "test", "resources", "ledger");
    private static final boolean EVERY_BYTE = Boolean.getBoolean("assize.test.everyByte");

    @TempDir
    private Path directory;

    @Test
    void theGoldenBundleVerifiesAndIsStillMade() throws Exception {
        Path golden = GOLDEN.resolve("golden-bundle.tar");
        assertThat(SignedLedger.golden().append(3).bundle()).isEqualTo(Files.readAllBytes(golden));
        LedgerBundle.Contents found = verify(golden, goldenKeys(), null);
        assertThat(found.name()).hasToString(SignedLedger.DEPLOYMENT + "/acme/1");
        assertThat(found.checkpoint().size()).isEqualTo(3);
    }

    @Test
    void theGoldenProofVerifiesAndIsStillMade() throws Exception {
        String golden = Files.readString(GOLDEN.resolve("golden.tlog-proof"));
        assertThat(SignedLedger.golden().append(3).proof(1)).hasToString(golden);
        TlogProof proof = TlogProof.parse(golden.getBytes(StandardCharsets.UTF_8));
        byte[] frame = proof.extra().orElseThrow();
        assertThat(ProvenEntry.of(proof, frame, goldenKeys()).frame().seq()).isEqualTo(1);
    }

    /** One bit of each byte, in files that hold nothing which is not verified: there is no harmless one. */
    @Test
    void everyByteOfTheGoldenBundleCounts() throws Exception {
        byte[] golden = Files.readAllBytes(GOLDEN.resolve("golden-bundle.tar"));
        Set<VerifierKey> keys = goldenKeys();
        Path changed = directory.resolve("changed.tar");
        List<Integer> unnoticed = new ArrayList<>();
        long seed = Long.getLong("assize.test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < golden.length; i += EVERY_BYTE ? 1 : random.nextInt(1, 12)) {
            byte[] flipped = golden.clone();
            flipped[i] ^= (byte) (1 << random.nextInt(8));
            Files.write(changed, flipped);
            if (verifies(changed, keys)) {
                unnoticed.add(i);
            }
        }
        assertThat(unnoticed).as("seed %d", seed).isEmpty();
    }

    @Test
    void refusesALedgerThatHasLostAValue() throws Exception {
        SignedLedger ledger = SignedLedger.golden().append(256).appendErasable().append(1);
        assertThat(verify(write(ledger.bundle()), goldenKeys(), null).redacted())
                .isZero();
        ledger.lose(256, Erasable.REASON);
        assertThatThrownBy(ledger::bundle)
                .isInstanceOf(NotProvenException.class)
                .hasMessage("entry 256 has lost the value of field 28, and no entry says that it was erased");
        ledger.appendErasure(256, Erasable.REASON);
        assertThat(verify(write(ledger.bundle()), goldenKeys(), null).redacted())
                .isEqualTo(1);
        ledger.appendErasure(256, Erasable.PAYLOAD);
        assertThatThrownBy(ledger::bundle)
                .hasMessage("entry 259 says that field 30 of entry 256 was erased, and it is not gone");
        ledger.lose(256, Erasable.PAYLOAD);
        assertThat(verify(write(ledger.bundle()), goldenKeys(), null).redacted())
                .isEqualTo(1);
    }

    @Test
    void refusesAPartThatIsNotOfTheLedger() throws Exception {
        SignedLedger ledger = SignedLedger.golden().append(600);
        SignedLedger other = SignedLedger.golden().append(600, "other-");
        byte[] foreign = new TreeHash().leaf(other.frames().get(255));
        assertThatThrownBy(() -> ledger.part(256, 512, foreign))
                .hasMessage("entry 256 does not contain the hash of the entry before it");
        assertThatThrownBy(() -> ledger.part(0, 256, foreign))
                .hasMessage("the part does not begin where the ledger does");
        assertThatThrownBy(() -> ledger.part(1, 256)).hasMessage("no part of a ledger goes from 1 to 256");
    }

    @Test
    void aPartVerifiesByItself() throws Exception {
        SignedLedger ledger = SignedLedger.golden().append(600);
        LedgerBundle.Contents first = verify(write(ledger.part(0, 256)), goldenKeys(), null);
        LedgerBundle.Contents second = verify(write(ledger.part(256, 512)), goldenKeys(), null);
        LedgerBundle.Contents rest = verify(write(ledger.part(512, 600)), goldenKeys(), null);

        assertThat(List.of(first.from(), first.to(), second.from(), second.to(), rest.from(), rest.to()))
                .containsExactly(0L, 256L, 256L, 512L, 512L, 600L);
        assertThat(second.prevHash()).isEqualTo(first.headHash());
        assertThat(rest.prevHash()).isEqualTo(second.headHash());
        assertThat(rest.headHash())
                .isEqualTo(verify(write(ledger.bundle()), goldenKeys(), null).headHash());
        assertThat(rest.isPart()).isTrue();
        SignedNote kept = SignedLedger.golden().append(300).head().checkpoint();
        assertThat(verify(write(ledger.part(256, 512)), goldenKeys(), kept).to())
                .isEqualTo(512);
        assertThatThrownBy(() -> verify(write(ledger.part(0, 256)), goldenKeys(), kept))
                .hasMessageEndingWith("it says nothing of them");
        SignedNote forked = SignedLedger.golden().append(300, "other-").head().checkpoint();
        assertThatThrownBy(() -> verify(write(ledger.part(256, 512)), goldenKeys(), forked))
                .isInstanceOf(NotProvenException.class);
    }

    /** Where the tree before the part has a right edge in more than one level of tiles. */
    @Test
    void aPartVerifiesWhereverItBegins() throws Exception {
        SignedLedger ledger = SignedLedger.golden().append(1_100);
        for (int from = 0; from < 1_024; from += 256) {
            for (int to = from + 256; to <= 1_024; to += 256) {
                assertThat(verify(write(ledger.part(from, to)), goldenKeys(), null)
                                .to())
                        .isEqualTo(to);
            }
        }
    }

    @Test
    void everyByteOfAPartCounts() throws Exception {
        byte[] part = SignedLedger.golden().append(600).part(256, 512);
        Path changed = directory.resolve("changed.tar");
        List<Integer> unnoticed = new ArrayList<>();
        long seed = Long.getLong("assize.test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        int apart = EVERY_BYTE ? 1 : 2 * part.length / 200;
        for (int i = 0; i < part.length; i += 1 + random.nextInt(apart)) {
            byte[] flipped = part.clone();
            flipped[i] ^= (byte) (1 << random.nextInt(8));
            Files.write(changed, flipped);
            if (verifies(changed, goldenKeys())) {
                unnoticed.add(i);
            }
        }
        assertThat(unnoticed).as("seed %d", seed).isEmpty();
    }

    @Test
    void aPartSaysOfWhichEntriesValuesAreGone() throws Exception {
        SignedLedger ledger = SignedLedger.golden().append(255).appendErasable().append(1);
        ledger.lose(255, Erasable.REASON).appendErasure(255, Erasable.REASON);
        LedgerBundle.Contents found = verify(write(ledger.part(0, 256)), goldenKeys(), null);
        assertThat(found.missing()).isEqualTo(1);
        assertThat(found.redacted()).isZero();
    }

    @Test
    void everyByteBesideTheEntriesCounts() throws Exception {
        byte[] bundle = SignedLedger.golden().appendErasable().bundle();
        int from = indexOf(bundle, "payload/000.jsonl".getBytes(StandardCharsets.UTF_8));
        Path changed = directory.resolve("changed.tar");
        List<Integer> unnoticed = new ArrayList<>();
        long seed = Long.getLong("assize.test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = from; i < from + 1_024; i += EVERY_BYTE ? 1 : random.nextInt(1, 8)) {
            byte[] flipped = bundle.clone();
            flipped[i] ^= (byte) (1 << i % Byte.SIZE);
            Files.write(changed, flipped);
            if (verifies(changed, goldenKeys())) {
                unnoticed.add(i);
            }
        }
        assertThat(unnoticed).as("seed %d", seed).isEmpty();
        assertThat(verify(write(bundle), goldenKeys(), null).redacted()).isZero();
    }

    @Test
    void everyByteOfTheGoldenProofCounts() throws Exception {
        byte[] golden = Files.readAllBytes(GOLDEN.resolve("golden.tlog-proof"));
        Set<VerifierKey> keys = goldenKeys();
        SplittableRandom random = new SplittableRandom(12);
        for (int i = 0; i < golden.length; i++) {
            byte[] flipped = golden.clone();
            flipped[i] ^= (byte) (1 << random.nextInt(8));
            assertThatThrownBy(() -> {
                        TlogProof proof = TlogProof.parse(flipped);
                        ProvenEntry _ = ProvenEntry.of(proof, proof.extra().orElse(new byte[1]), keys);
                    })
                    .as("byte %s", i)
                    .isInstanceOf(NotProvenException.class);
        }
    }

    @Test
    void verifiesLedgersOfAnySize() throws Exception {
        for (int size : new int[] {0, 1, 255, 256, 257, 600}) {
            SignedLedger ledger = SignedLedger.golden().append(size);
            Path bundle = write(ledger.bundle());
            assertThat(verify(bundle, goldenKeys(), null).checkpoint().size()).isEqualTo(size);
            assertThat(verify(bundle, goldenKeys(), ledger.head().checkpoint())
                            .checkpoint()
                            .size())
                    .isEqualTo(size);
        }
    }

    @Test
    void verifiesItUnpackedToo() throws Exception {
        Path bundle = write(SignedLedger.golden().append(300).bundle());
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));
        tar("xf", bundle.toString(), "-C", unpacked.toString());

        verify(unpacked, goldenKeys(), null);
        assertThat(strangersProgram(unpacked)).contains("300");

        Files.writeString(unpacked.resolve("note"), "not of the bundle");
        verify(unpacked, goldenKeys(), null);
        Path tile = unpacked.resolve("tile/1/000.p/1");
        byte[] hashes = Files.readAllBytes(tile);
        hashes[0] ^= 1;
        Files.write(tile, hashes);
        assertThatThrownBy(() -> verify(unpacked, goldenKeys(), null))
                .hasMessage("tile 0 of level 1 is not that of the entries");
    }

    /** Another program has more to say in a header, and nobody could verify it. */
    @Test
    void isNotPackedAgain() throws Exception {
        Path bundle = write(SignedLedger.golden().append(3).bundle());
        Path unpacked = Files.createDirectory(directory.resolve("unpacked"));
        Path again = directory.resolve("again.tar");
        tar("xf", bundle.toString(), "-C", unpacked.toString());
        tar("cf", again.toString(), "--format=ustar", "-C", unpacked.toString(), "checkpoint", "vkeys");
        assertThatThrownBy(() -> verify(again, goldenKeys(), null))
                .hasMessage("`checkpoint` is no plain file, or its header says more than its name and its size");
    }

    private static void tar(String... arguments) throws Exception {
        Process tar = new ProcessBuilder(
                        Stream.concat(Stream.of("tar"), Stream.of(arguments)).toList())
                .redirectErrorStream(true)
                .start();
        assertThat(tar.waitFor()).isZero();
    }

    @Test
    void namesTheEntryThatWasChanged() throws Exception {
        byte[] tar = SignedLedger.golden().append(300).bundle();
        byte[] frame = SignedLedger.golden().append(300).frames().get(271);
        int at = indexOf(tar, frame);
        tar[at + frame.length - 1] ^= 1;

        assertThatThrownBy(() -> verify(write(tar), goldenKeys(), null))
                .isInstanceOfSatisfying(
                        NotProvenException.class,
                        refused -> assertThat(refused.seq()).hasValue(271))
                .hasMessage("entry 271 has another hash than its tile says");
    }

    @Test
    void refusesTheKeysOfOthers() throws Exception {
        Path bundle = write(SignedLedger.golden().append(3).bundle());
        SigningKey other = SigningKey.generate(SignedLedger.DEPLOYMENT, SignatureType.NOTE);
        assertThatThrownBy(() -> verify(bundle, Set.of(key(other)), null))
                .isInstanceOf(NotProvenException.class)
                .hasMessage("no signature of a known key");
        // A key that is trusted for its own ledgers says nothing of this one.
        SigningKey neighbour =
                SigningKey.generate("assize.example.com/ffeeddccbbaa99887766554433221100", SignatureType.NOTE);
        SignedLedger forged = new SignedLedger("acme", neighbour).append(3);
        assertThatThrownBy(() -> forged.head().verify(Set.of(key(neighbour))))
                .isInstanceOf(NotProvenException.class)
                .hasMessageContaining("signed by a key of another deployment");
    }

    @Test
    void holdsItToACheckpointThatWasKept() throws Exception {
        SignedNote at5 = SignedLedger.golden().append(5).head().checkpoint();
        SignedNote at400 = SignedLedger.golden().append(400).head().checkpoint();
        Path at300 = write(SignedLedger.golden().append(300).bundle());

        verify(at300, goldenKeys(), at5);
        assertThatThrownBy(() -> verify(at300, goldenKeys(), at400))
                .isInstanceOf(NotProvenException.class)
                .hasMessageContaining("is of 400 entries, and here are 300");

        // Rewritten with the key: everything fits, but for what was kept.
        Path rewritten =
                write(SignedLedger.golden().append(4).append(296, "other-").bundle());
        verify(rewritten, goldenKeys(), null);
        assertThatThrownBy(() -> verify(rewritten, goldenKeys(), at5))
                .isInstanceOf(NotProvenException.class)
                .hasMessageContaining("the first 5 entries are not those that were signed");
        SignedNote other = new SignedLedger("partner", SignedLedger.GOLDEN_KEY)
                .append(5)
                .head()
                .checkpoint();
        assertThatThrownBy(() -> verify(at300, goldenKeys(), other))
                .isInstanceOf(NotProvenException.class)
                .hasMessageContaining("the checkpoint that was kept is of `" + SignedLedger.DEPLOYMENT + "/partner`");
    }

    @Test
    void provesWhatAnIncarnationHasLost() throws Exception {
        SignedLedger before = SignedLedger.golden().append(10);
        SignedNote kept = before.head().checkpoint();
        SignedNote earlier = SignedLedger.golden().append(6).head().checkpoint();
        SignedLedger after = before.continuedAt(7);

        Path shorter = write(after.append(2).bundle());
        verify(shorter, goldenKeys(), earlier);
        assertLost(shorter, kept);
        Path longer = write(after.append(10).bundle());
        verify(longer, goldenKeys(), earlier);
        assertLost(longer, kept);
        assertThatThrownBy(() -> verify(
                        write(before.bundle()), goldenKeys(), after.head().checkpoint()))
                .hasMessageContaining("of an earlier one");
    }

    private static void assertLost(Path bundle, SignedNote kept) {
        assertThatThrownBy(() -> verify(bundle, goldenKeys(), kept))
                .isInstanceOfSatisfying(
                        NotProvenException.class,
                        refused -> assertThat(refused.seq()).hasValue(7))
                .hasMessage("entries from 7 to 9 were signed and are lost: incarnation 2 of the ledger goes on in their"
                        + " place");
    }

    @Test
    void writesNothingThatDoesNotHold() throws Exception {
        SignedLedger ledger = SignedLedger.golden().append(3);
        LedgerHead head = ledger.head();
        List<byte[]> frames = ledger.frames();
        assertThatThrownBy(() -> write(head, frames.subList(0, 2)))
                .hasMessage("the checkpoint has 3 entries, and here are 2");
        assertThatThrownBy(() -> write(head, List.of(frames.get(0), frames.get(2))))
                .hasMessageContaining("entry 1 is missing");
        List<byte[]> more = SignedLedger.golden().append(4).frames();
        assertThatThrownBy(() -> write(head, more)).hasMessage("the checkpoint has no entry 3");
        byte[] last = frames.get(2).clone();
        last[last.length - 1] = '9';
        assertThatThrownBy(() -> write(head, List.of(frames.get(0), frames.get(1), last)))
                .hasMessage("the entries have another root than the checkpoint");
    }

    /** What a program that was written from the page on the format alone says of an archive. */
    private static String strangersProgram(Path archive) throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "needs Python");
        Process python = new ProcessBuilder(
                        "/usr/bin/python3",
                        GOLDEN.resolve("verify_log.py").toString(),
                        "archive",
                        SignedLedger.DEPLOYMENT + "/acme/1",
                        SignedLedger.golden().verifierKey().toString(),
                        archive.toString())
                .start();
        String said = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(python.waitFor()).isZero();
        return said;
    }

    private static void write(LedgerHead head, List<byte[]> frames) throws NotProvenException, IOException {
        BundleWriter bundle = new BundleWriter(head, goldenKeys(), new ByteArrayOutputStream());
        for (byte[] frame : frames) {
            bundle.add(frame);
        }
        bundle.finish();
    }

    private Path write(byte[] tar) throws IOException {
        return Files.write(Files.createTempFile(directory, "bundle", ".tar"), tar);
    }

    private static LedgerBundle.Contents verify(Path bundle, Set<VerifierKey> keys, @Nullable SignedNote kept)
            throws NotProvenException, IOException {
        try (LedgerBundle open = LedgerBundle.open(bundle)) {
            return open.verify(keys, kept, (_, _) -> {});
        }
    }

    private static boolean verifies(Path bundle, Set<VerifierKey> keys) throws IOException {
        try {
            verify(bundle, keys, null);
            return true;
        } catch (NotProvenException found) {
            return false;
        }
    }

    private static Set<VerifierKey> goldenKeys() throws NotProvenException {
        return Set.of(SignedLedger.golden().verifierKey());
    }

    private static VerifierKey key(SigningKey key) throws NotProvenException {
        return VerifierKey.parse(key.verifierKey().toString());
    }

    private static int indexOf(byte[] bytes, byte[] part) {
        for (int i = 0; i + part.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
                return i;
            }
        }
        throw new AssertionError("not there");
    }
}

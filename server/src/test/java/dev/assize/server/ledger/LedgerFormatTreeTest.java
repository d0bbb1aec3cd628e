package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.LogArchive;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TlogProof;
import dev.assize.client.ledger.TrustPolicy;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.ledger.merkle.EntryBundle;
import dev.assize.server.ledger.merkle.GrownTree;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.ledger.note.NoteSigner;
import dev.assize.server.ledger.note.SigningKey;
import dev.assize.server.model.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Holds what `docs/ledger-format.md` says of the tree, of checkpoints and of archives to what the code does. */
class LedgerFormatTreeTest {

    private static final Path PAGE = Path.of("..", "docs", "ledger-format.md");
    private static final Pattern FRAME = Pattern.compile("(?m)^frame:\n([0-9a-f\n]+)\nentry_hash: (\\S+)$");
    private static final Pattern ROOT = Pattern.compile("(?m)^root of size (\\d): (\\S+)$");
    private static final Pattern LARGER_ROOT = Pattern.compile("(?m)^\\| (\\d+) \\| `([0-9a-f]{64})` \\|$");
    private static final Pattern STANDS = Pattern.compile("(?m)^entry (\\d) stands in size (\\d):\n([0-9a-f\n]+)\n\n");
    private static final Pattern CONTINUES =
            Pattern.compile("(?m)^size (\\d) continues size (\\d):\n([0-9a-f\n]+)\n(?:\n|```)");
    private static final Pattern KEY = Pattern.compile("(?m)^(\\S+)\\+([0-9a-f]{8})\\+(A[QR]\\S+|B\\S+)$");
    private static final Pattern CHECKPOINT =
            Pattern.compile("```text\n(assize\\.example\\.com/\\S+/acme/1\n\\d\n\\S+\n\n(?:— \\S+ \\S+\n)+)```");
    private static final Pattern PROOF = Pattern.compile("```text\n(c2sp\\.org/tlog-proof@v1\nindex \\d\n[^`]+)```");
    private static final Pattern BUNDLE = Pattern.compile("(\\d+) bytes with the SHA-256\n`([0-9a-f]{64})`");
    private static final long WITNESSED = Instant.parse("2026-03-01T12:00:05Z").getEpochSecond();

    @TempDir
    private Path directory;

    private final String page = read();
    private final List<byte[]> frames =
            results(FRAME).map(match -> bytes(match.group(1).replace("\n", ""))).toList();
    private final GrownTree tree = new GrownTree();
    private final Prover prover = new Prover(tree);
    private final GrownTree larger = new GrownTree();
    private final String note = only(CHECKPOINT).group(1);
    private final String proof = only(PROOF).group(1) + "\n" + note;
    private final List<String> keys = results(KEY).map(MatchResult::group).toList();
    private final String origin = note.substring(0, note.indexOf('\n'));

    @BeforeEach
    void grow() {
        tree.grow(results(FRAME).map(match -> bytes(match.group(2))).toList());
        larger.grow(IntStream.range(0, 70_000)
                .mapToObj(n -> new TreeHash().leaf(Integer.toString(n).getBytes(StandardCharsets.US_ASCII)))
                .toList());
    }

    @Test
    void givesTheRootsOfTheTree() {
        assertThat(results(ROOT).toList())
                .hasSize(4)
                .allSatisfy(row -> assertThat(row.group(2)).isEqualTo(hex(prover.root(Long.parseLong(row.group(1))))));
        assertThat(results(LARGER_ROOT).toList())
                .hasSize(11)
                .allSatisfy(row ->
                        assertThat(row.group(2)).isEqualTo(hex(new Prover(larger).root(Long.parseLong(row.group(1))))));
    }

    @Test
    void givesTheProofsOfTheTree() {
        List<MatchResult> stands = results(STANDS).toList();
        assertThat(stands).hasSize(2);
        for (MatchResult row : stands) {
            int size = Integer.parseInt(row.group(2));
            assertThat(row.group(3)).isEqualTo(lines(proverOf(size).inclusion(Long.parseLong(row.group(1)), size)));
        }
        List<MatchResult> continues = results(CONTINUES).toList();
        assertThat(continues).hasSize(3);
        for (MatchResult row : continues) {
            int size = Integer.parseInt(row.group(1));
            assertThat(row.group(3)).isEqualTo(lines(proverOf(size).consistency(Long.parseLong(row.group(2)), size)));
        }
    }

    @Test
    void givesTheCheckpointThatTheServerSigns() {
        SigningKey signer = signingKey(keys.get(0), 0x01, 0x00);
        SigningKey witness = signingKey(keys.get(1), 0x04, 0x20);
        CheckpointText checkpoint = new CheckpointText(origin, 3, prover.root(3));

        assertThat(signer).hasToString(keys.get(0));
        assertThat(witness).hasToString(keys.get(1));
        assertThat(note)
                .isEqualTo(new NoteSigner(signer).sign(checkpoint.text())
                        + new NoteSigner(witness).cosign(checkpoint, WITNESSED));
    }

    @Test
    void givesAProofThatTheIndependentVerifierAccepts() throws Exception {
        VerifierKey log = VerifierKey.parse(keys.get(0));
        VerifierKey witness = VerifierKey.parse(keys.get(1));
        TrustPolicy policy = new TrustPolicy(origin, Set.of(log), Set.of(witness), 1);

        TlogProof parsed = TlogProof.parse(utf8(proof));
        assertThat(parsed.verify(tree.leafHashes(3).get(1), policy).size()).isEqualTo(3);
        assertThat(parsed.index()).isEqualTo(1);
        assertThat(SignedNote.parse(utf8(note))
                        .verify(Set.of(witness))
                        .getFirst()
                        .time())
                .contains(Instant.ofEpochSecond(WITNESSED));
    }

    @Test
    void givesTheFilesOfTheArchive() throws Exception {
        MatchResult bundle = only(BUNDLE);
        byte[] written = EntryBundle.of(frames);
        assertThat(written).hasSize(Integer.parseInt(bundle.group(1)));
        assertThat(Digest.sha256(written)).hasToString(bundle.group(2));
        assertThat(page).contains("`" + new TileId(0, 0, 3).path() + "`", "`" + TileId.entriesPath(0, 3) + "`");

        write(directory);
        Checkpoint checkpoint = Checkpoint.parse(SignedNote.parse(utf8(note)).text());
        List<byte[]> read = new ArrayList<>();
        new LogArchive(directory).verify(checkpoint, (index, entry) -> read.add(entry));
        assertThat(read).zipSatisfy(frames, (found, frame) -> assertThat(found).isEqualTo(frame));
    }

    /** A third reading of the page, in another language. */
    @Test
    @Timeout(60)
    void letsAPythonProgramVerifyProofsAndArchives() throws Exception {
        assumeTrue(hasPython(), "python3 is not installed");
        Path file = Files.writeString(directory.resolve("1.tlog-proof"), proof);
        String frame = hex(frames.get(1));
        assertThat(python(frame, "proof", origin, keys.get(0), file.toString())).isEqualTo("entry 1 of 3");
        assertThat(python(frame, "proof", origin, keys.get(1), file.toString())).isEqualTo("entry 1 of 3");
        assertThat(python(frame, "proof", origin + "1", keys.get(0), file.toString()))
                .isEmpty();
        assertThat(python(hex(frames.get(2)), "proof", origin, keys.get(0), file.toString()))
                .isEmpty();
        Files.writeString(file, proof.replace("index 1", "index 0"));
        assertThat(python(frame, "proof", origin, keys.get(0), file.toString())).isEmpty();
        Files.writeString(file, proof.replace("\n3\n", "\n4\n"));
        assertThat(python(frame, "proof", origin, keys.get(0), file.toString())).isEmpty();

        List<byte[]> path = new Prover(larger).consistency(300, 70_000);
        String[] sizes = {
            "continues", "300", hex(new Prover(larger).root(300)), "70000", hex(new Prover(larger).root(70_000))
        };
        assertThat(python(lines(path), sizes)).isEqualTo("70000 continues 300");
        assertThat(python(lines(path.reversed()), sizes)).isEmpty();

        write(directory);
        String checkpoint = directory.resolve("checkpoint").toString();
        assertThat(python("", "witnessed", origin, keys.get(1), checkpoint)).isEqualTo("at " + WITNESSED);
        assertThat(python("", "archive", origin, keys.get(0), directory.toString()))
                .isEqualTo("3 entries");
        Path tile = directory.resolve("tile/0/000.p/3");
        byte[] changed = Files.readAllBytes(tile);
        changed[40] ^= 1;
        Files.write(tile, changed);
        assertThat(python("", "archive", origin, keys.get(0), directory.toString()))
                .isEmpty();
    }

    private void write(Path archive) throws IOException {
        TileId tile = new TileId(0, 0, 3);
        Files.writeString(archive.resolve("checkpoint"), note);
        Path hashes = archive.resolve(tile.path());
        Files.createDirectories(hashes.getParent());
        Files.write(hashes, tree.read(List.of(tile)).getFirst());
        Path entries = archive.resolve(TileId.entriesPath(0, 3));
        Files.createDirectories(entries.getParent());
        Files.write(entries, EntryBundle.of(frames));
    }

    private Prover proverOf(int size) {
        return size == 3 ? prover : new Prover(larger);
    }

    private static SigningKey signingKey(String verifierKey, int type, int firstByteOfSeed) {
        byte[] typed = new byte[33];
        typed[0] = (byte) type;
        for (int i = 1; i < typed.length; i++) {
            typed[i] = (byte) (firstByteOfSeed + i - 1);
        }
        String nameAndId = verifierKey.substring(0, verifierKey.indexOf('+', verifierKey.indexOf('+') + 1));
        return SigningKey.parse(
                "PRIVATE+KEY+" + nameAndId + "+" + Base64.getEncoder().encodeToString(typed));
    }

    private static boolean hasPython() throws InterruptedException {
        try {
            return new ProcessBuilder("python3", "--version").start().waitFor(20, TimeUnit.SECONDS);
        } catch (IOException e) {
            return false;
        }
    }

    /** What the program printed: what was proven, or nothing where it refused. */
    private String python(String input, String... arguments) throws IOException, InterruptedException {
        Path standardInput = Files.writeString(directory.resolve("input"), input);
        String script =
                Path.of("src", "test", "resources", "ledger", "verify_log.py").toString();
        Process process = new ProcessBuilder(Stream.concat(Stream.of("python3", script), Stream.of(arguments))
                        .toList())
                .redirectInput(standardInput.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return output;
    }

    private MatchResult only(Pattern pattern) {
        List<MatchResult> found = results(pattern).toList();
        assertThat(found).as(pattern.pattern()).hasSize(1);
        return found.getFirst();
    }

    private Stream<MatchResult> results(Pattern pattern) {
        return pattern.matcher(page).results();
    }

    private static String lines(List<byte[]> hashes) {
        return String.join("\n", hashes.stream().map(LedgerFormatTreeTest::hex).toList());
    }

    private static String read() {
        try {
            return Files.readString(PAGE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}

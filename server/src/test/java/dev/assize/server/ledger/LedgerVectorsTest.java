package dev.assize.server.ledger;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.testing.SignedLedger;
import dev.assize.server.testing.forge.ForgedBundle;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Makes the vectors in {@code docs/vectors/ledger} anew, from the recipes in them, and compares; and verifies them with the Java
 * client. The clients of other languages do that in tests of their own. With {@code -Dassize.vectors.write=true} the files are
 * written; with {@code -Dassize.test.everyByte=true} each byte of a tar file is changed in turn, and else one in four, each time
 * others.
 */
class LedgerVectorsTest {

    private static final Path VECTORS = Path.of("..", "docs", "vectors", "ledger");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final boolean EVERY_BYTE = Boolean.getBoolean("assize.test.everyByte");

    @TempDir
    private Path directory;

    static Stream<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(VECTORS)) {
            return files.filter(it -> it.toString().endsWith(".json")).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void areMadeAsTheirRecipesSay(Path file) throws Exception {
        JsonNode vectors = JSON.readTree(file.toFile());
        JsonNode anew = vectors.deepCopy();
        boolean asTar = file.endsWith("tars.json");
        for (JsonNode vector : anew) {
            make((ObjectNode) vector, asTar);
        }
        if (Boolean.getBoolean("assize.vectors.write")) {
            Files.writeString(file, written(anew));
        }
        assertThat(Files.readString(file)).isEqualTo(written(anew));
    }

    @ParameterizedTest
    @MethodSource("files")
    void areVerifiedAsTheySay(Path file) throws Exception {
        for (JsonNode vector : JSON.readTree(file.toFile())) {
            assertThat(verdict(vector, place(vector)))
                    .as(vector.get("name").asText())
                    .isEqualTo(vector.get("expect"));
        }
    }

    @Test
    void noByteOfATarFileMayChange() throws Exception {
        for (JsonNode vector : JSON.readTree(VECTORS.resolve("tars.json").toFile())) {
            // LedgerBundleTest does it with the golden one, which has no recipe.
            byte[] tar = vector.has("made") ? vector.get("tar").binaryValue() : new byte[0];
            Path changed = directory.resolve("changed.tar");
            List<Integer> unnoticed = new ArrayList<>();
            SplittableRandom random = new SplittableRandom();
            for (int i = 0; i < tar.length; i += EVERY_BYTE ? 1 : random.nextInt(1, 32)) {
                byte[] flipped = tar.clone();
                flipped[i] ^= (byte) (1 << i % Byte.SIZE);
                Files.write(changed, flipped);
                if (verdict(vector, changed).get("valid").asBoolean()) {
                    unnoticed.add(i);
                }
            }
            assertThat(unnoticed).isEmpty();
        }
    }

    private Path place(JsonNode vector) throws IOException {
        Path place = directory.resolve(vector.get("name").asText().replaceAll("\\W", "-"));
        if (vector.has("tar")) {
            return Files.write(place, vector.get("tar").binaryValue());
        }
        for (Map.Entry<String, JsonNode> file : vector.get("files").properties()) {
            Path path = place.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            JsonNode content = file.getValue();
            Files.write(
                    path,
                    content.isTextual()
                            ? content.asText().getBytes(UTF_8)
                            : content.get("base64").binaryValue());
        }
        return place;
    }

    private static JsonNode verdict(JsonNode vector, Path bundle) throws IOException {
        ObjectNode verdict = JSON.createObjectNode();
        try (LedgerBundle opened = LedgerBundle.open(bundle)) {
            Set<VerifierKey> trusted = new HashSet<>();
            for (JsonNode key : vector.get("trusted")) {
                trusted.add(VerifierKey.parse(key.asText()));
            }
            SignedNote kept = vector.has("kept")
                    ? SignedNote.parse(vector.get("kept").asText().getBytes(UTF_8))
                    : null;
            LedgerBundle.Contents found = opened.verify(trusted, kept, (_, _) -> {});
            // As numbers are read back.
            return verdict.put("valid", true)
                    .put("treeSize", (int) found.checkpoint().size())
                    .put("redacted", (int) found.redacted());
        } catch (NotProvenException refused) {
            verdict.put("valid", false);
            return refused.seq().isPresent()
                    ? verdict.put("firstBad", (int) refused.seq().getAsLong())
                    : verdict.putNull("firstBad");
        }
    }

    private static void make(ObjectNode vector, boolean asTar) throws Exception {
        ForgedBundle bundle =
                new ForgedBundle(vector.has("made") ? vector.get("made") : JSON.readTree("{\"ledger\":[]}"));
        Map<String, String> verifiers = bundle.verifierKeys();
        var trusted = vector.putArray("trusted");
        vector.get("keys").forEach(name -> trusted.add(verifiers.get(name.asText())));
        if (bundle.kept() != null) {
            vector.put("kept", bundle.kept());
        }
        if (asTar) {
            byte[] tar = vector.has("made")
                    ? bundle.tar()
                    : SignedLedger.golden().append(3).bundle();
            vector.put("tar", base64(tar));
        } else {
            ObjectNode files = vector.putObject("files");
            bundle.files().forEach((name, content) -> put(files, name, content));
        }
        vector.set("expect", vector.remove("expect"));
    }

    /** Text as it is, other bytes in base64. */
    private static void put(ObjectNode files, String name, byte[] content) {
        boolean isText = List.of("checkpoint", "vkeys", "part", "meta-checkpoint.tlog-proof")
                        .contains(name)
                || name.startsWith("payload/");
        if (isText && isUtf8(content)) {
            files.put(name, new String(content, UTF_8));
        } else {
            files.putObject(name).put("base64", base64(content));
        }
    }

    private static boolean isUtf8(byte[] content) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).hasRemaining() || content.length == 0;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static String written(JsonNode vectors) throws IOException {
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
        printer.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
        return JSON.writer(printer).writeValueAsString(vectors) + "\n";
    }
}

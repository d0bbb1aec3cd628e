package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.server.ledger.note.SignatureType;
import dev.assize.server.ledger.note.SigningKey;
import dev.assize.server.testing.SignedLedger;
import dev.assize.server.testing.forge.ForgedBundle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A bundle of a ledger that nobody serves, which all adapters verify.
 *
 * @param files by their names; the one without a name is the tar file
 * @param variables of the case, by which its keys are named
 */
record MadeBundle(Map<String, byte[]> files, Map<String, String> variables) {

    private static final String TAR = "";

    /** As a step wishes it: of a recipe, or a plain one, perhaps with one thing changed. */
    static MadeBundle of(JsonNode wanted) {
        try {
            return wanted.has("ledger") ? forged(wanted) : signed(wanted);
        } catch (IOException | NotProvenException e) {
            throw new IllegalStateException(e);
        }
    }

    private static MadeBundle forged(JsonNode recipe) throws IOException {
        ForgedBundle bundle = new ForgedBundle(recipe);
        Map<String, String> variables = new HashMap<>();
        bundle.verifierKeys().forEach((name, key) -> variables.put(name + "Vkey", key));
        if (bundle.kept() != null) {
            variables.put("kept", bundle.kept().replace("\n", "\\n"));
        }
        return new MadeBundle(recipe.has("unpacked") ? bundle.files() : Map.of(TAR, bundle.tar()), variables);
    }

    private static MadeBundle signed(JsonNode wanted) throws IOException, NotProvenException {
        SignedLedger ledger =
                SignedLedger.golden().append(wanted.path("entries").asInt(3));
        if (wanted.path("erasable").asBoolean()) {
            ledger.appendErasable();
        }
        JsonNode part = wanted.path("part");
        byte[] bytes =
                part.isArray() ? ledger.part(part.get(0).asInt(), part.get(1).asInt()) : ledger.bundle();
        SigningKey other = SigningKey.generate(SignedLedger.DEPLOYMENT, SignatureType.NOTE);
        return new MadeBundle(
                Map.of(TAR, tampered(bytes, wanted.path("tamper"))),
                Map.of(
                        "vkey",
                        ledger.verifierKey().toString(),
                        "otherVkey",
                        other.verifierKey().toString()));
    }

    /** Whether it is one file. */
    boolean isTar() {
        return files.containsKey(TAR);
    }

    byte[] tar() {
        return files.getOrDefault(TAR, new byte[0]);
    }

    private static byte[] tampered(byte[] bytes, JsonNode how) {
        byte[] copy = how.has("cutBytes")
                ? Arrays.copyOf(bytes, bytes.length - how.get("cutBytes").asInt())
                : bytes.clone();
        if (how.has("flipAfter")) {
            copy[
                    indexOf(copy, how.get("flipAfter").asText())
                            + how.path("offset").asInt()] ^= 1;
        }
        return copy;
    }

    private static int indexOf(byte[] bytes, String text) {
        int index = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
        if (index < 0) {
            throw new IllegalArgumentException("`" + text + "` is not in the bundle");
        }
        return index + text.length();
    }
}

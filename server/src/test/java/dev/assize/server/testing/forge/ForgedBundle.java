package dev.assize.server.testing.forge;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.server.ledger.merkle.GrownTree;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TreeHash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A bundle as a recipe in JSON describes it; {@code client-sdk/conformance/README.md} says how. */
public final class ForgedBundle {

    private static final String DEPLOYMENT = "assize.example.com/00112233445566778899aabbccddeeff";
    private static final int NOTE = 1;
    private static final int WITNESS = 4;

    private final String deployment;
    private final Map<String, ForgedKey> keys = new LinkedHashMap<>();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final JsonNode recipe;
    private final @Nullable String kept;

    public ForgedBundle(JsonNode recipe) {
        this.recipe = recipe;
        this.deployment = recipe.path("deployment").asText(DEPLOYMENT);
        keys.put("log", new ForgedKey(deployment, NOTE, 0x00));
        keys.put("witness", new ForgedKey("witness.example.com", WITNESS, 0x20));
        keys.put("retired", new ForgedKey(deployment, NOTE, 0x40));
        keys.put("namesake", new ForgedKey(deployment, WITNESS, 0x60));
        keys.put("stranger", new ForgedKey("stranger.example.com", NOTE, 0x80));
        ForgedLedger ledger = ledger(recipe);
        addHead(ledger);
        addEntries(ledger);
        recipe.path("change").forEach(this::change);
        this.kept = recipe.has("kept") ? kept(recipe.get("kept"), ledger) : null;
    }

    /** By their names, each once. */
    public Map<String, byte[]> files() {
        return files;
    }

    public byte[] tar() {
        return ForgedTar.of(files, recipe);
    }

    /** Verifier keys by whose they are: log, retired, witness, namesake (a witness of the log's name), stranger. */
    public Map<String, String> verifierKeys() {
        Map<String, String> verifiers = new LinkedHashMap<>();
        keys.forEach((name, key) -> verifiers.put(name, key.verifier()));
        return verifiers;
    }

    /** The checkpoint that was kept, if the recipe has one. */
    public @Nullable String kept() {
        return kept;
    }

    private ForgedLedger ledger(JsonNode of) {
        return new ForgedLedger(deployment + "/" + tenant(of), of.path("ledger"));
    }

    private String tenant(JsonNode of) {
        return of.path("tenant").asText(recipe.path("tenant").asText("acme"));
    }

    private void addHead(ForgedLedger ledger) {
        String text = checkpoint(recipe, recipe.path("checkpoint"), ledger);
        files.put("checkpoint", note(text, recipe.path("checkpoint")).getBytes(UTF_8));
        files.put(
                "meta-checkpoint.tlog-proof", place(text, recipe.path("heads")).getBytes(UTF_8));
        StringBuilder verifiers = new StringBuilder();
        names(recipe.path("vkeys"))
                .forEach(name -> verifiers.append(key(name).verifier()).append('\n'));
        files.put("vkeys", verifiers.toString().getBytes(UTF_8));
    }

    private void addEntries(ForgedLedger ledger) {
        JsonNode part = recipe.path("part");
        int from = part.path(0).asInt(0);
        int to = part.path(1).asInt(ledger.size());
        if (part.isArray()) {
            files.put("part", ledger.part(from, to));
        }
        ledger.addTo(files, from, to);
    }

    /** The three lines, perhaps more. */
    private String checkpoint(JsonNode of, JsonNode wanted, ForgedLedger ledger) {
        int size = wanted.path("size").asInt(ledger.size());
        byte[] root = wanted.has("root")
                ? HexFormat.of().parseHex(wanted.get("root").asText())
                : ledger.root(Math.min(size, ledger.size()));
        return deployment + "/" + tenant(of) + "/" + wanted.path("incarnation").asText("" + ledger.incarnation()) + "\n"
                + size + "\n" + ForgedKey.base64(root) + "\n"
                + wanted.path("more").asText();
    }

    private String kept(JsonNode wanted, ForgedLedger ledger) {
        return note(checkpoint(wanted, wanted, wanted.has("ledger") ? ledger(wanted) : ledger), wanted);
    }

    private String note(String text, JsonNode wanted) {
        StringBuilder note = new StringBuilder(text + "\n");
        names(wanted.path("signatures")).forEach(name -> note.append(line(name, text)));
        return note + wanted.path("lines").asText();
    }

    /** A name with {@code false-} before it has signed another text. */
    private String line(String name, String text) {
        return name.startsWith("false-")
                ? key(name.substring("false-".length())).line("other\n" + text)
                : key(name).line(text);
    }

    private ForgedKey key(String name) {
        ForgedKey key = keys.get(name);
        if (key == null) {
            throw new IllegalArgumentException("no key `" + name + "`: " + keys.keySet());
        }
        return key;
    }

    private static List<String> names(JsonNode wanted) {
        List<String> names = new ArrayList<>();
        wanted.forEach(name -> names.add(name.asText()));
        return wanted.isArray() ? names : List.of("log");
    }

    /** In a log of heads with as many leaves before it and one behind. */
    private String place(String text, JsonNode wanted) {
        int index = wanted.path("before").asInt(1);
        List<byte[]> leaves = new ArrayList<>();
        for (int i = 0; i < index; i++) {
            leaves.add(new TreeHash().leaf(("head " + i + "\n").getBytes(UTF_8)));
        }
        leaves.add(new TreeHash().leaf(wanted.path("leaf").asText(text).getBytes(UTF_8)));
        leaves.add(new TreeHash().leaf("another\n".getBytes(UTF_8)));
        GrownTree heads = new GrownTree();
        heads.grow(leaves);
        Prover prover = new Prover(heads);
        StringBuilder proof = new StringBuilder(
                "c2sp.org/tlog-proof@v1\n" + wanted.path("extra").asText());
        proof.append("index ").append(index).append('\n');
        prover.inclusion(index, leaves.size())
                .forEach(hash -> proof.append(ForgedKey.base64(hash)).append('\n'));
        String log = wanted.path("deployment").asText(deployment) + "/"
                + wanted.path("tenant").asText("~meta") + "/"
                + wanted.path("incarnation").asText("1");
        String signed = log + "\n" + leaves.size() + "\n" + ForgedKey.base64(prover.root(leaves.size())) + "\n"
                + wanted.path("more").asText();
        return proof + "\n" + note(signed, wanted);
    }

    /** What is done to the files when all is signed. */
    private void change(JsonNode change) {
        String what = change.fieldNames().next();
        String name = change.get(what).asText();
        switch (what) {
            case "remove" -> file(name, files.remove(name));
            case "rename" -> files.put(change.get("to").asText(), file(name, files.remove(name)));
            case "put" -> files.put(name, bytes(change));
            case "append" -> files.put(name, joined(file(name, files.get(name)), bytes(change), times(change)));
            case "replace" -> files.put(name, replaced(new String(file(name, files.get(name)), ISO_8859_1), change));
            case "before" -> prefix(name);
            default -> throw new IllegalArgumentException("no change: " + change);
        }
    }

    private static int times(JsonNode change) {
        return change.path("times").asInt(1);
    }

    private static byte[] file(String name, byte @Nullable [] content) {
        if (content == null) {
            throw new IllegalArgumentException("the bundle has no `" + name + "`");
        }
        return content;
    }

    private static byte[] bytes(JsonNode change) {
        return change.has("hex")
                ? HexFormat.of().parseHex(change.get("hex").asText())
                : change.path("text").asText().getBytes(UTF_8);
    }

    private static byte[] joined(byte[] content, byte[] more, int times) {
        byte[] joined = Arrays.copyOf(content, content.length + times * more.length);
        for (int i = 0; i < times; i++) {
            System.arraycopy(more, 0, joined, content.length + i * more.length, more.length);
        }
        return joined;
    }

    /** The first of it; text or bytes in hexadecimal. */
    private static byte[] replaced(String content, JsonNode change) {
        String old = text(change.get("old"));
        int at = content.indexOf(old);
        if (at < 0) {
            throw new IllegalArgumentException("it is not there: " + change);
        }
        String changed = content.substring(0, at) + text(change.path("new")) + content.substring(at + old.length());
        return changed.getBytes(ISO_8859_1);
    }

    private static String text(JsonNode value) {
        return value.has("hex")
                ? new String(HexFormat.of().parseHex(value.get("hex").asText()), ISO_8859_1)
                : value.asText();
    }

    private void prefix(String with) {
        Map<String, byte[]> renamed = new LinkedHashMap<>();
        files.forEach((name, content) -> renamed.put(with + name, content));
        files.clear();
        files.putAll(renamed);
    }
}

package dev.assize.server.testing.forge;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.ledger.merkle.GrownTree;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TreeHash;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Entries as a recipe describes them, each behind the one before, and the files that a bundle has of them. */
final class ForgedLedger {

    private static final int FULL = TileId.FULL;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String origin;
    private final List<byte[]> frames = new ArrayList<>();
    private final List<String> lines = new ArrayList<>();
    private final SortedMap<Integer, List<byte[]>> decisions = new TreeMap<>();
    private final GrownTree tree = new GrownTree();
    private int incarnation = 1;

    /** Each element of the recipe is one entry, or as many as its {@code count}. */
    ForgedLedger(String origin, JsonNode recipe) {
        this.origin = origin;
        for (JsonNode entry : recipe) {
            for (int i = 0; i < entry.path("count").asInt(1); i++) {
                append(entry);
            }
        }
        tree.grow(frames.stream().map(frame -> new TreeHash().leaf(frame)).toList());
    }

    private void append(JsonNode recipe) {
        int seq = frames.size();
        JsonNode entry =
                recipe.has("decisions") ? vouching(recipe.get("decisions").asInt()) : recipe;
        if (recipe.has("decisions")) {
            decisions.put(seq, records(recipe.get("decisions").asInt()));
        }
        byte[] before = seq == 0 ? genesis() : new TreeHash().leaf(frames.get(seq - 1));
        ForgedEntry forged = new ForgedEntry(origin, seq, before, entry);
        frames.add(forged.frame());
        lines.add(forged.lines());
        incarnation = entry.path("incarnation").asInt(1);
    }

    private static ObjectNode vouching(int count) {
        GrownTree pack = new GrownTree();
        pack.grow(records(count).stream()
                .map(record -> new TreeHash().leaf(record))
                .toList());
        return JSON.createObjectNode()
                .put("type", "assize.decisions.recorded")
                .put("payload", ForgedEntry.pack(count, new Prover(pack).root(count)));
    }

    private static List<byte[]> records(int count) {
        List<byte[]> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            records.add(ForgedEntry.record(i));
        }
        return records;
    }

    int size() {
        return frames.size();
    }

    /** Of the last entry. */
    int incarnation() {
        return incarnation;
    }

    byte[] root(int size) {
        return size == 0 ? TreeHash.emptyRoot() : new Prover(tree).root(size);
    }

    /** Adds what a bundle has of the entries from one to before another, beside its checkpoint. */
    void addTo(Map<String, byte[]> files, int from, int to) {
        for (int first = from; first < to; first += FULL) {
            int end = Math.min(to, first + FULL);
            files.put(TileId.entriesPath(first / FULL, end - first), elements(frames.subList(first, end)));
            String values = String.join("", lines.subList(first, end));
            if (!values.isEmpty()) {
                files.put("payload/" + place(first / FULL) + ".jsonl", values.getBytes(UTF_8));
            }
        }
        decisions.subMap(from, to).forEach((seq, records) -> files.put("decisions/" + place(seq), elements(records)));
        for (int level = 0, begin = from, hashes = to; hashes > 0; level++, begin /= FULL, hashes /= FULL) {
            for (int index = begin / FULL; index * FULL < hashes; index++) {
                TileId tile = new TileId(level, index, Math.min(FULL, hashes - index * FULL));
                files.put(tile.path(), tree.read(List.of(tile)).getFirst());
            }
        }
    }

    /** Which part it is. */
    byte[] part(int from, int to) {
        byte[] prev = from == 0 ? genesis() : new TreeHash().leaf(frames.get(from - 1));
        StringBuilder text = new StringBuilder("assize ledger part v1\nfrom " + from + "\nto " + to + "\nprev ");
        text.append(HexFormat.of().formatHex(prev)).append('\n');
        for (byte[] hash : new Prover(tree).consistency(to, size())) {
            text.append("proof ").append(HexFormat.of().formatHex(hash)).append('\n');
        }
        return text.toString().getBytes(UTF_8);
    }

    private byte[] genesis() {
        return ForgedKey.sha256(("assize/v1/genesis\0" + origin).getBytes(UTF_8));
    }

    /** Each behind its u16 length. */
    private static byte[] elements(List<byte[]> elements) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        for (byte[] element : elements) {
            file.writeBytes(ForgedEntry.u16(element.length));
            file.writeBytes(element);
        }
        return file.toByteArray();
    }

    /** Of a number below a million, in groups of three digits. */
    private static String place(int number) {
        String last = String.format(Locale.ROOT, "%03d", number % 1_000);
        return number < 1_000 ? last : String.format(Locale.ROOT, "x%03d/%s", number / 1_000, last);
    }
}

package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pcollections.HashTreePMap;
import org.pcollections.PMap;

/**
 * What stood outside at one moment: the log of all heads as far as it was signed, and the head of every ledger.
 *
 * <p>One object, `anchor`, is replaced with every publication. It holds the signed checkpoint of the log of heads, the
 * right edge of its tree, and names the objects that hold the heads: one with the head of every ledger, those with the
 * leaves added since, and those that the last ones replaced, which a node that stopped in between may still want. Those
 * objects never change, and `anchor` holds their hashes. Everything is text.
 *
 * @param version of the object `anchor`
 * @param anchorId names this copy among all
 * @param incarnation of the log of heads
 * @param meta the right edge of the tree of the log of heads
 * @param note the signed checkpoint of the log of heads
 * @param past objects that are no longer needed for the heads
 * @param objects those that hold the heads, oldest first
 * @param heads of every ledger that was ever signed
 */
record OutsideCopy(
        String version,
        String anchorId,
        int incarnation,
        Frontier meta,
        String note,
        List<ObjectName> past,
        List<ObjectName> objects,
        PMap<TenantId, SignedHead> heads) {

    static final String META = "~meta";
    static final String OBJECT = "anchor";

    private static final String HEADER = "assize/anchor/v1";
    private static final Pattern ANCHOR_ID = Pattern.compile("[0-9a-f]{32}");

    /** How many leaves the log of heads has. */
    long size() {
        return meta.size();
    }

    Digest root() {
        return Digest.of(meta.root());
    }

    /** The text of the checkpoint of the log of heads. */
    String metaText(String deployment) {
        return new CheckpointText(SignedHead.origin(deployment, META, incarnation), meta.size(), meta.root()).text();
    }

    /** The copy with leaves behind it, before it is signed. */
    Frontier grown(List<String> leaves) {
        Frontier grown = meta.copy();
        TreeHash hash = new TreeHash();
        leaves.forEach(leaf -> grown.append(hash.leaf(leaf.getBytes(UTF_8))));
        return grown;
    }

    /** What the object `anchor` says; it is signed as a whole. */
    String body() {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        text.append("id ").append(anchorId).append('\n');
        text.append("incarnation ").append(incarnation).append('\n');
        text.append("edge ").append(meta.size());
        byte[] peaks = meta.peaks();
        text.append(' ').append(peaks.length == 0 ? "-" : Base64.getEncoder().encodeToString(peaks));
        text.append('\n');
        past.forEach(name -> text.append("past ").append(name).append('\n'));
        objects.forEach(name -> text.append("heads ").append(name).append('\n'));
        return text.append('\n').append(note).toString();
    }

    /** What the object `anchor` says, once its signature was verified; the heads are yet to be read. */
    static OutsideCopy parse(String version, String text) {
        int end = text.indexOf("\n\n");
        if (end < 0 || !text.startsWith(HEADER + "\n")) {
            throw corrupt("does not begin with `" + HEADER + "`");
        }
        Lines lines = new Lines(text.substring(HEADER.length() + 1, end).split("\n", -1));
        String id = lines.only("id");
        String[] edge = lines.only("edge").split(" ", -1);
        if (!ANCHOR_ID.matcher(id).matches() || edge.length != 2) {
            throw corrupt("has a malformed `id` or `edge`");
        }
        try {
            byte[] peaks =
                    edge[1].equals("-") ? new byte[0] : Base64.getDecoder().decode(edge[1]);
            return new OutsideCopy(
                    version,
                    id,
                    Integer.parseInt(lines.only("incarnation")),
                    Frontier.restore(Long.parseLong(edge[0]), peaks),
                    text.substring(end + 2),
                    lines.all("past").stream().map(ObjectName::parse).toList(),
                    lines.all("heads").stream().map(ObjectName::parse).toList(),
                    HashTreePMap.empty());
        } catch (IllegalArgumentException e) {
            throw corrupt(String.valueOf(e.getMessage()));
        }
    }

    OutsideCopy withHeads(PMap<TenantId, SignedHead> present) {
        return new OutsideCopy(version, anchorId, incarnation, meta, note, past, objects, present);
    }

    OutsideCopy withVersion(String present) {
        return new OutsideCopy(present, anchorId, incarnation, meta, note, past, objects, heads);
    }

    static OutsideCorruptException corrupt(String what) {
        return new OutsideCorruptException("the object `" + OBJECT + "` outside " + what);
    }

    /**
     * Names an object of heads.
     *
     * @param kind `all` for one that holds the head of every ledger, `leaves` for one that holds leaves of the log
     * @param from the first leaf
     * @param to the leaf behind the last; for `all`, both are the size of the log
     * @param hash of its content
     */
    record ObjectName(String kind, long from, long to, Digest hash) {

        private static final Pattern TEXT = Pattern.compile("(all|leaves)/(\\d{1,19})-(\\d{1,19})-([0-9a-f]{64})");

        static ObjectName all(long size, byte[] content) {
            return new ObjectName("all", size, size, Digest.sha256(content));
        }

        static ObjectName leaves(long from, long to, byte[] content) {
            return new ObjectName("leaves", from, to, Digest.sha256(content));
        }

        static ObjectName parse(String text) {
            Matcher matcher = TEXT.matcher(text);
            if (!matcher.matches()) {
                throw corrupt("names an object `" + text + "`");
            }
            return new ObjectName(
                    matcher.group(1),
                    Long.parseLong(matcher.group(2)),
                    Long.parseLong(matcher.group(3)),
                    Digest.of(HexFormat.of().parseHex(matcher.group(4))));
        }

        boolean isLeaves() {
            return kind.equals("leaves");
        }

        @Override
        public String toString() {
            return kind + "/" + from + "-" + to + "-" + hash;
        }
    }

    /** Texts of heads one after the other, a blank line behind each. */
    static byte[] join(List<String> texts) {
        StringBuilder joined = new StringBuilder();
        texts.forEach(text -> joined.append(text).append('\n'));
        return joined.toString().getBytes(UTF_8);
    }

    static List<String> split(byte[] content) {
        List<String> texts = new ArrayList<>();
        String all = new String(content, UTF_8);
        int from = 0;
        for (int end = all.indexOf("\n\n"); end >= 0; end = all.indexOf("\n\n", from)) {
            texts.add(all.substring(from, end + 1));
            from = end + 2;
        }
        if (from != all.length()) {
            throw new OutsideCorruptException("an object of heads outside ends within a head");
        }
        return texts;
    }

    /** Lines of a name and a value. */
    private record Lines(String[] lines) {

        List<String> all(String name) {
            List<String> values = new ArrayList<>();
            for (String line : lines) {
                if (line.startsWith(name + " ")) {
                    values.add(line.substring(name.length() + 1));
                }
            }
            return values;
        }

        String only(String name) {
            List<String> values = all(name);
            if (values.size() != 1) {
                throw corrupt("has " + values.size() + " lines `" + name + "`: expected one");
            }
            return values.getFirst();
        }
    }

    /** The same content always has the same name, so an attempt that is made again finds its own object. */
    static Optional<byte[]> verified(ObjectName name, OutsideStore.@Nullable Versioned object) {
        if (object == null) {
            return Optional.empty();
        }
        if (!Digest.sha256(object.content()).equals(name.hash())) {
            throw new OutsideCorruptException("the object `" + name + "` outside does not have the hash in its name");
        }
        return Optional.of(object.content());
    }
}

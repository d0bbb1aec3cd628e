package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.security.MessageDigest;
import java.util.List;

/**
 * What a log was at some size (C2SP tlog-checkpoint).
 *
 * @param origin names the log
 * @param size number of its entries
 * @param root hash of the tree over them
 * @param extensions further lines, which nobody audits
 */
public record Checkpoint(String origin, long size, byte[] root, List<String> extensions) {

    private static final int LINES = 3;

    public Checkpoint {
        root = root.clone();
        extensions = List.copyOf(extensions);
    }

    /** Reads the text of a note, strictly. */
    public static Checkpoint parse(String text) throws NotProvenException {
        require(text.endsWith("\n"), "a checkpoint ends its last line");
        List<String> lines = List.of(text.substring(0, text.length() - 1).split("\n", -1));
        require(lines.size() >= LINES, "a checkpoint has at least " + LINES + " lines");
        require(lines.stream().noneMatch(String::isEmpty), "a checkpoint has no empty line");
        return new Checkpoint(
                lines.get(0),
                Evidence.decimal(lines.get(1)),
                Evidence.hash(lines.get(2)),
                lines.subList(LINES, lines.size()));
    }

    @Override
    public byte[] root() {
        return root.clone();
    }

    /** Requires an entry to stand in the log at that index. */
    public void requireInclusion(byte[] leafHash, long index, List<byte[]> path) throws NotProvenException {
        MerkleProof.requireInclusion(leafHash, index, size, root, path);
    }

    /** Requires the log to continue what an earlier checkpoint of it said. */
    public void requireContinues(Checkpoint before, List<byte[]> path) throws NotProvenException {
        require(origin.equals(before.origin), "`" + origin + "` is another log than `" + before.origin + "`");
        MerkleProof.requireConsistency(before.size, before.root, size, root, path);
    }

    /** As it is signed. */
    public String text() {
        StringBuilder text = new StringBuilder()
                .append(origin)
                .append('\n')
                .append(size)
                .append('\n')
                .append(Evidence.base64(root))
                .append('\n');
        extensions.forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Checkpoint that
                && origin.equals(that.origin)
                && size == that.size
                && MessageDigest.isEqual(root, that.root)
                && extensions.equals(that.extensions);
    }

    @Override
    public int hashCode() {
        return text().hashCode();
    }
}

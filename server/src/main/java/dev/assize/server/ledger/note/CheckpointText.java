package dev.assize.server.ledger.note;

import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/**
 * What a checkpoint says, before anybody signs it (C2SP tlog-checkpoint, without extension lines).
 *
 * @param origin names the log
 * @param size number of leaves
 * @param root hash of the tree, 32 bytes
 */
public record CheckpointText(String origin, long size, byte[] root) {

    private static final int ROOT_BYTES = 32;
    private static final int LINES = 3;

    public CheckpointText {
        boolean isLine = !origin.isEmpty() && origin.chars().noneMatch(Character::isISOControl);
        if (!isLine || size < 0 || root.length != ROOT_BYTES) {
            throw new MalformedNoteException(
                    "no checkpoint: origin `" + origin + "`, size " + size + ", root of " + root.length + " bytes");
        }
        root = root.clone();
    }

    /** Reads a note text of exactly three lines. */
    public static CheckpointText parse(String text) {
        String[] lines = text.split("\n", -1);
        if (lines.length != LINES + 1 || !lines[LINES].isEmpty()) {
            throw new MalformedNoteException("a checkpoint has " + LINES + " lines, each ended: `" + text + "`");
        }
        if (!lines[1].matches("0|[1-9][0-9]{0,18}")) {
            throw new MalformedNoteException("`" + lines[1] + "` is no tree size");
        }
        try {
            return new CheckpointText(lines[0], Long.parseLong(lines[1]), Encoding.base64(lines[2]));
        } catch (NumberFormatException e) {
            throw new MalformedNoteException("`" + lines[1] + "` is no tree size");
        }
    }

    @Override
    public byte[] root() {
        return root.clone();
    }

    /** The three lines, each ended: what is signed. */
    public String text() {
        return origin + "\n" + size + "\n" + Base64.getEncoder().encodeToString(root) + "\n";
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CheckpointText that && text().equals(that.text());
    }

    @Override
    public int hashCode() {
        return 31 * origin.hashCode() + Arrays.hashCode(root);
    }

    @Override
    public String toString() {
        return origin + " at size " + size + " with root " + HexFormat.of().formatHex(root);
    }
}

package dev.assize.server.anchor;

import dev.assize.server.ledger.Beginning;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What was pruned of a ledger last, and so where it begins. As a text it is signed with the key that signs checkpoints,
 * whose texts have a number in their second line and are none of these: whoever writes to the database without that key
 * cannot say that entries were pruned.
 *
 * @param from the first position that was pruned with these
 * @param beginning of what is left
 * @param peaks of the tree over everything before
 * @param actions a digest of what the pruned entries show to have been done
 * @param object where they are archived
 * @param digest of that object's bytes
 * @param pruningId of the proposal
 */
public record PrunedPrefix(
        TenantId tenant,
        long from,
        Beginning beginning,
        PeakHashes peaks,
        Digest actions,
        String object,
        Digest digest,
        String pruningId) {

    private static final String TITLE = "assize pruned v1";
    private static final int LINES = 11;

    /** The first position that is left. */
    public long to() {
        return beginning.seq();
    }

    /** The tree over everything before. */
    public Frontier tree() {
        return Frontier.restore(to(), peaks.bytes());
    }

    /** Of that tree. */
    public Digest root() {
        return Digest.of(tree().root());
    }

    /** The text that is signed. */
    public String text(String deployment) {
        return String.join(
                        "\n",
                        TITLE,
                        "of " + deployment + "/" + tenant,
                        Long.toString(from),
                        Long.toString(to()),
                        beginning.lastHash().toString(),
                        beginning.lastRecordedAt().toString(),
                        peaks.toString(),
                        actions.toString(),
                        object,
                        digest.toString(),
                        pruningId)
                + "\n";
    }

    /** What a text says of a ledger; empty where it is of another one, or of another form. */
    static Optional<PrunedPrefix> parse(String deployment, TenantId tenant, String text) {
        String[] lines = text.split("\n", -1);
        if (lines.length != LINES + 1 || !lines[0].equals(TITLE)) {
            return Optional.empty();
        }
        try {
            PrunedPrefix prefix = new PrunedPrefix(
                    tenant,
                    Long.parseLong(lines[2]),
                    new Beginning(Long.parseLong(lines[3]), digest(lines[4]), Instant.parse(lines[5])),
                    new PeakHashes(HexFormat.of().parseHex(lines[6])),
                    digest(lines[7]),
                    lines[8],
                    digest(lines[9]),
                    lines[10]);
            Digest _ = prefix.root();
            return Optional.of(prefix).filter(it -> it.text(deployment).equals(text));
        } catch (DateTimeException | IllegalArgumentException | MalformedException e) {
            return Optional.empty();
        }
    }

    private static Digest digest(String hex) {
        return Digest.of(HexFormat.of().parseHex(hex));
    }

    /** The peaks of a tree, largest first. */
    public record PeakHashes(byte[] bytes) {

        public PeakHashes {
            bytes = bytes.clone();
        }

        @Override
        public byte[] bytes() {
            return bytes.clone();
        }

        @Override
        public String toString() {
            return HexFormat.of().formatHex(bytes);
        }
    }
}

package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The proof that a decision is on record, all in one text that needs nothing else but the keys one trusts: the record, the
 * hashes that lead to the root which an entry holds, and the proof of that entry. It tells nothing of other decisions.
 * Its files end in {@code .decision-proof}.
 */
public final class DecisionProof {

    /** The first line. */
    public static final String HEADER = "assize/decision-proof@v1";

    private static final String RECORD = "record ";
    private static final String PLACE = "place ";
    private static final int LONGEST_PATH = 10;
    private static final int MAX_BYTES = 2 * SignedNote.MAX_BYTES;

    private final byte[] record;
    private final int position;
    private final int count;
    private final List<byte[]> path;
    private final TlogProof entry;

    private DecisionProof(byte[] record, int position, int count, List<byte[]> path, TlogProof entry) {
        this.record = record;
        this.position = position;
        this.count = count;
        this.path = List.copyOf(path);
        this.entry = entry;
    }

    /**
     * Puts a proof together.
     *
     * @param record the exact bytes
     * @param position among the decisions recorded together, of how many
     * @param path the hashes from the record's sibling up to the root's child
     * @param entry the proof of the entry, with the entry's frame as its extra data
     */
    public static DecisionProof of(byte[] record, int position, int count, List<byte[]> path, TlogProof entry) {
        return new DecisionProof(record.clone(), position, count, path, entry);
    }

    /** Whether the bytes begin as a proof of a decision. */
    public static boolean isOne(byte[] bytes) {
        byte[] header = HEADER.getBytes(StandardCharsets.US_ASCII);
        return bytes.length >= header.length && Arrays.equals(bytes, 0, header.length, header, 0, header.length);
    }

    /** Reads a proof, strictly. */
    public static DecisionProof parse(byte[] bytes) throws NotProvenException {
        require(bytes.length <= MAX_BYTES, "a proof has at most " + MAX_BYTES + " bytes");
        String text = Evidence.utf8(bytes);
        int end = text.indexOf("\n\n");
        require(end >= 0, "a proof has an empty line before that of its entry");
        List<String> lines = new ArrayList<>(List.of(text.substring(0, end).split("\n", -1)));
        require(lines.removeFirst().equals(HEADER), "a proof of a decision begins with `" + HEADER + "`");
        byte[] record = Evidence.base64(field(lines, RECORD));
        String[] place = field(lines, PLACE).split(" ", -1);
        require(place.length == 2, "a proof says at which place of how many the decision stands");
        int position = number(place[0]);
        int count = number(place[1]);
        require(lines.size() <= LONGEST_PATH, "a path has at most " + LONGEST_PATH + " hashes");
        List<byte[]> path = new ArrayList<>();
        for (String line : lines) {
            path.add(Evidence.hash(line));
        }
        TlogProof entry = TlogProof.parse(text.substring(end + 2).getBytes(StandardCharsets.UTF_8));
        return new DecisionProof(record, position, count, path, entry);
    }

    private static String field(List<String> lines, String name) throws NotProvenException {
        require(!lines.isEmpty() && lines.getFirst().startsWith(name), "a proof has a line `" + name.strip() + "`");
        return lines.removeFirst().substring(name.length());
    }

    private static int number(String text) throws NotProvenException {
        long number = Evidence.decimal(text);
        require(number <= DecisionPack.MAX_DECISIONS, "`" + text + "` is too large");
        return (int) number;
    }

    /**
     * Verifies everything.
     *
     * @param trusted keys of which one must have signed the checkpoint
     */
    public ProvenDecision verify(Set<VerifierKey> trusted) throws NotProvenException {
        byte[] frame = entry.extra()
                .orElseThrow(() -> new NotProvenException("the proof comes without the entry that vouches for it"));
        ProvenEntry proven = ProvenEntry.of(entry, frame, trusted);
        DecisionPack pack = DecisionPack.of(proven.frame())
                .orElseThrow(() ->
                        new NotProvenException(entry.index(), "entry " + entry.index() + " vouches for no decisions"));
        require(
                entry.index(),
                pack.count() == count,
                "entry " + entry.index() + " vouches for " + pack.count() + " decisions, not " + count);
        return new ProvenDecision(pack.requireRecord(record, position, path), proven);
    }

    /** The proof as it is kept in a file. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        text.append(RECORD).append(Evidence.base64(record)).append('\n');
        text.append(PLACE).append(position).append(' ').append(count).append('\n');
        path.forEach(hash -> text.append(Evidence.base64(hash)).append('\n'));
        return text.append('\n').append(entry).toString();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof DecisionProof that && toString().equals(that.toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }
}

package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The proof that an entry stands in a log, all in one text that needs nothing else but the entry and the keys one
 * trusts (C2SP tlog-proof). Its files end in {@code .tlog-proof}.
 */
public final class TlogProof {

    private static final String HEADER = "c2sp.org/tlog-proof@v1";
    private static final String EXTRA = "extra ";
    private static final String INDEX = "index ";
    private static final int LONGEST_PATH = 63;
    private static final int MAX_BYTES = 2 * SignedNote.MAX_BYTES;

    private final byte @Nullable [] extra;
    private final long index;
    private final List<byte[]> path;
    private final SignedNote checkpoint;

    private TlogProof(byte @Nullable [] extra, long index, List<byte[]> path, SignedNote checkpoint) {
        this.extra = extra;
        this.index = index;
        this.path = List.copyOf(path);
        this.checkpoint = checkpoint;
    }

    /** Puts a proof together. */
    public static TlogProof of(long index, List<byte[]> path, SignedNote checkpoint) {
        return new TlogProof(null, index, path, checkpoint);
    }

    /** The same with something that comes along, such as the entry itself; the proof does not cover it. */
    public TlogProof with(byte[] extra) {
        if (extra.length == 0) {
            throw new IllegalArgumentException("extra data that are present are not empty");
        }
        return new TlogProof(extra.clone(), index, path, checkpoint);
    }

    /** Reads a proof, strictly. */
    public static TlogProof parse(byte[] bytes) throws NotProvenException {
        require(bytes.length <= MAX_BYTES, "a proof has at most " + MAX_BYTES + " bytes");
        String text = Evidence.utf8(bytes);
        int end = text.indexOf("\n\n");
        require(end >= 0, "a proof has an empty line before its checkpoint");
        List<String> lines = new ArrayList<>(List.of(text.substring(0, end).split("\n", -1)));
        require(lines.removeFirst().equals(HEADER), "a proof begins with `" + HEADER + "`");
        byte[] extra = null;
        if (!lines.isEmpty() && lines.getFirst().startsWith(EXTRA)) {
            extra = Evidence.base64(lines.removeFirst().substring(EXTRA.length()));
            require(extra.length > 0, "extra data that are present are not empty");
        }
        require(!lines.isEmpty() && lines.getFirst().startsWith(INDEX), "a proof has an index");
        long index = Evidence.decimal(lines.removeFirst().substring(INDEX.length()));
        require(lines.size() <= LONGEST_PATH, "a path has at most " + LONGEST_PATH + " hashes");
        List<byte[]> path = new ArrayList<>();
        for (String line : lines) {
            path.add(Evidence.hash(line));
        }
        byte[] note = text.substring(end + 2).getBytes(StandardCharsets.UTF_8);
        return new TlogProof(extra, index, path, SignedNote.parse(note));
    }

    /** Requires the entry of that hash to stand in the log; the checkpoint that says so. */
    public Checkpoint verify(byte[] leafHash, TrustPolicy policy) throws NotProvenException {
        Checkpoint trusted = policy.accept(checkpoint);
        trusted.requireInclusion(leafHash, index, path);
        return trusted;
    }

    /** Where the entry stands, if the proof verifies. */
    public long index() {
        return index;
    }

    /** The checkpoint it leads to, which nobody has verified yet. */
    public SignedNote checkpoint() {
        return checkpoint;
    }

    /** What came along with the proof; not covered by it. */
    public Optional<byte[]> extra() {
        return Optional.ofNullable(extra).map(byte[]::clone);
    }

    /** The proof as it is kept in a file. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(HEADER).append('\n');
        if (extra != null) {
            text.append(EXTRA).append(Evidence.base64(extra)).append('\n');
        }
        text.append(INDEX).append(index).append('\n');
        path.forEach(hash -> text.append(Evidence.base64(hash)).append('\n'));
        return text.append('\n').append(checkpoint).toString();
    }
}

package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Writes a {@link LedgerBundle} as a tar file, frame by frame, and verifies what it writes. What it holds in memory is
 * a bundle of 256 entries and the right edge of the tree. Not for two threads.
 */
public final class BundleWriter {

    private static final int FULL = TileTree.TILE_HASHES;

    private final TarWriter tar;
    private final Checkpoint checkpoint;
    private final @Nullable LedgerPart part;
    private final long end;
    private final ChainVerifier chain;
    private final TileTree tree;
    private final ByteArrayOutputStream bundle = new ByteArrayOutputStream();
    private final ByteArrayOutputStream beside = new ByteArrayOutputStream();
    private final KeptValues values;

    /** What the last entry vouches for, until it is here; null where it vouches for nothing. */
    private @Nullable DecisionPack awaited;

    private final List<byte[]> decisions = new ArrayList<>();

    /**
     * Begins with the checkpoint.
     *
     * @param trusted keys of which one must have signed
     * @param to is left open at the end
     */
    public BundleWriter(LedgerHead head, Set<VerifierKey> trusted, OutputStream to)
            throws NotProvenException, IOException {
        this(head, null, new TileTree(), trusted, to);
    }

    private BundleWriter(
            LedgerHead head, @Nullable LedgerPart part, TileTree tree, Set<VerifierKey> trusted, OutputStream to)
            throws NotProvenException, IOException {
        this.checkpoint = head.verify(trusted);
        this.part = part;
        this.end = part == null ? checkpoint.size() : part.to();
        this.tree = tree;
        this.values = new KeptValues(tree.size());
        String origin = LedgerName.parse(checkpoint.origin()).origin();
        this.chain = part == null ? ChainVerifier.fromTheBeginning(origin) : part.chain(origin);
        this.tar = new TarWriter(to);
        tar.add(LedgerBundle.CHECKPOINT, utf8(head.checkpoint().toString()));
        tar.add(LedgerBundle.PLACE, utf8(head.place().toString()));
        String keys = head.keys().stream().map(key -> key + "\n").collect(Collectors.joining());
        tar.add(LedgerBundle.KEYS, utf8(keys));
        if (part != null) {
            tar.add(LedgerBundle.PART, part.text());
        }
    }

    /**
     * Begins a bundle of a part of the ledger.
     *
     * @param edges of the tree over everything before the part: of each level, lowest first, the hashes of the tile that
     *     is not full; higher levels that have none may be left out
     * @param trusted keys of which one must have signed
     * @param to is left open at the end
     */
    public static BundleWriter ofPart(
            LedgerHead head, LedgerPart part, List<byte[]> edges, Set<VerifierKey> trusted, OutputStream to)
            throws NotProvenException, IOException {
        part.requirePlace();
        List<byte[]> rows = new ArrayList<>(edges);
        while (rows.size() < TileTree.LEVELS) {
            rows.add(new byte[0]);
        }
        for (int level = 0; level < rows.size(); level++) {
            long hashes = level < TileTree.LEVELS ? (part.from() >>> (8 * level)) % FULL : 0;
            require(
                    rows.get(level).length == hashes * Sha256.BYTES,
                    "at entry " + part.from() + " the right edge has " + hashes + " hashes in level " + level);
        }
        return new BundleWriter(head, part, TileTree.resume(part.from(), rows), trusted, to);
    }

    /** Adds the next entry, that has no values beside it. */
    public void add(byte[] frame) throws NotProvenException, IOException {
        add(frame, List.of());
    }

    /**
     * Adds the next entry.
     *
     * @param kept the values beside it, in the order of their fields
     */
    public void add(byte[] frame, List<KeptValue> kept) throws NotProvenException, IOException {
        require(tree.size() < end, "the checkpoint has no entry " + tree.size());
        requireDecisions();
        Frame read = chain.require(frame);
        awaited = DecisionPack.of(read).orElse(null);
        values.accept(read, kept);
        for (KeptValue value : kept) {
            require(value.seq() == read.seq(), "a value is of another entry than the one it stands beside");
            beside.writeBytes(value.line().getBytes(StandardCharsets.US_ASCII));
        }
        bundle.writeBytes(
                ByteBuffer.allocate(Short.BYTES).putShort((short) frame.length).array());
        bundle.writeBytes(frame);
        tree.append(
                chain.lastHash(), (level, index, hashes) -> tar.add(LogArchive.tileName(level, index, FULL), hashes));
        if (tree.size() % FULL == 0) {
            writeEntries(FULL);
        }
    }

    /** Adds decisions that were recorded with the last entry, all of them or the next of them. */
    public void addDecisions(long seq, List<byte[]> records) throws NotProvenException, IOException {
        DecisionPack pack = awaited;
        require(seq, pack != null && pack.seq() == seq, "entry " + seq + " vouches for no decisions, or for no more");
        decisions.addAll(records);
        if (pack != null && decisions.size() >= pack.count()) {
            pack.requireRecords(decisions);
            tar.add(DecisionPack.fileName(seq), DecisionPack.file(decisions));
            decisions.clear();
            awaited = null;
        }
    }

    private void requireDecisions() throws NotProvenException {
        DecisionPack pack = awaited;
        if (pack != null) {
            throw new NotProvenException(
                    pack.seq(),
                    "the decisions that entry " + pack.seq()
                            + " vouches for are missing: may this key read decisions?");
        }
    }

    /** Writes the right edge. */
    public void finish() throws NotProvenException, IOException {
        requireDecisions();
        require(tree.size(), tree.size() == end, "the checkpoint has " + end + " entries, and here are " + tree.size());
        if (part == null) {
            require(
                    MessageDigest.isEqual(tree.root(), checkpoint.root()),
                    "the entries have another root than the checkpoint");
        } else {
            part.requireCovered(tree.root(), checkpoint);
        }
        if (end == checkpoint.size()) {
            values.end();
        }
        int rest = (int) (tree.size() % FULL);
        if (rest > 0) {
            writeEntries(rest);
        }
        for (int level = 0; level < TileTree.LEVELS; level++) {
            byte[] edge = tree.edge(level);
            if (edge.length > 0) {
                long index = (tree.size() >>> (8 * level)) / FULL;
                tar.add(LogArchive.tileName(level, index, edge.length / Sha256.BYTES), edge);
            }
        }
        tar.close();
    }

    /** Entries so far. */
    public long size() {
        return tree.size();
    }

    private void writeEntries(int width) throws IOException {
        tar.add(LogArchive.entriesName((tree.size() - 1) / FULL, width), bundle.toByteArray());
        bundle.reset();
        if (beside.size() > 0) {
            tar.add(LogArchive.valuesName((tree.size() - 1) / FULL), beside.toByteArray());
            beside.reset();
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A log as files (C2SP tlog-tiles): {@code checkpoint}, {@code tile/<level>/<index>} and {@code tile/entries/<index>},
 * in a directory, which may be the inside of a zip file that was opened as a file system, or in a tar file.
 *
 * <p>Verifying it trusts none of the files: the tree is built anew from the entries, every tile is compared with it,
 * and its root with the checkpoint. What was verified before need not be again: from a size and a root that were kept,
 * only the entries behind are read.
 */
public final class LogArchive {

    private static final int FULL = TileTree.TILE_HASHES;
    private static final String ENTRIES = "entries";

    private final LogFiles files;

    /** Whether it does not grow: a bundle, and whatever is in a tar file. */
    private final boolean isWrittenOnce;

    public LogArchive(Path directory) {
        this(LogFiles.under(directory));
    }

    public LogArchive(LogFiles files) {
        this(files, files instanceof TarFiles);
    }

    private LogArchive(LogFiles files, boolean isWrittenOnce) {
        this.files = files;
        this.isWrittenOnce = isWrittenOnce;
    }

    /** The log in a bundle, in which each file stands under its own name only. */
    static LogArchive ofBundle(LogFiles files) {
        return new LogArchive(files, true);
    }

    /** The checkpoint of the archive, which nobody has verified yet. */
    public SignedNote checkpoint() throws NotProvenException, IOException {
        return SignedNote.parse(files.required("checkpoint"));
    }

    /** Requires the entries and the tiles to be those of the checkpoint, and hands out each entry. */
    public void verify(Checkpoint checkpoint, Entries entries) throws NotProvenException, IOException {
        verify(checkpoint, 0, Sha256.of(), entries);
    }

    /** The same from a size on at which the log is known to have had that root. */
    public void verify(Checkpoint checkpoint, long trustedSize, byte[] trustedRoot, Entries entries)
            throws NotProvenException, IOException {
        long size = checkpoint.size();
        require(trustedSize >= 0 && trustedSize <= size, "the archive has " + size + " entries, not " + trustedSize);
        TileTree tree = resume(trustedSize, size);
        require(
                MessageDigest.isEqual(tree.root(), trustedRoot),
                "at size " + trustedSize + " the archive has another root than the one that is trusted");
        require(
                MessageDigest.isEqual(grow(tree, size, entries), checkpoint.root()),
                "the entries have another root than the checkpoint");
    }

    /**
     * Hands out the entries of a part, and answers the root over everything up to its end. What is before the part is
     * taken from the tiles: all of it is worth as much as that root.
     */
    byte[] rootOf(LedgerPart part, Entries entries) throws NotProvenException, IOException {
        TileTree tree = resume(part.from(), part.to());
        entries.begin(tree);
        return grow(tree, part.to(), entries);
    }

    private byte[] grow(TileTree tree, long size, Entries entries) throws NotProvenException, IOException {
        while (tree.size() < size) {
            addBundle(tree, size, entries);
        }
        for (int level = 0; level < TileTree.LEVELS; level++) {
            byte[] edge = tree.edge(level);
            if (edge.length > 0) {
                compare(level, (size >>> (8 * level)) / FULL, edge);
            }
        }
        return tree.root();
    }

    /** The tree at a size, from the tiles of a later one; worth nothing until its root is compared. */
    private TileTree resume(long at, long size) throws NotProvenException, IOException {
        List<byte[]> edges = new ArrayList<>();
        for (int level = 0; level < TileTree.LEVELS; level++) {
            long hashes = at >>> (8 * level);
            int width = (int) (hashes % FULL);
            long index = hashes / FULL;
            edges.add(width == 0 ? new byte[0] : tile(level, index, widthAt(size >>> (8 * level), index), width));
        }
        return TileTree.resume(at, edges);
    }

    private void addBundle(TileTree tree, long size, Entries entries) throws NotProvenException, IOException {
        long bundle = tree.size() / FULL;
        int width = widthAt(size, bundle);
        List<byte[]> read;
        byte[] claimed;
        try {
            read = entries(bundle, width);
            claimed = tile(0, bundle, width, width);
        } catch (NotProvenException e) {
            throw e.at(tree.size());
        }
        for (int i = (int) (tree.size() % FULL); i < read.size(); i++) {
            long index = tree.size();
            byte[] hash = ChainVerifier.entryHash(read.get(i));
            require(
                    index,
                    Arrays.equals(hash, 0, Sha256.BYTES, claimed, i * Sha256.BYTES, (i + 1) * Sha256.BYTES),
                    "entry " + index + " has another hash than its tile says");
            tree.append(hash, this::compare);
            entries.accept(index, read.get(i), tree);
        }
    }

    private void compare(int level, long index, byte[] expected) throws NotProvenException, IOException {
        int width = expected.length / Sha256.BYTES;
        require(
                Arrays.equals(tile(level, index, width, width), expected),
                "tile " + index + " of level " + level + " is not that of the entries");
    }

    /** The first hashes of a tile that has so many. */
    private byte[] tile(int level, long index, int width, int wanted) throws NotProvenException, IOException {
        Found tile = find(Integer.toString(level), index, width);
        require(
                tile.bytes.length == tile.width * Sha256.BYTES,
                "tile " + index + " of level " + level + " has " + tile.bytes.length + " bytes");
        return Arrays.copyOf(tile.bytes, wanted * Sha256.BYTES);
    }

    private List<byte[]> entries(long bundle, int width) throws NotProvenException, IOException {
        Found found = find(ENTRIES, bundle, width);
        List<byte[]> entries = new ArrayList<>();
        ByteBuffer rest = ByteBuffer.wrap(found.bytes);
        while (rest.hasRemaining()) {
            long index = bundle * FULL + entries.size();
            require(index, entries.size() < found.width, "bundle " + bundle + " goes on behind its last entry");
            require(index, rest.remaining() >= Short.BYTES, "bundle " + bundle + " is torn at entry " + index);
            int length = Short.toUnsignedInt(rest.getShort());
            require(index, rest.remaining() >= length, "bundle " + bundle + " is torn at entry " + index);
            byte[] entry = new byte[length];
            rest.get(entry);
            entries.add(entry);
        }
        require(
                bundle * FULL + entries.size(),
                entries.size() == found.width,
                "bundle " + bundle + " has " + entries.size() + " entries, not " + found.width);
        return entries.subList(0, width);
    }

    /**
     * A file by its width at the size of the checkpoint. In an archive, which may grow, the full one may have taken its
     * place since. A bundle is written once, and nobody verifies what a larger one holds behind its first elements.
     */
    private Found find(String kind, long index, int width) throws NotProvenException, IOException {
        String name = name(kind, index, width);
        if (width < FULL && !isWrittenOnce) {
            Optional<byte[]> partial = files.read(name);
            return partial.isPresent()
                    ? new Found(partial.get(), width)
                    : new Found(files.required(name(kind, index, FULL)), FULL);
        }
        return new Found(files.required(name), width);
    }

    /** Of a tile, as C2SP tlog-tiles has it. */
    static String tileName(int level, long index, int width) {
        return name(Integer.toString(level), index, width);
    }

    /** Where the values beside the entries of a bundle stand. */
    static String valuesName(long index) {
        return "payload" + entriesName(index, TileTree.TILE_HASHES).substring("tile/entries".length()) + ".jsonl";
    }

    /** Of a bundle of entries. */
    static String entriesName(long index, int width) {
        return name(ENTRIES, index, width);
    }

    private static String name(String kind, long index, int width) {
        return "tile/" + kind + "/" + place(index) + (width < FULL ? ".p/" + width : "");
    }

    /** Groups of three digits, all but the last marked: {@code x001/x234/067}. */
    static String place(long index) {
        StringBuilder place = new StringBuilder(String.format(Locale.ROOT, "%03d", index % 1000));
        for (long rest = index / 1000; rest > 0; rest /= 1000) {
            place.insert(0, String.format(Locale.ROOT, "x%03d/", rest % 1000));
        }
        return place.toString();
    }

    private static int widthAt(long hashes, long index) {
        return (int) Math.min(FULL, hashes - index * FULL);
    }

    /** Takes entries in their order. */
    @FunctionalInterface
    public interface Entries {

        /** Is told of the tree before the first. */
        default void begin(TreeSoFar tree) throws NotProvenException {}

        /** Takes the next; refuses it where it is not what it should be. */
        void accept(long index, byte[] entry) throws NotProvenException, IOException;

        /** The same with the tree as it stands behind that entry. */
        default void accept(long index, byte[] entry, TreeSoFar tree) throws NotProvenException, IOException {
            accept(index, entry);
        }
    }

    /** A tree that grows. */
    public interface TreeSoFar {

        /** The hash over all entries so far; computed when it is asked for. */
        byte[] root();
    }

    private record Found(byte[] bytes, int width) {}
}

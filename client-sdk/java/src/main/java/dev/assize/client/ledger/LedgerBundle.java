package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A ledger, whole or a part of it, that can be verified where there is no server, no database and no network: a tar file
 * or a directory, laid out as C2SP tlog-tiles, with the keys and the place in the log of heads beside.
 *
 * <p>Verifying it begins with the first entry and trusts nothing in it: each frame is read and its link followed, the
 * tree is built anew and compared with every tile, its root with the signed checkpoint, and that with the log of heads.
 * Decisions on record are read and held to the entry that vouches for them.
 * A tar file holds nothing that was not verified.
 */
public final class LedgerBundle implements Closeable {

    static final String CHECKPOINT = "checkpoint";
    static final String KEYS = "vkeys";
    static final String PLACE = "meta-checkpoint.tlog-proof";

    /** Only of a part. */
    static final String PART = "part";

    private static final int PROGRESS_ENTRIES = 1 << 12;

    private final LogFiles files;

    private LedgerBundle(LogFiles files) {
        this.files = files;
    }

    /** Opens a tar file, or the directory it was unpacked into. */
    public static LedgerBundle open(Path bundle) throws NotProvenException, IOException {
        return new LedgerBundle(Files.isDirectory(bundle) ? LogFiles.under(bundle) : TarFiles.open(bundle));
    }

    /** Its checkpoint and keys, which nobody has verified yet. */
    public LedgerHead head() throws NotProvenException, IOException {
        return new LedgerHead(
                SignedNote.parse(files.required(CHECKPOINT)),
                TlogProof.parse(files.required(PLACE)),
                keys(files.required(KEYS)));
    }

    /** Reads verifier keys, one a line. */
    public static List<VerifierKey> keys(byte[] lines) throws NotProvenException {
        String text = Evidence.utf8(lines);
        require(text.endsWith("\n"), "a list of keys ends its last line");
        List<VerifierKey> keys = new ArrayList<>();
        for (String line : text.substring(0, text.length() - 1).split("\n", -1)) {
            keys.add(VerifierKey.parse(line));
        }
        require(new HashSet<>(keys).size() == keys.size(), "a key is listed twice");
        return keys;
    }

    /**
     * Verifies everything.
     *
     * @param trusted keys of which one must have signed
     * @param kept a checkpoint of the same ledger that was kept since; null for none
     * @throws NotProvenException with the first bad position where there is one
     */
    public Contents verify(Set<VerifierKey> trusted, @Nullable SignedNote kept, Progress progress)
            throws NotProvenException, IOException {
        return verify(trusted, kept, progress, (index, entry) -> {});
    }

    /** The same, and hands out each entry; what was handed out is worth nothing where this throws. */
    public Contents verify(
            Set<VerifierKey> trusted, @Nullable SignedNote kept, Progress progress, LogArchive.Entries entries)
            throws NotProvenException, IOException {
        Checkpoint checkpoint = head().verify(trusted);
        LedgerName name = LedgerName.parse(checkpoint.origin());
        Past past = kept == null ? Past.NONE : Past.of(name, LedgerHead.verify(kept, trusted));
        byte[] partText = files.read(PART).orElse(null);
        LedgerPart part = partText == null ? null : LedgerPart.parse(partText);
        require(
                part == null || part.to() <= checkpoint.size(),
                "the part ends behind its checkpoint, which is of " + checkpoint.size() + " entries");
        Walk walk = new Walk(files, name, checkpoint.size(), part, past, progress, entries);
        if (part == null) {
            LogArchive.ofBundle(files).verify(checkpoint, walk);
        } else {
            part.requireCovered(LogArchive.ofBundle(files).rootOf(part, walk), checkpoint);
        }
        walk.end();
        if (files instanceof TarFiles tar) {
            require(
                    tar.unread().isEmpty(),
                    "`" + String.join("`, `", tar.unread().stream().limit(3).toList()) + "` is no part of the bundle");
        }
        return new Contents(
                name,
                checkpoint,
                walk.from,
                walk.to,
                walk.before,
                walk.chain.lastHash(),
                walk.values.redacted(),
                walk.values.missing());
    }

    @Override
    public void close() throws IOException {
        if (files instanceof TarFiles tar) {
            tar.close();
        }
    }

    /**
     * What was verified.
     *
     * @param from the first entry; 0 unless it is a part
     * @param to the position behind the last entry
     * @param prevHash what the first entry contains: the hash of the one before it
     * @param headHash of the last entry; of an empty ledger, what its first entry would contain
     * @param redacted entries of which values were erased, as others say
     * @param missing entries of a part of which values are gone, as entries behind that part would have to say
     */
    public record Contents(
            LedgerName name,
            Checkpoint checkpoint,
            long from,
            long to,
            byte[] prevHash,
            byte[] headHash,
            long redacted,
            long missing) {

        public Contents {
            prevHash = prevHash.clone();
            headHash = headHash.clone();
        }

        /** Whether something of the ledger up to the checkpoint is elsewhere. */
        public boolean isPart() {
            return from > 0 || to < checkpoint.size();
        }

        @Override
        public byte[] prevHash() {
            return prevHash.clone();
        }

        @Override
        public byte[] headHash() {
            return headHash.clone();
        }
    }

    /** Hears how far it is. */
    @FunctionalInterface
    public interface Progress {
        void verified(long entries, long total);
    }

    /** A checkpoint that was kept, to hold the tree to when it has that size. */
    private record Past(@Nullable LedgerName name, long size, byte[] root) {

        private static final Past NONE = new Past(null, -1, new byte[0]);

        static Past of(LedgerName bundled, Checkpoint kept) throws NotProvenException {
            LedgerName name = LedgerName.parse(kept.origin());
            require(
                    name.isSameLedger(bundled),
                    "the checkpoint that was kept is of `" + name.origin() + "`, not of `" + bundled.origin() + "`");
            require(
                    name.incarnation() <= bundled.incarnation(),
                    "the checkpoint that was kept is of incarnation " + name.incarnation()
                            + ", and the ledger here of an earlier one, " + bundled.incarnation());
            return new Past(name, kept.size(), kept.root());
        }
    }

    /** Follows the chain, and watches for the size of the checkpoint that was kept. */
    private static final class Walk implements LogArchive.Entries {

        private final LogFiles files;
        private final LedgerName name;
        private final long size;
        private final long from;
        private final long to;
        private final byte[] before;
        private final Past past;
        private final Progress progress;
        private final LogArchive.Entries entries;
        private final ChainVerifier chain;
        private final KeptValues values;

        /** Of the bundle of entries that is being read, by position. */
        private Map<Long, List<KeptValue>> beside = Map.of();

        /** Where the first incarnation behind the kept checkpoint's begins; -1 while none has. */
        private long continuedAt = -1;

        Walk(
                LogFiles files,
                LedgerName name,
                long size,
                @Nullable LedgerPart part,
                Past past,
                Progress progress,
                LogArchive.Entries entries)
                throws NotProvenException {
            this.files = files;
            this.name = name;
            this.size = size;
            this.from = part == null ? 0 : part.from();
            this.to = part == null ? size : part.to();
            this.past = past;
            this.progress = progress;
            this.entries = entries;
            this.chain = part == null ? ChainVerifier.fromTheBeginning(name.origin()) : part.chain(name.origin());
            this.before = chain.lastHash();
            this.values = new KeptValues(from);
            require(
                    past.size <= 0 || (past.size >= from && (past.size <= to || to == size)),
                    "the checkpoint that was kept is of " + past.size + " entries, and here are those from " + from
                            + " to before " + to + ": it says nothing of them");
        }

        @Override
        public void begin(LogArchive.TreeSoFar tree) throws NotProvenException {
            if (past.size > 0 && past.size == from) {
                requirePast(tree);
            }
        }

        private void requirePast(LogArchive.TreeSoFar tree) throws NotProvenException {
            if (!MessageDigest.isEqual(tree.root(), past.root)) {
                throw contradiction();
            }
        }

        @Override
        public void accept(long index, byte[] entry) throws NotProvenException, IOException {
            if (index % TileTree.TILE_HASHES == 0) {
                beside = valuesBeside(index);
            }
            Frame frame = chain.require(entry);
            values.accept(frame, beside.getOrDefault(index, List.of()));
            DecisionPack pack = DecisionPack.of(frame).orElse(null);
            if (pack != null) {
                requireDecisions(pack);
            }
            require(
                    index,
                    chain.incarnation() <= name.incarnation(),
                    "entry " + index + " is of incarnation " + chain.incarnation() + ", and the checkpoint of "
                            + name.incarnation());
            if (continuedAt < 0 && past.name != null && chain.incarnation() > past.name.incarnation()) {
                continuedAt = index;
            }
            if ((index + 1) % PROGRESS_ENTRIES == 0 || index + 1 == to) {
                progress.verified(index + 1 - from, to - from);
            }
        }

        private void requireDecisions(DecisionPack pack) throws NotProvenException, IOException {
            try {
                pack.requireFile(files.required(DecisionPack.fileName(pack.seq())));
            } catch (NotProvenException e) {
                throw e.at(pack.seq());
            }
        }

        @Override
        public void accept(long index, byte[] entry, LogArchive.TreeSoFar tree) throws NotProvenException, IOException {
            accept(index, entry);
            if (index + 1 == past.size) {
                requirePast(tree);
            }
            entries.accept(index, entry, tree);
        }

        private Map<Long, List<KeptValue>> valuesBeside(long first) throws NotProvenException, IOException {
            try {
                return readValues(first);
            } catch (NotProvenException e) {
                throw e.at(first);
            }
        }

        /** Each in its place: by position, then by field, none twice and none of another bundle. */
        private Map<Long, List<KeptValue>> readValues(long first) throws NotProvenException, IOException {
            byte[] lines = files.read(LogArchive.valuesName(first / TileTree.TILE_HASHES))
                    .orElse(null);
            Map<Long, List<KeptValue>> read = new HashMap<>();
            KeptValue before = new KeptValue(first, 0, new byte[0], new byte[0]);
            for (KeptValue value : lines == null ? List.<KeptValue>of() : KeptValue.parse(lines)) {
                require(
                        (value.seq() > before.seq() || (value.seq() == before.seq() && value.field() > before.field()))
                                && value.seq() < Math.min(to, first + TileTree.TILE_HASHES),
                        "the values beside the entries from " + first + " are not in their order");
                read.computeIfAbsent(value.seq(), _ -> new ArrayList<>()).add(value);
                before = value;
            }
            return read;
        }

        private NotProvenException contradiction() {
            return continuedAt >= 0
                    ? new NotProvenException(
                            continuedAt,
                            "entries from " + continuedAt + " to " + (past.size - 1)
                                    + " were signed and are lost: incarnation " + chain.incarnation()
                                    + " of the ledger goes on in their place")
                    : new NotProvenException("the first " + past.size
                            + " entries are not those that were signed with the checkpoint that was kept");
        }

        void end() throws NotProvenException {
            if (to == size && size > 0) {
                require(
                        to - 1,
                        chain.incarnation() == name.incarnation(),
                        "the last entry is of incarnation " + chain.incarnation() + ", and the checkpoint of "
                                + name.incarnation());
                values.end();
            }
            if (past.size > size) {
                throw continuedAt >= 0
                        ? contradiction()
                        : new NotProvenException(
                                size,
                                "the checkpoint that was kept is of " + past.size + " entries, and here are " + size
                                        + ": an older bundle, or a ledger that was cut off");
            }
        }
    }
}

package dev.assize.server.anchor;

import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.Tile;
import dev.assize.server.ledger.merkle.TileMismatchException;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.ledger.merkle.TreeGrowth;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A ledger's tree on its way from one published size to the next. Every entry is taken from its stored bytes: its hash
 * is computed anew, and it must stand in its place, in this ledger, behind the entry before it. On the way the tree must
 * have the root that is kept outside.
 *
 * <p>Of what a new incarnation has kept of those before it, the bytes are signed as they are: that something is wrong
 * with them may be why it was begun, and its first entry says so. Nothing may be missing, though.
 */
final class LedgerGrowth {

    private final TenantId tenant;
    private final String origin;
    private final int incarnation;
    private final @Nullable SignedHead outside;
    private final TreeGrowth growth;

    private long size;

    /** Whether an entry of the incarnation itself has come. */
    private boolean begun;

    private @Nullable Digest lastHash;
    private @Nullable String fault;

    /**
     * @param origin of the ledger
     * @param from where to begin
     * @param outside the head of the same incarnation outside; null where there is none
     */
    LedgerGrowth(TenantId tenant, String origin, State from, @Nullable SignedHead outside) {
        this.tenant = tenant;
        this.origin = origin;
        this.incarnation = from.incarnation();
        this.outside = outside;
        this.growth = new TreeGrowth(from.tree());
        this.size = from.tree().size();
        this.lastHash = from.lastHash();
        this.begun = incarnation == 1 || from.begun();
        compareWithOutside();
    }

    /** Takes the next entry; does nothing once something was wrong. */
    void accept(long seq, byte[] frame, byte[] storedHash) {
        if (fault != null) {
            return;
        }
        if (seq != size) {
            fault = "entry " + size + " is missing: entry " + seq + " follows";
            return;
        }
        Digest hash = Frame.hash(frame);
        boolean first = !begun && isOfIncarnation(incarnation, frame);
        begun = begun || first;
        fault = begun ? faultOf(seq, frame, hash, storedHash, first) : null;
        if (fault == null) {
            growth.append(hash.bytes());
            lastHash = hash;
            size++;
            compareWithOutside();
        }
    }

    /** What is wrong, null where nothing is. */
    @Nullable
    String fault() {
        return fault;
    }

    long size() {
        return size;
    }

    /** Whether the tree has come to what is kept outside; only then may it be signed. */
    boolean hasPassedOutside() {
        return outside == null || size >= outside.size();
    }

    /** The tiles that have become full; finds out whether what was stored of them is still what it was. */
    List<Tile> fullTiles(TileSource stored) {
        try {
            return growth.fullTiles(stored);
        } catch (TileMismatchException e) {
            fault = String.valueOf(e.getMessage());
            return List.of();
        }
    }

    SignedHead head() {
        return new SignedHead(
                tenant, incarnation, size, Digest.of(growth.frontier().root()));
    }

    State state() {
        return new State(incarnation, growth.frontier(), lastHash, begun);
    }

    private void compareWithOutside() {
        if (outside != null
                && size == outside.size()
                && !Digest.of(growth.frontier().root()).equals(outside.root())) {
            fault = "its first " + size + " entries are not those that were signed";
        }
    }

    static boolean isOfIncarnation(int incarnation, byte[] frame) {
        try {
            return Envelope.of(FrameFields.read(frame)).incarnation() == incarnation;
        } catch (MalformedFrameException keptAsItIs) {
            return false;
        }
    }

    private @Nullable String faultOf(long seq, byte[] frame, Digest hash, byte[] storedHash, boolean first) {
        return Arrays.equals(hash.bytes(), storedHash)
                ? misplaced(seq, frame, first)
                : "entry " + seq + " is stored with a hash that is not its frame's";
    }

    /** The first entry of a later incarnation is linked to what the ledger was said to end with. */
    private @Nullable String misplaced(long seq, byte[] frame, boolean first) {
        Envelope envelope;
        try {
            envelope = Envelope.of(FrameFields.read(frame));
        } catch (MalformedFrameException e) {
            return "entry " + seq + " cannot be read: " + e.getMessage();
        }
        if (!envelope.origin().equals(origin)) {
            return "entry " + seq + " belongs to another ledger";
        }
        if (envelope.seq() != seq || envelope.incarnation() > incarnation) {
            return "entry " + seq + " holds the frame of position " + envelope.seq() + " of incarnation "
                    + envelope.incarnation();
        }
        Digest expected = seq == 0 ? Frame.genesisHash(origin) : lastHash;
        return first || Objects.equals(envelope.prevHash(), expected)
                ? null
                : "entry " + seq + " does not continue the one before it";
    }

    /**
     * A tree that was published.
     *
     * @param tree never changed
     * @param lastHash of its last entry, null while it has none
     * @param begun whether it has an entry of the incarnation itself
     */
    record State(int incarnation, Frontier tree, @Nullable Digest lastHash, boolean begun) {

        static State empty(int incarnation) {
            return new State(incarnation, Frontier.empty(), null, false);
        }
    }
}

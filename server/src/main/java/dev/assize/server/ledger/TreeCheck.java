package dev.assize.server.ledger;

import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import java.util.Collection;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Grows a ledger's tree along with a verification, and holds it to the roots that were signed. Not for two threads.
 */
public final class TreeCheck {

    private final @Nullable Frontier tree;
    private final TreeMap<Long, Digest> signed = new TreeMap<>();
    private int compared;

    private TreeCheck(@Nullable Frontier tree) {
        this.tree = tree;
    }

    /** Compares nothing: for a part whose beginning nobody vouches for. */
    public static TreeCheck none() {
        return new TreeCheck(null);
    }

    /**
     * Compares the tree with signed roots.
     *
     * @param from the tree at the beginning of the part, as somebody vouches for it; stays as it is
     * @param signed roots by size; those before the beginning are not compared
     */
    public static TreeCheck from(Frontier from, Collection<SignedRoot> signed) {
        TreeCheck check = new TreeCheck(from.copy());
        signed.stream()
                .filter(root -> root.size() > from.size())
                .forEach(root -> check.signed.put(root.size(), root.root()));
        return check;
    }

    /** Entries in the tree by now. */
    public long size() {
        return tree == null ? 0 : tree.size();
    }

    /** Of the tree as it is by now. */
    public byte[] root() {
        return tree == null ? TreeHash.emptyRoot() : tree.root();
    }

    /** Roots that were compared, and were right. */
    int compared() {
        return compared;
    }

    /** Adds an entry by its hash; what is wrong with the tree then, null where nothing is. */
    @Nullable
    String accept(Digest entryHash) {
        if (tree == null) {
            return null;
        }
        tree.append(entryHash.bytes());
        Digest root = signed.get(tree.size());
        if (root == null) {
            return null;
        }
        if (!Digest.of(tree.root()).equals(root)) {
            return "the first " + tree.size() + " entries are not those that were signed";
        }
        compared++;
        return null;
    }

    /** What was signed beyond the end of the ledger, null where nothing was. */
    @Nullable
    String missingAt(long size) {
        return tree == null || signed.isEmpty() || signed.lastKey() <= size
                ? null
                : "the ledger has " + size + " entries, and was signed up to " + signed.lastKey()
                        + ": its end was cut off";
    }

    /** A root that was signed. */
    public record SignedRoot(long size, Digest root) {}
}

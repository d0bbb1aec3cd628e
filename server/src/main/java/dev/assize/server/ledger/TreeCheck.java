package dev.assize.server.ledger;

import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Grows a ledger's tree along with a verification, and holds it to the roots that were signed. Not for two threads.
 */
public final class TreeCheck {

    private final @Nullable Frontier tree;
    private final TreeMap<Long, List<SignedRoot>> signed = new TreeMap<>();
    private int incarnation;
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
                .forEach(root -> check.signed
                        .computeIfAbsent(root.size(), _ -> new ArrayList<>())
                        .add(root));
        return check;
    }

    /** Entries in the tree by now. */
    public long size() {
        return tree == null ? 0 : tree.size();
    }

    /** Of the last entry that was added; 0 where there is none. */
    public int incarnation() {
        return incarnation;
    }

    /** Of the tree as it is by now. */
    public byte[] root() {
        return tree == null ? TreeHash.emptyRoot() : tree.root();
    }

    /** Its right edge; empty where nothing is compared. */
    public Frontier edge() {
        return tree == null ? Frontier.empty() : tree.copy();
    }

    /** Roots that were compared, and were right. */
    int compared() {
        return compared;
    }

    /**
     * Adds an entry by its hash; what is wrong with the tree then, null where nothing is. What an incarnation has signed
     * holds for as much as the next one has kept of it: its roots count up to where an entry of a later one begins.
     */
    @Nullable
    String accept(Digest entryHash, int ofIncarnation) {
        if (tree == null) {
            return null;
        }
        if (ofIncarnation > incarnation) {
            incarnation = ofIncarnation;
            signed.tailMap(tree.size(), false)
                    .values()
                    .forEach(roots -> roots.removeIf(root -> root.incarnation() < ofIncarnation));
        }
        tree.append(entryHash.bytes());
        for (SignedRoot root : signed.getOrDefault(tree.size(), List.of())) {
            if (!Digest.of(tree.root()).equals(root.root())) {
                return "the first " + tree.size() + " entries are not those that were signed";
            }
            compared++;
        }
        return null;
    }

    /** What a ledger's present incarnation has signed beyond its end, null where nothing was. */
    @Nullable
    String missingAt(long size, int present) {
        return signed.tailMap(size, false).values().stream()
                .flatMap(List::stream)
                .filter(root -> root.incarnation() >= present)
                .reduce((_, last) -> last)
                .map(last -> "the ledger has " + size + " entries, and was signed up to " + last.size()
                        + ": its end was cut off")
                .orElse(null);
    }

    /** A root that was signed in an incarnation of the ledger. */
    public record SignedRoot(int incarnation, long size, Digest root) {}
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Subjects by name: an immutable hash table in two levels, pages chosen by the high bits of the hash, and in each page
 * open addressing by the low ones, at most half full. A look-up reads two arrays, touches a key only where its whole hash
 * is equal, and then compares it exactly, so that no collision answers for another subject. A table that differs in a few
 * subjects copies their pages and the list of pages, and shares the rest; one that has outgrown its pages is made anew,
 * which over many changes costs little for each.
 */
public final class SubjectTable {

    public static final SubjectTable EMPTY = of(List.of());

    /** Subjects in a page when a table is made; at twice as many it is made anew. */
    private static final int PAGE_SIZE = 16;

    private final int bits;
    private final Page[] pages;
    private final int size;

    private SubjectTable(int bits, Page[] pages, int size) {
        this.bits = bits;
        this.pages = pages;
        this.size = size;
    }

    /** A table of these. */
    public static SubjectTable of(Collection<SubjectNode> nodes) {
        int bits = 0;
        while (nodes.size() >> bits > PAGE_SIZE) {
            bits++;
        }
        int[] sizes = new int[1 << bits];
        for (SubjectNode node : nodes) {
            sizes[page(hash(node.subject().type(), node.subject().id()), bits)]++;
        }
        Page[] pages = new Page[1 << bits];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = Page.ofCapacityFor(sizes[i]);
        }
        for (SubjectNode node : nodes) {
            int hash = hash(node.subject().type(), node.subject().id());
            pages[page(hash, bits)].put(hash, node);
        }
        return new SubjectTable(bits, pages, nodes.size());
    }

    /** The table with some nodes put and those deleted that are empty. */
    public SubjectTable with(Map<Subject, SubjectNode> changes) {
        Page[] changed = pages.clone();
        int changedSize = size;
        for (SubjectNode node : changes.values()) {
            int hash = hash(node.subject().type(), node.subject().id());
            int index = page(hash, bits);
            Page page = changed[index].with(hash, node);
            changedSize += page.size - changed[index].size;
            changed[index] = page;
        }
        SubjectTable table = new SubjectTable(bits, changed, changedSize);
        return changedSize >> bits > 2 * PAGE_SIZE ? of(table.nodes()) : table;
    }

    public int size() {
        return size;
    }

    /** What is known of a subject; null for nothing. */
    public @Nullable SubjectNode find(String type, String id) {
        int hash = hash(type, id);
        return pages[page(hash, bits)].find(hash, type, id);
    }

    /** All, in no order. */
    public Collection<SubjectNode> nodes() {
        List<SubjectNode> all = new ArrayList<>(size);
        for (Page page : pages) {
            for (SubjectNode node : page.nodes) {
                if (node != null) {
                    all.add(node);
                }
            }
        }
        return all;
    }

    private static int page(int hash, int bits) {
        return hash >>> 1 >>> (Integer.SIZE - 1 - bits);
    }

    /** Spread, because pages and slots are taken from some of the bits; never 0, which marks an empty slot. */
    private static int hash(String type, String id) {
        int mixed = (type.hashCode() * 31 + id.hashCode()) * 0x9E3779B9;
        int spread = mixed ^ mixed >>> 15;
        return spread == 0 ? 1 : spread;
    }

    /** A part of the table; written to only while it is made. */
    private static final class Page {

        private final int[] hashes;
        private final @Nullable SubjectNode[] nodes;
        private int size;

        private Page(int capacity) {
            this.hashes = new int[capacity];
            this.nodes = new SubjectNode[capacity];
        }

        static Page ofCapacityFor(int size) {
            return new Page(Integer.highestOneBit(Math.max(1, size)) << 2 >> (Integer.bitCount(size) == 1 ? 1 : 0));
        }

        @Nullable
        SubjectNode find(int hash, String type, String id) {
            int mask = hashes.length - 1;
            for (int slot = hash & mask; hashes[slot] != 0; slot = slot + 1 & mask) {
                SubjectNode node = hashes[slot] == hash ? nodes[slot] : null;
                if (node != null
                        && node.subject().id().equals(id)
                        && node.subject().type().equals(type)) {
                    return node;
                }
            }
            return null;
        }

        Page with(int hash, SubjectNode changed) {
            Page page = ofCapacityFor(size + 1);
            for (int slot = 0; slot < nodes.length; slot++) {
                SubjectNode node = nodes[slot];
                if (node != null && !node.subject().equals(changed.subject())) {
                    page.put(hashes[slot], node);
                }
            }
            if (!changed.isEmpty()) {
                page.put(hash, changed);
            }
            return page;
        }

        void put(int hash, SubjectNode node) {
            int mask = hashes.length - 1;
            int slot = hash & mask;
            while (hashes[slot] != 0) {
                slot = slot + 1 & mask;
            }
            hashes[slot] = hash;
            nodes[slot] = node;
            size++;
        }
    }
}

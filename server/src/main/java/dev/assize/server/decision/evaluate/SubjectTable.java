package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Subjects by name: an immutable hash table in three levels. The high bits of the hash choose a section, others a page in
 * it, and in the page there is open addressing by the low ones, at most half full. A look-up reads four arrays, touches a
 * key only where its whole hash is equal, and then compares it exactly, so that no collision answers for another subject.
 *
 * <p>A table that differs in a subject copies its page, the list of pages of its section and the list of sections, and
 * shares the rest. It grows as extendible hashing does (Fagin et al., 1979): a section that is full is made anew with
 * more pages, and then as two, to which the list of sections refers by one bit more. A section that needs fewer bits than
 * the list has stands there several times. So no change makes more than a section anew.
 */
public final class SubjectTable {

    public static final SubjectTable EMPTY = of(List.of());

    /** Subjects in a page when a section is made; at twice as many in the mean it is made anew. */
    private static final int PAGE_SIZE = 16;

    /** Pages of a section before it becomes two. */
    private static final int MOST_PAGES = 64;

    /** Bits of a hash for a slot of a page. */
    private static final int PAGE_SHIFT = 6;

    private final int bits;
    private final Page[][] sections;
    private final int size;

    private SubjectTable(int bits, Page[][] sections, int size) {
        this.bits = bits;
        this.sections = sections;
        this.size = size;
    }

    /** A table of these. */
    public static SubjectTable of(Collection<SubjectNode> nodes) {
        int bits = 0;
        while (nodes.size() >> bits > PAGE_SIZE * MOST_PAGES) {
            bits++;
        }
        List<List<SubjectNode>> bySection = new ArrayList<>();
        for (int i = 0; i < 1 << bits; i++) {
            bySection.add(new ArrayList<>(nodes.size() >> bits));
        }
        for (SubjectNode node : nodes) {
            bySection.get(section(hash(node), bits)).add(node);
        }
        return new SubjectTable(
                bits, bySection.stream().map(SubjectTable::pages).toArray(Page[][]::new), nodes.size());
    }

    /** The table with some nodes put and those deleted that are empty. */
    public SubjectTable with(Map<Subject, SubjectNode> changes) {
        Growing changed = new Growing(this);
        changes.values().forEach(changed::put);
        return new SubjectTable(changed.bits, changed.sections, changed.size);
    }

    public int size() {
        return size;
    }

    /** What is known of a subject; null for nothing. */
    public @Nullable SubjectNode find(String type, String id) {
        int hash = hash(type, id);
        Page[] pages = sections[section(hash, bits)];
        return pages[page(hash, pages)].find(hash, type, id);
    }

    private static Page[] pages(List<SubjectNode> nodes) {
        int count = 1;
        while (nodes.size() > count * PAGE_SIZE) {
            count *= 2;
        }
        Page[] pages = new Page[count];
        int[] sizes = new int[count];
        nodes.forEach(node -> sizes[page(hash(node), pages)]++);
        Arrays.setAll(pages, page -> Page.ofCapacityFor(sizes[page]));
        for (SubjectNode node : nodes) {
            int hash = hash(node);
            pages[page(hash, pages)].put(hash, node);
        }
        return pages;
    }

    private static int section(int hash, int bits) {
        return hash >>> 1 >>> (Integer.SIZE - 1 - bits);
    }

    /** By other bits than those for a section or for a slot. */
    private static int page(int hash, Page[] pages) {
        return hash >>> PAGE_SHIFT & pages.length - 1;
    }

    private static int hash(SubjectNode node) {
        return hash(node.subject().type(), node.subject().id());
    }

    /** Spread, because sections, pages and slots take some of the bits each; never 0, which marks an empty slot. */
    private static int hash(String type, String id) {
        int mixed = (type.hashCode() * 31 + id.hashCode()) * 0x9E3779B9;
        mixed = (mixed ^ mixed >>> 15) * 0x85EBCA6B;
        int spread = mixed ^ mixed >>> 13;
        return spread == 0 ? 1 : spread;
    }

    /** A table in the making. */
    private static final class Growing {

        private int bits;
        private Page[][] sections;
        private int size;

        Growing(SubjectTable base) {
            this.bits = base.bits;
            this.sections = base.sections.clone();
            this.size = base.size;
        }

        void put(SubjectNode node) {
            int hash = hash(node);
            Page[] pages = sections[section(hash, bits)].clone();
            int index = page(hash, pages);
            Page page = pages[index].with(hash, node);
            boolean grows = page.size > pages[index].size;
            size += page.size - pages[index].size;
            pages[index] = page;
            replace(section(hash, bits), pages);
            if (grows && page.size > 2 * PAGE_SIZE && isFull(pages)) {
                enlarge(section(hash, bits));
            }
        }

        private static boolean isFull(Page[] pages) {
            return Arrays.stream(pages).mapToInt(page -> page.size).sum() > 2 * PAGE_SIZE * pages.length;
        }

        private void enlarge(int section) {
            Page[] pages = sections[section];
            List<SubjectNode> nodes = new ArrayList<>();
            for (Page page : pages) {
                page.addTo(nodes);
            }
            if (pages.length < MOST_PAGES) {
                replace(section, pages(nodes));
            } else if (places(section) > 1) {
                split(section, nodes);
            } else if (size >> bits > PAGE_SIZE * MOST_PAGES / 4) {
                sections = twice(sections);
                bits++;
                split(2 * section, nodes);
            } else {
                // Its subjects agree in the bits by which it would be split.
                replace(section, pages(nodes));
            }
        }

        /** In each place of the section, one half of its subjects. */
        private void split(int section, List<SubjectNode> nodes) {
            int places = places(section);
            int first = section & -places;
            int middle = first + places / 2;
            Page[] lower = pages(nodes.stream()
                    .filter(node -> section(hash(node), bits) < middle)
                    .toList());
            Page[] upper = pages(nodes.stream()
                    .filter(node -> section(hash(node), bits) >= middle)
                    .toList());
            Arrays.fill(sections, first, middle, lower);
            Arrays.fill(sections, middle, first + places, upper);
        }

        private void replace(int section, Page[] by) {
            int places = places(section);
            int first = section & -places;
            Arrays.fill(sections, first, first + places, by);
        }

        /** How often a section stands in the list: a power of two, and it begins at a multiple of that. */
        @SuppressWarnings("ReferenceEquality") // The same section, not an equal one.
        private int places(int section) {
            Page[] pages = sections[section];
            int places = 1;
            while (places < sections.length) {
                int first = section & -2 * places;
                if (sections[first] != pages || sections[first + 2 * places - 1] != pages) {
                    return places;
                }
                places *= 2;
            }
            return places;
        }

        private static Page[][] twice(Page[][] sections) {
            Page[][] twice = new Page[2 * sections.length][];
            Arrays.setAll(twice, i -> sections[i / 2]);
            return twice;
        }
    }

    /** A part of the table; written to only while it is made. */
    private static final class Page {

        private final int[] hashes;
        private final @Nullable SubjectNode[] nodes;
        private int size;

        private Page(int[] hashes, @Nullable SubjectNode[] nodes, int size) {
            this.hashes = hashes;
            this.nodes = nodes;
            this.size = size;
        }

        static Page ofCapacityFor(int size) {
            int capacity = capacityFor(size);
            return new Page(new int[capacity], new SubjectNode[capacity], 0);
        }

        private static int capacityFor(int size) {
            return Integer.highestOneBit(Math.max(1, size)) << 2 >> (Integer.bitCount(size) == 1 ? 1 : 0);
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

        /** As long as there is room, a copy in which nobody has to find a place again. */
        Page with(int hash, SubjectNode changed) {
            return changed.isEmpty() || capacityFor(size + 1) != hashes.length
                    ? anew(hash, changed)
                    : copy(hash, changed);
        }

        private Page copy(int hash, SubjectNode changed) {
            Page page = new Page(hashes.clone(), nodes.clone(), size);
            page.put(hash, changed);
            return page;
        }

        private Page anew(int hash, SubjectNode changed) {
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

        /** In the place of the same subject, or in the next that is free. */
        void put(int hash, SubjectNode node) {
            int mask = hashes.length - 1;
            int slot = hash & mask;
            while (hashes[slot] != 0 && !isAt(slot, hash, node)) {
                slot = slot + 1 & mask;
            }
            size += hashes[slot] == 0 ? 1 : 0;
            hashes[slot] = hash;
            nodes[slot] = node;
        }

        private boolean isAt(int slot, int hash, SubjectNode node) {
            SubjectNode there = hashes[slot] == hash ? nodes[slot] : null;
            return there != null && there.subject().equals(node.subject());
        }

        void addTo(List<SubjectNode> all) {
            for (SubjectNode node : nodes) {
                if (node != null) {
                    all.add(node);
                }
            }
        }
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Subjects by name: an immutable hash table in three levels. The high bits of the hash choose a section, others a page in
 * it, and in the page there is open addressing by the low ones, at most half full. A look-up reads three arrays and
 * compares names byte by byte, so that no collision answers for another subject. No hashes are kept beside the subjects:
 * to find out by its name that one is another costs less than another array costs those that are found.
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
    private final @Nullable SubjectNode[][][] sections;
    private final int size;

    /** The pages of a small table's only section. */
    private final @Nullable SubjectNode @Nullable [][] only;

    private SubjectTable(int bits, @Nullable SubjectNode[][][] sections, int size) {
        this.bits = bits;
        this.sections = sections;
        this.size = size;
        this.only = bits == 0 ? sections[0] : null;
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
                bits, bySection.stream().map(SubjectTable::pages).toArray(SubjectNode[][][]::new), nodes.size());
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
        byte[] name = NameTable.utf8(type + ":" + id);
        return find(name, 0, name.length);
    }

    /** What is known of a subject by its name's bytes; null for nothing. */
    @Nullable
    SubjectNode find(byte[] bytes, int offset, int length) {
        int hash = NameBytes.hash(bytes, offset, length);
        @Nullable SubjectNode[][] pages = only == null ? sections[section(hash, bits)] : only;
        @Nullable SubjectNode[] page = pages[page(hash, pages.length)];
        int mask = page.length - 1;
        int slot = hash & mask;
        for (SubjectNode node = page[slot]; node != null; node = page[slot]) {
            if (NameBytes.isSame(bytes, offset, length, node.name())) {
                return node;
            }
            slot = slot + 1 & mask;
        }
        return null;
    }

    private static @Nullable SubjectNode[][] pages(List<SubjectNode> nodes) {
        int count = pageCount(nodes.size());
        int[] sizes = new int[count];
        nodes.forEach(node -> sizes[page(hash(node), count)]++);
        @Nullable SubjectNode[][] pages = new SubjectNode[count][];
        Arrays.setAll(pages, page -> new SubjectNode[capacityFor(sizes[page])]);
        for (SubjectNode node : nodes) {
            put(pages[page(hash(node), count)], node);
        }
        return pages;
    }

    private static int pageCount(int nodes) {
        int count = 1;
        while (nodes > count * PAGE_SIZE) {
            count *= 2;
        }
        return count;
    }

    private static int section(int hash, int bits) {
        return hash >>> 1 >>> (Integer.SIZE - 1 - bits);
    }

    /** By other bits than those for a section or for a slot. */
    private static int page(int hash, int pages) {
        return hash >>> PAGE_SHIFT & pages - 1;
    }

    private static int hash(SubjectNode node) {
        return NameBytes.hash(node.name(), 0, node.name().length);
    }

    private static int capacityFor(int size) {
        return Integer.highestOneBit(Math.max(1, size)) << 2 >> (Integer.bitCount(size) == 1 ? 1 : 0);
    }

    private static int size(@Nullable SubjectNode[] page) {
        int size = 0;
        for (SubjectNode node : page) {
            size += node == null ? 0 : 1;
        }
        return size;
    }

    /** Into a page in the making: in the place of the same subject, or in the next that is free. */
    private static void put(@Nullable SubjectNode[] page, SubjectNode node) {
        int slot = hash(node) & page.length - 1;
        for (SubjectNode there = page[slot];
                there != null && !Arrays.equals(there.name(), node.name());
                there = page[slot]) {
            slot = slot + 1 & page.length - 1;
        }
        page[slot] = node;
    }

    /** The page with a node put, or deleted that is empty; a copy where there is room, else one that is made anew. */
    private static @Nullable SubjectNode[] with(@Nullable SubjectNode[] page, int size, SubjectNode changed) {
        if (!changed.isEmpty() && capacityFor(size + 1) == page.length) {
            @Nullable SubjectNode[] copy = page.clone();
            put(copy, changed);
            return copy;
        }
        @Nullable SubjectNode[] anew = new SubjectNode[capacityFor(size + 1)];
        for (SubjectNode node : page) {
            if (node != null && !Arrays.equals(node.name(), changed.name())) {
                put(anew, node);
            }
        }
        if (!changed.isEmpty()) {
            put(anew, changed);
        }
        return anew;
    }

    /** A table in the making. */
    private static final class Growing {

        private int bits;
        private @Nullable SubjectNode[][][] sections;
        private int size;

        Growing(SubjectTable base) {
            this.bits = base.bits;
            this.sections = base.sections.clone();
            this.size = base.size;
        }

        void put(SubjectNode node) {
            int hash = hash(node);
            @Nullable SubjectNode[][] pages = sections[section(hash, bits)].clone();
            int index = page(hash, pages.length);
            int before = size(pages[index]);
            pages[index] = with(pages[index], before, node);
            int after = size(pages[index]);
            size += after - before;
            replace(section(hash, bits), pages);
            if (after > before && after > 2 * PAGE_SIZE && isFull(pages)) {
                enlarge(section(hash, bits));
            }
        }

        private static boolean isFull(@Nullable SubjectNode[][] pages) {
            return Arrays.stream(pages).mapToInt(SubjectTable::size).sum() > 2 * PAGE_SIZE * pages.length;
        }

        private void enlarge(int section) {
            @Nullable SubjectNode[][] pages = sections[section];
            List<SubjectNode> nodes = Arrays.stream(pages)
                    .flatMap(Arrays::stream)
                    .filter(Objects::nonNull)
                    .toList();
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
            @Nullable
            SubjectNode[][] lower = pages(nodes.stream()
                    .filter(node -> section(hash(node), bits) < middle)
                    .toList());
            @Nullable
            SubjectNode[][] upper = pages(nodes.stream()
                    .filter(node -> section(hash(node), bits) >= middle)
                    .toList());
            Arrays.fill(sections, first, middle, lower);
            Arrays.fill(sections, middle, first + places, upper);
        }

        private void replace(int section, @Nullable SubjectNode[][] by) {
            int places = places(section);
            int first = section & -places;
            Arrays.fill(sections, first, first + places, by);
        }

        /** How often a section stands in the list: a power of two, and it begins at a multiple of that. */
        @SuppressWarnings("ReferenceEquality") // The same section, not an equal one.
        private int places(int section) {
            @Nullable SubjectNode[][] pages = sections[section];
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

        private static @Nullable SubjectNode[][][] twice(@Nullable SubjectNode[][][] sections) {
            @Nullable SubjectNode[][][] twice = new SubjectNode[2 * sections.length][][];
            Arrays.setAll(twice, i -> sections[i / 2]);
            return twice;
        }
    }
}

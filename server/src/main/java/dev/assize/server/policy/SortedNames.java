package dev.assize.server.policy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An immutable set in order: a tree of arrays, elements in the lowest. A set that differs in one element copies the
 * arrays that lead to it, one for each level, and shares the rest; a small set is a single array.
 *
 * <p>Arrays are split when they are full and go when they are empty. They are not joined before: sets shrink rarely, and
 * then by a little.
 */
public final class SortedNames<T> implements Iterable<T> {

    /** Elements, or arrays, of one array. */
    private static final int FULL = 128;

    private static final Object[] NONE = {};

    private final Comparator<? super T> order;
    private final Object[] root;
    private final int height;
    private final int size;

    private SortedNames(Comparator<? super T> order, Object[] root, int height, int size) {
        this.order = order;
        this.root = root;
        this.height = height;
        this.size = size;
    }

    /** The set of these, each of which is given once. */
    public static <T> SortedNames<T> of(Comparator<? super T> order, Collection<T> elements) {
        Object[] level = elements.toArray();
        @SuppressWarnings("unchecked") // Nothing but elements is in it.
        Comparator<Object> ofObjects = (Comparator<Object>) order;
        Arrays.sort(level, ofObjects);
        int height = 0;
        while (level.length > FULL) {
            level = halfFull(level);
            height++;
        }
        return new SortedNames<>(order, level, height, elements.size());
    }

    public boolean isEmpty() {
        return size == 0;
    }

    public int size() {
        return size;
    }

    /** The element that is equal in the order; null for none. */
    public @Nullable T find(T element) {
        Object[] node = root;
        for (int level = height; level > 0; level--) {
            node = child(node, Math.max(0, childOf(node, level, element)));
        }
        int place = placeIn(node, element);
        return place < 0 ? null : element(node[place]);
    }

    /** The set with an element, in place of an equal one. */
    public SortedNames<T> with(T element) {
        Object[][] parts = put(root, height, element);
        int changed = find(element) == null ? size + 1 : size;
        return parts.length == 1
                ? new SortedNames<>(order, parts[0], height, changed)
                : new SortedNames<>(order, parts, height + 1, changed);
    }

    /** The set without an element. */
    public SortedNames<T> without(T element) {
        if (find(element) == null) {
            return this;
        }
        Object[] node = remove(root, height, element);
        int level = node.length == 0 ? 0 : height;
        while (level > 0 && node.length == 1) {
            node = child(node, 0);
            level--;
        }
        return new SortedNames<>(order, node, level, size - 1);
    }

    /** All elements, in order. */
    @Override
    public Iterator<T> iterator() {
        return from(element -> false);
    }

    /**
     * The elements in order, without those at the beginning.
     *
     * @param isBefore true for all elements to skip, and for all that are before one of them
     */
    public Iterator<T> from(Predicate<? super T> isBefore) {
        Elements elements = new Elements();
        elements.descend(root, height, isBefore);
        return elements;
    }

    private static Object[] halfFull(Object[] elements) {
        int half = FULL / 2;
        Object[][] parts = new Object[(elements.length + half - 1) / half][];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = Arrays.copyOfRange(elements, i * half, Math.min(elements.length, (i + 1) * half));
        }
        return parts;
    }

    /** The array with the element, or two where it was full. */
    private Object[][] put(Object[] node, int level, T element) {
        if (level > 0) {
            int child = Math.max(0, childOf(node, level, element));
            return split(replaced(node, child, 1, put(child(node, child), level - 1, element)));
        }
        int place = placeIn(node, element);
        return place < 0
                ? split(replaced(node, -place - 1, 0, new Object[] {element}))
                : new Object[][] {replaced(node, place, 1, new Object[] {element})};
    }

    /** The array without an element that is in it. */
    private Object[] remove(Object[] node, int level, T element) {
        if (level == 0) {
            return replaced(node, placeIn(node, element), 1, NONE);
        }
        int place = childOf(node, level, element);
        Object[] child = remove(child(node, place), level - 1, element);
        return replaced(node, place, 1, child.length == 0 ? NONE : new Object[][] {child});
    }

    /** With others in place of some. */
    private static Object[] replaced(Object[] node, int start, int count, Object[] by) {
        Object[] changed = new Object[node.length - count + by.length];
        System.arraycopy(node, 0, changed, 0, start);
        System.arraycopy(by, 0, changed, start, by.length);
        System.arraycopy(node, start + count, changed, start + by.length, node.length - start - count);
        return changed;
    }

    private static Object[][] split(Object[] node) {
        int half = node.length / 2;
        return node.length <= FULL
                ? new Object[][] {node}
                : new Object[][] {Arrays.copyOf(node, half), Arrays.copyOfRange(node, half, node.length)};
    }

    /** The last part that does not begin behind the element, negative for none. */
    private int childOf(Object[] node, int level, T element) {
        int low = 0;
        int high = node.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (order.compare(first(child(node, middle), level - 1), element) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private int placeIn(Object[] leaf, T element) {
        int low = 0;
        int high = leaf.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int compared = order.compare(element(leaf[middle]), element);
            if (compared == 0) {
                return middle;
            }
            if (compared < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return -low - 1;
    }

    private T first(Object[] node, int level) {
        Object[] leaf = node;
        for (int i = level; i > 0; i--) {
            leaf = child(leaf, 0);
        }
        return element(leaf[0]);
    }

    private T last(Object[] node, int level) {
        Object[] leaf = node;
        for (int i = level; i > 0; i--) {
            leaf = child(leaf, leaf.length - 1);
        }
        return element(leaf[leaf.length - 1]);
    }

    /** Above the lowest level there is nothing but arrays. */
    private static Object[] child(Object[] node, int place) {
        return (Object[]) node[place];
    }

    // Nothing but elements is ever put into the lowest arrays.
    @SuppressWarnings("unchecked")
    private T element(Object stored) {
        return (T) stored;
    }

    /** Where it stands in the array of each level, the highest first. */
    private final class Elements implements Iterator<T> {

        private final List<Object[]> nodes = new ArrayList<>(height + 1);
        private final int[] places = new int[height + 1];

        /** To the first element that is not before. */
        void descend(Object[] node, int level, Predicate<? super T> isBefore) {
            int low = 0;
            int high = node.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                T last = level == 0 ? element(node[middle]) : last(child(node, middle), level - 1);
                if (isBefore.test(last)) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            places[nodes.size()] = low;
            nodes.add(node);
            if (level > 0 && low < node.length) {
                descend(child(node, low), level - 1, isBefore);
            }
        }

        @Override
        public boolean hasNext() {
            return places[0] < root.length;
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            T next = element(nodes.get(height)[places[height]]);
            int level = height;
            while (++places[level] == nodes.get(level).length && level > 0) {
                level--;
            }
            for (int below = level + 1; below <= height && hasNext(); below++) {
                nodes.set(below, child(nodes.get(below - 1), places[below - 1]));
                places[below] = 0;
            }
            return next;
        }
    }
}

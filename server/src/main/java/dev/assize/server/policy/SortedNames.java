package dev.assize.server.decision.evaluate;

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
 * An immutable set in order, in chunks. A set that differs in one element copies that element's chunk and the list of
 * chunks, and shares the rest.
 */
public final class SortedNames<T> {

    private static final int CHUNK_SIZE = 128;

    private final Comparator<? super T> order;
    private final Object[][] chunks;

    private SortedNames(Comparator<? super T> order, Object[][] chunks) {
        this.order = order;
        this.chunks = chunks;
    }

    /** The set of these, each of which is given once. */
    public static <T> SortedNames<T> of(Comparator<? super T> order, Collection<T> elements) {
        List<T> sorted = new ArrayList<>(elements);
        sorted.sort(order);
        int half = CHUNK_SIZE / 2;
        Object[][] chunks = new Object[(sorted.size() + half - 1) / half][];
        for (int i = 0; i < chunks.length; i++) {
            chunks[i] = sorted.subList(i * half, Math.min(sorted.size(), (i + 1) * half))
                    .toArray();
        }
        return new SortedNames<>(order, chunks);
    }

    public boolean isEmpty() {
        return chunks.length == 0;
    }

    /** The element that is equal in the order; null for none. */
    public @Nullable T find(T element) {
        int chunk = chunkOf(element);
        int place = chunk < 0 ? -1 : placeIn(chunks[chunk], element);
        return place < 0 ? null : element(chunks[chunk][place]);
    }

    /** The set with an element, in place of an equal one. */
    public SortedNames<T> with(T element) {
        if (chunks.length == 0) {
            return new SortedNames<>(order, new Object[][] {{element}});
        }
        int chunk = Math.max(0, chunkOf(element));
        int place = placeIn(chunks[chunk], element);
        if (place >= 0) {
            Object[] replaced = chunks[chunk].clone();
            replaced[place] = element;
            return replace(chunk, replaced);
        }
        int before = -place - 1;
        Object[] longer = new Object[chunks[chunk].length + 1];
        System.arraycopy(chunks[chunk], 0, longer, 0, before);
        longer[before] = element;
        System.arraycopy(chunks[chunk], before, longer, before + 1, chunks[chunk].length - before);
        if (longer.length <= CHUNK_SIZE) {
            return replace(chunk, longer);
        }
        int half = longer.length / 2;
        return replace(chunk, Arrays.copyOf(longer, half), Arrays.copyOfRange(longer, half, longer.length));
    }

    /** The set without an element. */
    public SortedNames<T> without(T element) {
        int chunk = chunkOf(element);
        int place = chunk < 0 ? -1 : placeIn(chunks[chunk], element);
        if (place < 0) {
            return this;
        }
        if (chunks[chunk].length == 1) {
            return replace(chunk);
        }
        Object[] shorter = new Object[chunks[chunk].length - 1];
        System.arraycopy(chunks[chunk], 0, shorter, 0, place);
        System.arraycopy(chunks[chunk], place + 1, shorter, place, shorter.length - place);
        return replace(chunk, shorter);
    }

    /**
     * The elements in order, without those at the beginning.
     *
     * @param isBefore true for all elements to skip, and for all that are before one of them
     */
    public Iterator<T> from(Predicate<? super T> isBefore) {
        int low = 0;
        int high = chunks.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (isBefore.test(element(chunks[middle][chunks[middle].length - 1]))) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        int place = 0;
        while (low < chunks.length && isBefore.test(element(chunks[low][place]))) {
            place++;
        }
        return new Elements(low, place);
    }

    private SortedNames<T> replace(int chunk, Object[]... by) {
        Object[][] changed = new Object[chunks.length - 1 + by.length][];
        System.arraycopy(chunks, 0, changed, 0, chunk);
        System.arraycopy(by, 0, changed, chunk, by.length);
        System.arraycopy(chunks, chunk + 1, changed, chunk + by.length, chunks.length - chunk - 1);
        return new SortedNames<>(order, changed);
    }

    /** The last chunk that does not begin behind the element, negative for none. */
    private int chunkOf(T element) {
        int low = 0;
        int high = chunks.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (order.compare(element(chunks[middle][0]), element) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private int placeIn(Object[] chunk, T element) {
        int low = 0;
        int high = chunk.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int compared = order.compare(element(chunk[middle]), element);
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

    // Nothing but elements is ever put into a chunk.
    @SuppressWarnings("unchecked")
    private T element(Object stored) {
        return (T) stored;
    }

    private final class Elements implements Iterator<T> {

        private int chunk;
        private int place;

        Elements(int chunk, int place) {
            this.chunk = chunk;
            this.place = place;
        }

        @Override
        public boolean hasNext() {
            return chunk < chunks.length;
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            T next = element(chunks[chunk][place]);
            if (++place == chunks[chunk].length) {
                chunk++;
                place = 0;
            }
            return next;
        }
    }
}

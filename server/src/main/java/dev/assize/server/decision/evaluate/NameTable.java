package dev.assize.server.decision.evaluate;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Values by name, found by the name's UTF-8 bytes: an immutable hash table with open addressing, at most half full, each
 * name beside its value. A name is compared whole.
 */
public class NameTable<V> {

    private final @Nullable Object[] slots;
    private final int mask;

    public NameTable(Map<String, V> values) {
        this(values, NameTable::utf8);
    }

    /** @param utf8 the bytes of a name, which tables may share */
    public NameTable(Map<String, V> values, Function<String, byte[]> utf8) {
        int capacity = Integer.highestOneBit(Math.max(1, values.size())) << 2;
        slots = new Object[2 * capacity];
        mask = capacity - 1;
        values.forEach((name, value) -> put(utf8.apply(name), value));
    }

    static byte[] utf8(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private void put(byte[] name, V value) {
        int slot = NameBytes.hash(name, 0, name.length) & mask;
        while (slots[2 * slot] != null) {
            slot = slot + 1 & mask;
        }
        slots[2 * slot] = name;
        slots[2 * slot + 1] = value;
    }

    // Behind a name there is a value, always.
    @SuppressWarnings("unchecked")
    final @Nullable V find(byte[] bytes, int offset, int length) {
        int slot = NameBytes.hash(bytes, offset, length) & mask;
        for (byte[] name = (byte[]) slots[2 * slot]; name != null; name = (byte[]) slots[2 * slot]) {
            if (NameBytes.isSame(bytes, offset, length, name)) {
                return (V) slots[2 * slot + 1];
            }
            slot = slot + 1 & mask;
        }
        return null;
    }

    final @Nullable V find(String name) {
        byte[] bytes = utf8(name);
        return find(bytes, 0, bytes.length);
    }

    /** All names, in whatever order. */
    final Stream<String> names() {
        return Arrays.stream(slots)
                .flatMap(slot -> slot instanceof byte[] name
                        ? Stream.of(new String(name, StandardCharsets.UTF_8))
                        : Stream.empty());
    }

    /** All values, in whatever order. */
    // Every other object is one.
    @SuppressWarnings("unchecked")
    final Stream<V> values() {
        return IntStream.rangeClosed(0, mask)
                .mapToObj(slot -> slots[2 * slot + 1])
                .flatMap(value -> value == null ? Stream.empty() : Stream.of((V) value));
    }

    /** An estimate of its heap, for the cache, with names that tables may share. */
    final long tableWeightBytes() {
        return 40 + 4L * slots.length;
    }
}

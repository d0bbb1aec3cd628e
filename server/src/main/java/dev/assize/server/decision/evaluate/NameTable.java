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

    public NameTable(Map<String, V> values) {
        this(values, NameTable::utf8);
    }

    /** @param utf8 the bytes of a name, which tables may share */
    public NameTable(Map<String, V> values, Function<String, byte[]> utf8) {
        int capacity = Integer.highestOneBit(Math.max(1, values.size())) << 2;
        slots = new Object[2 * capacity];
        values.forEach((name, value) -> put(utf8.apply(name), value));
    }

    static byte[] utf8(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private void put(byte[] name, V value) {
        int last = slots.length - 2;
        int place = NameBytes.hash(name, 0, name.length) << 1 & last;
        while (slots[place] != null) {
            place = place + 2 & last;
        }
        slots[place] = name;
        slots[place + 1] = value;
    }

    // Behind a name there is a value, always.
    @SuppressWarnings("unchecked")
    final @Nullable V find(byte[] bytes, int offset, int length) {
        return (V) at(slots, bytes, offset, length);
    }

    /** Where the names and values are, for who is in a hurry: one object less on the way. */
    final @Nullable Object[] slots() {
        return slots;
    }

    /** The value of a name in the slots of a table; null for none. */
    static @Nullable Object at(@Nullable Object[] slots, byte[] bytes, int offset, int length) {
        int last = slots.length - 2;
        int place = NameBytes.hash(bytes, offset, length) << 1 & last;
        for (byte[] name = (byte[]) slots[place]; name != null; name = (byte[]) slots[place]) {
            if (NameBytes.isSame(bytes, offset, length, name)) {
                return slots[place + 1];
            }
            place = place + 2 & last;
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
        return IntStream.range(0, slots.length / 2)
                .mapToObj(slot -> slots[2 * slot + 1])
                .flatMap(value -> value == null ? Stream.empty() : Stream.of((V) value));
    }

    /** An estimate of its heap, for the cache, with names that tables may share. */
    final long tableWeightBytes() {
        return 40 + 4L * slots.length;
    }
}

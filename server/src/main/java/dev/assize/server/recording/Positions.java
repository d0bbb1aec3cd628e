package dev.assize.server.recording;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** Places in a pack, in rising order, two bytes each. */
public final class Positions {

    private byte[] bytes = new byte[2];
    private int length;

    /** None yet. */
    public Positions() {}

    /** As {@link #bytes} has them; nobody has looked at them. */
    public Positions(byte[] bytes) {
        this.bytes = bytes;
        this.length = bytes.length;
    }

    void add(int position) {
        if (length == bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * length);
        }
        bytes[length++] = (byte) (position >>> Byte.SIZE);
        bytes[length++] = (byte) position;
    }

    public byte[] bytes() {
        return Arrays.copyOf(bytes, length);
    }

    /** The places as a set. */
    public BitSet toSet() {
        BitSet set = new BitSet();
        for (int i = 0; i + 1 < length; i += 2) {
            set.set(Byte.toUnsignedInt(bytes[i]) << Byte.SIZE | Byte.toUnsignedInt(bytes[i + 1]));
        }
        return set;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Positions that && Arrays.equals(bytes, 0, length, that.bytes, 0, that.length);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes());
    }

    @Override
    public String toString() {
        return toSet().toString();
    }
}

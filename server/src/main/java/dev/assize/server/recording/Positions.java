package dev.assize.server.recording;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;

/** Places in a pack, in rising order, two bytes each. */
final class Positions {

    private byte[] bytes = new byte[2];
    private int length;

    void add(int position) {
        if (length == bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * length);
        }
        bytes[length++] = (byte) (position >>> Byte.SIZE);
        bytes[length++] = (byte) position;
    }

    /** In bytes. */
    int size() {
        return length;
    }

    void putTo(ByteBuffer target) {
        target.put(bytes, 0, length);
    }

    /** The places as a set. */
    BitSet toSet() {
        BitSet set = new BitSet();
        for (int i = 0; i < length; i += Short.BYTES) {
            set.set(Byte.toUnsignedInt(bytes[i]) << Byte.SIZE | Byte.toUnsignedInt(bytes[i + 1]));
        }
        return set;
    }
}

package dev.assize.server.decision.evaluate;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.SecureRandom;

/** Names as bytes: a hash to find them by, which is never trusted alone, and whether two are the same. */
public final class NameBytes {
    /*
     * Both halves of a product are folded into one word (as wyhash does), by a factor that is drawn when the process
     * starts: who may choose names cannot choose ones that meet in one place of a table and make it slow.
     */

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    /** Odd, so that no word is lost. */
    private static final long KEY = new SecureRandom().nextLong() | 1;

    private NameBytes() {}

    /** Eight bytes at a time, the last eight of a name perhaps once more. */
    public static int hash(byte[] bytes, int offset, int length) {
        long hash = begun(length);
        int last = offset + length - Long.BYTES;
        for (int i = offset; i < last; i += Long.BYTES) {
            hash = mixed(hash, (long) LONGS.get(bytes, i));
        }
        hash = mixed(hash, last(bytes, offset, length));
        return (int) (hash ^ hash >>> Integer.SIZE);
    }

    static long begun(int length) {
        return length * MULTIPLIER ^ KEY;
    }

    static long mixed(long hash, long word) {
        long both = hash ^ word;
        return both * KEY ^ Math.unsignedMultiplyHigh(both, KEY);
    }

    /**
     * The last eight bytes, or all of fewer, the first of which is the lowest then. Names of seven and of eight bytes are
     * read alike, for nobody can foresee which comes next: with what is before them, which is shifted out.
     */
    private static long last(byte[] bytes, int offset, int length) {
        int start = offset + length - Long.BYTES;
        if (start < 0 || length == 0) {
            return few(bytes, offset, length);
        }
        return (long) LONGS.get(bytes, start) >>> (Byte.SIZE * Math.max(0, Long.BYTES - length));
    }

    /** All of fewer than eight bytes, with fewer than eight up to their end. */
    private static long few(byte[] bytes, int offset, int length) {
        long word = 0;
        for (int i = offset + length - 1; i >= offset; i--) {
            word = word << Byte.SIZE | (bytes[i] & 0xFF);
        }
        return word;
    }

    /** Whether these bytes are the name, byte by byte. */
    public static boolean isSame(byte[] bytes, int offset, int length, byte[] name) {
        return length == name.length && isSame(bytes, offset, name, length);
    }

    /** Whether both begin with the same bytes: as many as are told. */
    static boolean isSame(byte[] bytes, int offset, byte[] name, int length) {
        return isSame(bytes, offset, name, 0, length);
    }

    /** Whether as many bytes of both, from there on, are the same. */
    public static boolean isSame(byte[] bytes, int offset, byte[] others, int start, int length) {
        if (length < Long.BYTES) {
            return areFewSame(bytes, offset, others, start, length);
        }
        for (int i = 0; i < length - Long.BYTES; i += Long.BYTES) {
            if ((long) LONGS.get(bytes, offset + i) != (long) LONGS.get(others, start + i)) {
                return false;
            }
        }
        int last = length - Long.BYTES;
        return (long) LONGS.get(bytes, offset + last) == (long) LONGS.get(others, start + last);
    }

    private static boolean areFewSame(byte[] bytes, int offset, byte[] others, int start, int length) {
        if (length >= Integer.BYTES) {
            int last = length - Integer.BYTES;
            return (int) INTS.get(bytes, offset) == (int) INTS.get(others, start)
                    && (int) INTS.get(bytes, offset + last) == (int) INTS.get(others, start + last);
        }
        for (int i = 0; i < length; i++) {
            if (bytes[offset + i] != others[start + i]) {
                return false;
            }
        }
        return true;
    }
}

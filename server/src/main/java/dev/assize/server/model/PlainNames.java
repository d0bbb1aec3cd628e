package dev.assize.server.model;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The forms of names as UTF-8 bytes, of those that are plain: without a byte beyond ASCII. What is plain here is a name
 * as the types of this room read it; what is not may still be one, and is for them to judge.
 */
public final class PlainNames {

    /** What a byte may be a part of. */
    private static final byte[] CLASSES = classes();

    private static final int LOWER = 1;
    private static final int UPPER = 2;
    private static final int DIGIT = 4;
    private static final int DASH = 8; // `-` and `_`
    private static final int DOT = 16;
    private static final int COLON = 32;
    private static final int CLEAN = 64;
    private static final int PATH_ID = 128; // clean, and neither `/` nor `%`

    private static final int TYPE_BYTES = 32;
    private static final int TENANT_BYTES = 63;
    private static final int ACTION_BYTES = 128;
    private static final int TYPE_REST = LOWER | DIGIT | DASH;
    private static final int TENANT_REST = LOWER | UPPER | DIGIT | DASH | DOT;
    private static final int ACTION_REST = TENANT_REST | COLON;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    // Of each of a word's eight bytes: one, the highest bit, a space.
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGHEST = ONES << 7;
    private static final long SPACES = ONES * ' ';

    private PlainNames() {}

    private static byte[] classes() {
        byte[] classes = new byte[256];
        for (int c = ' '; c < 0x7F; c++) {
            int of = c >= 'a' && c <= 'z' ? LOWER : 0;
            of |= c >= 'A' && c <= 'Z' ? UPPER : 0;
            of |= c >= '0' && c <= '9' ? DIGIT : 0;
            of |= c == '-' || c == '_' ? DASH : 0;
            of |= c == '.' ? DOT : 0;
            of |= c == ':' ? COLON : 0;
            of |= c == '/' || c == '%' ? 0 : PATH_ID;
            classes[c] = (byte) (of | CLEAN);
        }
        return classes;
    }

    /** Whether this is the name of a tenant or of an environment. */
    public static boolean isTenant(byte[] bytes, int offset, int length) {
        return length <= TENANT_BYTES && isMadeOf(bytes, offset, length, LOWER | UPPER | DIGIT, TENANT_REST);
    }

    /** Whether this is the name of an action. */
    public static boolean isAction(byte[] bytes, int offset, int length) {
        return length <= ACTION_BYTES && isMadeOf(bytes, offset, length, LOWER | UPPER, ACTION_REST);
    }

    /** Whether this is the name of a type. */
    public static boolean isType(byte[] bytes, int offset, int length) {
        return length <= TYPE_BYTES && isMadeOf(bytes, offset, length, LOWER, TYPE_REST);
    }

    /** Whether this is a subject, or a group. */
    public static boolean isSubject(byte[] bytes, int offset, int length) {
        int end = offset + length;
        int colon = typeEnd(bytes, offset, end);
        int id = end - colon - 1;
        return colon > offset
                && colon - offset <= TYPE_BYTES
                && id >= 1
                && id <= Limits.ID_BYTES
                && bytes[colon] == ':'
                && isClean(bytes, colon + 1, id);
    }

    /** Whether this is a resource path. */
    public static boolean isPath(byte[] bytes, int offset, int length) {
        return lastSegment(bytes, offset, length) >= 0;
    }

    /** Where the last segment of a resource path begins; negative where this is none. Looks at each byte once. */
    public static int lastSegment(byte[] bytes, int offset, int length) {
        if (length > Limits.PATH_BYTES) {
            return -1;
        }
        int end = offset + length;
        int start = offset;
        for (int segments = 1; segments <= Limits.PATH_SEGMENTS; segments++) {
            int type = typeEnd(bytes, start, end);
            if (type == start || type - start > TYPE_BYTES) {
                return -1;
            }
            if (type == end) {
                return start;
            }
            int id = type + 1;
            int behind = bytes[type] == ':' ? idEnd(bytes, id, end) : id;
            if (behind == id || behind - id > Limits.ID_BYTES) {
                return -1;
            }
            if (behind == end) {
                return start;
            }
            if (bytes[behind] != '/') {
                return -1;
            }
            start = behind + 1;
        }
        return -1;
    }

    /** Behind the type that begins here; there itself where none does. */
    private static int typeEnd(byte[] bytes, int start, int end) {
        if (start == end || (CLASSES[bytes[start] & 0xFF] & LOWER) == 0) {
            return start;
        }
        int i = start + 1;
        while (i < end && (CLASSES[bytes[i] & 0xFF] & TYPE_REST) != 0) {
            i++;
        }
        return i;
    }

    /** Behind the id that begins here: at the first byte that is no part of one, or the end. */
    private static int idEnd(byte[] bytes, int start, int end) {
        int i = start;
        while (i < end && ((CLASSES[bytes[i] & 0xFF] & PATH_ID) != 0 || isEscape(bytes, i, end))) {
            i++;
        }
        return i;
    }

    /** The length of the type of a subject, or of a segment of a path; all of it where it has no id. */
    public static int segmentType(byte[] bytes, int start, int end) {
        return indexOf(bytes, start, end, ':') - start;
    }

    private static boolean isEscape(byte[] bytes, int at, int end) {
        return bytes[at] == '%'
                && at + 2 < end
                && bytes[at + 1] == '2'
                && (bytes[at + 2] == 'F' || bytes[at + 2] == '5');
    }

    /** Whether this is text of printable characters only. */
    public static boolean isClean(byte[] bytes, int offset, int length) {
        int last = offset + length - Long.BYTES;
        if (last < offset) {
            return areFewClean(bytes, offset, length);
        }
        // The last eight perhaps once more.
        long unclean = unclean((long) LONGS.get(bytes, last));
        for (int i = offset; i < last; i += Long.BYTES) {
            unclean |= unclean((long) LONGS.get(bytes, i));
        }
        return unclean == 0;
    }

    /** The highest bits of some bytes of a word that are none of clean text; none where there is no such byte. */
    private static long unclean(long word) {
        // Beyond ASCII, 0x7F, below a space.
        return (word | (word + ONES) | ~((word | HIGHEST) - SPACES)) & HIGHEST;
    }

    private static boolean areFewClean(byte[] bytes, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if ((CLASSES[bytes[i] & 0xFF] & CLEAN) == 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean isMadeOf(byte[] bytes, int offset, int length, int first, int rest) {
        if (length == 0 || (CLASSES[bytes[offset] & 0xFF] & first) == 0) {
            return false;
        }
        for (int i = offset + 1; i < offset + length; i++) {
            if ((CLASSES[bytes[i] & 0xFF] & rest) == 0) {
                return false;
            }
        }
        return true;
    }

    /** The end where there is none. */
    private static int indexOf(byte[] bytes, int start, int end, char sought) {
        int i = start;
        while (i < end && bytes[i] != sought) {
            i++;
        }
        return i;
    }
}

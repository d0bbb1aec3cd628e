package dev.assize.server.model;

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

    private static final int TYPE_BYTES = 32;
    private static final int TENANT_BYTES = 63;
    private static final int ACTION_BYTES = 128;
    private static final int TYPE_REST = LOWER | DIGIT | DASH;
    private static final int TENANT_REST = LOWER | UPPER | DIGIT | DASH | DOT;
    private static final int ACTION_REST = TENANT_REST | COLON;

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

    /** The length of the type of what is a subject, a group too; negative for what is not. */
    public static int subjectType(byte[] bytes, int offset, int length) {
        int type = indexOf(bytes, offset, offset + length, ':') - offset;
        boolean isSubject = type > 0
                && length - type - 1 >= 1
                && length - type - 1 <= Limits.ID_BYTES
                && isType(bytes, offset, type)
                && isClean(bytes, offset + type + 1, length - type - 1);
        return isSubject ? type : -1;
    }

    /** Where the last segment of what is a resource path begins; negative for what is none. */
    public static int lastSegment(byte[] bytes, int offset, int length) {
        int end = offset + length;
        if (length > Limits.PATH_BYTES) {
            return -1;
        }
        int start = offset;
        for (int segments = 1; segments <= Limits.PATH_SEGMENTS; segments++) {
            int slash = indexOf(bytes, start, end, '/');
            if (slash < 0) {
                return isSegment(bytes, start, end, true) ? start : -1;
            }
            if (!isSegment(bytes, start, slash, false)) {
                return -1;
            }
            start = slash + 1;
        }
        return -1;
    }

    /** The length of the type of a segment of a path. */
    public static int segmentType(byte[] bytes, int start, int end) {
        int colon = indexOf(bytes, start, end, ':');
        return (colon < 0 ? end : colon) - start;
    }

    private static boolean isSegment(byte[] bytes, int start, int end, boolean last) {
        int type = segmentType(bytes, start, end);
        if (!isType(bytes, start, type)) {
            return false;
        }
        int id = start + type + 1;
        return id > end ? last : id < end && end - id <= Limits.ID_BYTES && isEscaped(bytes, id, end);
    }

    private static boolean isEscaped(byte[] bytes, int start, int end) {
        for (int i = start; i < end; i++) {
            if ((CLASSES[bytes[i] & 0xFF] & CLEAN) == 0 || (bytes[i] == '%' && !isEscape(bytes, i, end))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isEscape(byte[] bytes, int percent, int end) {
        return percent + 2 < end
                && bytes[percent + 1] == '2'
                && (bytes[percent + 2] == 'F' || bytes[percent + 2] == '5');
    }

    private static boolean isClean(byte[] bytes, int offset, int length) {
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

    private static int indexOf(byte[] bytes, int start, int end, char sought) {
        for (int i = start; i < end; i++) {
            if (bytes[i] == sought) {
                return i;
            }
        }
        return -1;
    }
}

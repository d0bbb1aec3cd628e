package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Limits;

/**
 * Reads a `CheckRequest` where it lies among other bytes, if it says nothing but the five names and how much of the answer
 * is wanted, each once and in the shortest form that protobuf has for it. Everything else, right or wrong, is for the
 * generated parser.
 * Used again and again by one thread.
 */
final class PlainQuestion {

    static final int UNUSUAL = -1;

    private static final int SUBJECT = tag(1);
    private static final int RESOURCE = tag(2);
    private static final int ACTION = tag(3);
    private static final int TENANT = tag(4);
    private static final int ENV = tag(5);

    /** Field 10 as a number. */
    private static final int DETAIL = 10 << 3;

    private final CheckBytes names = new CheckBytes();
    private int detail;
    private int tenantOffset;
    private int tenantLength;
    private int envLength;

    /** The tag of a field that has a length. */
    static int tag(int field) {
        return field << 3 | 2;
    }

    /** The names of what was read. */
    CheckBytes names() {
        return names;
    }

    /** Whether it is read whole; what was read of another one is of no use. */
    boolean read(byte[] bytes, int from, int to) {
        if (to - from > Limits.REQUEST_BYTES) {
            return false;
        }
        names.over(bytes);
        detail = Detail.DETAIL_UNSPECIFIED_VALUE;
        tenantOffset = 0;
        tenantLength = 0;
        envLength = 0;
        int read = 0;
        int at = from;
        while (at < to) {
            int tag = bytes[at++];
            int field = 1 << (tag >>> 3);
            if (tag <= 0 || (read & field) != 0) {
                return false;
            }
            read |= field;
            if (tag == DETAIL) {
                if (at == to || bytes[at] < 0 || bytes[at] > Detail.DETAIL_MINIMAL_VALUE) {
                    return false;
                }
                detail = bytes[at++];
                continue;
            }
            int length = length(bytes, at, to);
            if (length < 0) {
                return false;
            }
            at += lengthBytes(length);
            if (!name(tag, at, length)) {
                return false;
            }
            at += length;
        }
        return true;
    }

    private boolean name(int tag, int offset, int length) {
        if (tag == SUBJECT) {
            names.subject(offset, length);
        } else if (tag == RESOURCE) {
            names.resource(offset, length);
        } else if (tag == ACTION) {
            names.action(offset, length);
        } else if (tag == TENANT) {
            tenant(offset, length);
        } else if (tag == ENV) {
            env(offset, length);
        } else {
            return false;
        }
        return true;
    }

    /** Of a tenant that is named elsewhere among the same bytes. */
    void tenant(int offset, int length) {
        tenantOffset = offset;
        tenantLength = length;
        names.tenant(offset, length);
    }

    /** The same of the environment. */
    void env(int offset, int length) {
        envLength = length;
        names.env(offset, length);
    }

    boolean namesTenant() {
        return tenantLength > 0;
    }

    int tenantOffset() {
        return tenantOffset;
    }

    int tenantLength() {
        return tenantLength;
    }

    boolean namesEnv() {
        return envLength > 0;
    }

    /** Whether only decision and reason are wanted, where this says nothing by so much. */
    int detailOr(int otherwise) {
        return detail == Detail.DETAIL_UNSPECIFIED_VALUE ? otherwise : detail;
    }

    /**
     * The length that stands here, of what ends within the bytes; {@link #UNUSUAL} where none does, or none in the shortest
     * form.
     */
    static int length(byte[] bytes, int at, int to) {
        if (at >= to) {
            return UNUSUAL;
        }
        int length = bytes[at];
        int behind = at + 1;
        if (length < 0) {
            if (behind >= to || bytes[behind] <= 0) {
                return UNUSUAL;
            }
            length = (length & 0x7F) | bytes[behind++] << 7;
        }
        return length <= to - behind ? length : UNUSUAL;
    }

    /** How many bytes that length was written in. */
    static int lengthBytes(int length) {
        return length < 0x80 ? 1 : 2;
    }
}

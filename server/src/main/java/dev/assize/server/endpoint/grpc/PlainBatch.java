package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.Detail;
import dev.assize.server.model.Limits;
import dev.assize.server.model.PlainNames;
import java.util.Arrays;

/**
 * Reads a `CheckBatchRequest` where its items lie, if it says nothing that this class does not know; {@link PlainQuestion}
 * then reads the items. Used again and again by one thread.
 */
final class PlainBatch {

    private static final int TENANT = PlainQuestion.tag(1);
    private static final int ENV = PlainQuestion.tag(2);
    private static final int ITEM = PlainQuestion.tag(3);

    /** Field 4 as a number. */
    private static final int DETAIL = 4 << 3;

    /** Where each item begins and ends. */
    private int[] bounds = new int[2 * 64];

    private int size;
    private int detail;
    private int tenantOffset;
    private int tenantLength;
    private int envOffset;
    private int envLength;

    /** Whether it is read whole, and has as many items as a batch may have. */
    boolean read(byte[] bytes) {
        size = 0;
        detail = Detail.DETAIL_UNSPECIFIED_VALUE;
        tenantOffset = 0;
        tenantLength = 0;
        envOffset = 0;
        envLength = 0;
        int read = 0;
        int at = 0;
        while (at < bytes.length) {
            int tag = bytes[at++];
            if (tag != ITEM) {
                int field = 1 << (tag >>> 3);
                if (tag <= 0 || (read & field) != 0) {
                    return false;
                }
                read |= field;
            }
            if (tag == DETAIL) {
                if (at == bytes.length || bytes[at] < 0 || bytes[at] > Detail.DETAIL_MINIMAL_VALUE) {
                    return false;
                }
                detail = bytes[at++];
                continue;
            }
            int length = PlainQuestion.length(bytes, at, bytes.length);
            if (length < 0) {
                return false;
            }
            at += PlainQuestion.lengthBytes(length);
            if (!field(tag, at, length)) {
                return false;
            }
            at += length;
        }
        return size > 0 && (envLength == 0 || PlainNames.isTenant(bytes, envOffset, envLength));
    }

    private boolean field(int tag, int offset, int length) {
        if (tag == ITEM) {
            return item(offset, length);
        }
        if (tag == TENANT) {
            tenantOffset = offset;
            tenantLength = length;
            return true;
        }
        if (tag == ENV) {
            envOffset = offset;
            envLength = length;
            return true;
        }
        return false;
    }

    private boolean item(int offset, int length) {
        if (size == Limits.BATCH_ITEMS) {
            return false;
        }
        if (2 * size == bounds.length) {
            bounds = Arrays.copyOf(bounds, 2 * bounds.length);
        }
        bounds[2 * size] = offset;
        bounds[2 * size + 1] = offset + length;
        size++;
        return true;
    }

    /** Whether the item is a plain question, about the batch's tenant. */
    boolean readItem(int index, byte[] bytes, PlainQuestion question) {
        if (!question.read(bytes, bounds[2 * index], bounds[2 * index + 1]) || !isOurs(bytes, question)) {
            return false;
        }
        question.tenant(tenantOffset, tenantLength);
        if (!question.namesEnv()) {
            question.env(envOffset, envLength);
        }
        return true;
    }

    private boolean isOurs(byte[] bytes, PlainQuestion question) {
        return !question.namesTenant()
                || Arrays.equals(
                        bytes,
                        tenantOffset,
                        tenantOffset + tenantLength,
                        bytes,
                        question.tenantOffset(),
                        question.tenantOffset() + question.tenantLength());
    }

    int size() {
        return size;
    }

    /** Of items that ask for none. */
    int detail() {
        return detail;
    }

    int tenantOffset() {
        return tenantOffset;
    }

    int tenantLength() {
        return tenantLength;
    }
}

package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A call of the client's: what it has asked and not been answered, in order, and the answer that is coming in. One event
 * loop has it. A unary call is used again for the next request, under another stream id.
 */
final class WireCall {

    /** Every so many answers are looked into; of the others the status and the first byte must be right. */
    static final int SAMPLED = 32;

    final WireConnection connection;

    int streamId;
    long sendWindow;

    private final long[] due;
    private final int[] requests;
    private int oldest;
    private int outstanding;

    private int prefixRead;
    private int left;
    private int firstByte;
    private int messages;
    private byte @Nullable [] sample;
    private int samples;

    WireCall(WireConnection connection, int depth) {
        this.connection = connection;
        this.due = new long[depth];
        this.requests = new int[depth];
    }

    void asked(int request, long dueNanos) {
        int place = (oldest + outstanding++) % due.length;
        due[place] = dueNanos;
        requests[place] = request;
    }

    int outstanding() {
        return outstanding;
    }

    /** Of the oldest request that has no answer. */
    long due() {
        return due[oldest];
    }

    int request() {
        return requests[oldest];
    }

    /** Of the newest one. */
    int newestRequest() {
        return requests[(oldest + outstanding - 1) % due.length];
    }

    void answered() {
        oldest = (oldest + 1) % due.length;
        outstanding--;
    }

    /** Begins anew under another stream id. */
    void reset(int streamId, long sendWindow) {
        this.streamId = streamId;
        this.sendWindow = sendWindow;
        prefixRead = 0;
        messages = 0;
        left = 0;
    }

    /** Messages that have come in since the call began. */
    int messages() {
        return messages;
    }

    int firstByte() {
        return firstByte;
    }

    /** The last message, where it is one that is looked into. */
    byte @Nullable [] sample() {
        return sample;
    }

    /** Takes as much of a frame as belongs to one message; true when that is whole. */
    boolean take(ByteBuf data) {
        while (prefixRead < Workload.PREFIX_BYTES) {
            if (!data.isReadable()) {
                return false;
            }
            int value = data.readUnsignedByte();
            left = prefixRead == 0 ? 0 : left << 8 | value;
            if (++prefixRead == Workload.PREFIX_BYTES) {
                sample = samples++ % SAMPLED == 0 ? new byte[left] : null;
                firstByte = NOTHING;
            }
        }
        int length = Math.min(left, data.readableBytes());
        if (length > 0 && firstByte == NOTHING) {
            firstByte = data.getUnsignedByte(data.readerIndex());
        }
        byte[] kept = sample;
        if (kept != null) {
            data.readBytes(kept, kept.length - left, length);
        } else {
            data.skipBytes(length);
        }
        left -= length;
        if (left > 0) {
            return false;
        }
        prefixRead = 0;
        messages++;
        return true;
    }

    private static final int NOTHING = -1;
}

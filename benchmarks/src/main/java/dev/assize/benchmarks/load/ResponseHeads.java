package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Headers;
import java.util.Arrays;

/**
 * Reads the status of calls from header blocks of one connection.
 *
 * <p>A block that says everything by index neither changes what the connection remembers nor means anything else the next
 * time, as long as nothing was added to that in between. So blocks of this kind are understood once and then recognised by
 * their bytes, which costs next to nothing; any other block goes through Netty's decoder, and ends what was recognised.
 */
final class ResponseHeads {

    /** The block held no status: the answer is still to come. */
    static final int NONE = -1;

    private static final int REMEMBERED = 4;
    private static final int INDEXED = 0x80;

    private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder(false);
    private final byte[][] blocks = new byte[REMEMBERED][];
    private final int[] statuses = new int[REMEMBERED];
    private int remembered;

    /** The status of gRPC in a block, or {@link #NONE}. */
    int status(int streamId, ByteBuf block) throws Http2Exception {
        for (int i = 0; i < remembered; i++) {
            if (is(block, blocks[i])) {
                return statuses[i];
            }
        }
        boolean isStable = isStable(block);
        byte[] bytes = new byte[block.readableBytes()];
        block.getBytes(block.readerIndex(), bytes);
        int status = decoded(streamId, block);
        if (!isStable) {
            remembered = 0;
        } else if (remembered < REMEMBERED) {
            blocks[remembered] = bytes;
            statuses[remembered++] = status;
        }
        return status;
    }

    private int decoded(int streamId, ByteBuf block) throws Http2Exception {
        Http2Headers headers = decoder.decodeHeaders(streamId, block);
        CharSequence status = headers.get("grpc-status");
        return status == null ? NONE : Integer.parseInt(status.toString());
    }

    /** Nothing but indexed fields; a byte of a longer index is not one of these, and such a block is just decoded. */
    private static boolean isStable(ByteBuf block) {
        for (int i = block.readerIndex(); i < block.writerIndex(); i++) {
            int field = block.getUnsignedByte(i);
            if (field < INDEXED || field == 0xff) {
                return false;
            }
        }
        return true;
    }

    private static boolean is(ByteBuf block, byte[] known) {
        int length = block.readableBytes();
        if (length != known.length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            if (block.getByte(block.readerIndex() + i) != known[i]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "ResponseHeads" + Arrays.toString(statuses);
    }
}

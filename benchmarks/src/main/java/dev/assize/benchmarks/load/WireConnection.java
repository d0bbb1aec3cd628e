package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.util.collection.IntObjectHashMap;
import io.grpc.netty.shaded.io.netty.util.collection.IntObjectMap;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/2 connection of the client's (RFC 9113), with as much of it as gRPC calls to a server need: a client that had
 * more would take longer over a call than the server does.
 *
 * <p>A request is copied from where it was encoded into one buffer with all others that are sent at the same moment, and an
 * answer's bytes are looked at where they came in. One event loop has all of it.
 */
final class WireConnection extends ChannelInboundHandlerAdapter {

    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int FRAME_HEAD = 9;
    private static final int MOST_OUT = 64 * 1_024;

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int CONTINUATION = 9;

    private static final int END_STREAM = 1;
    private static final int ACK = 1;
    private static final int END_HEADERS = 4;
    private static final int PADDED = 8;
    private static final int PRIORITY = 32;

    private static final int ENABLE_PUSH = 2;
    private static final int INITIAL_WINDOW_SIZE = 4;
    private static final int FIRST_WINDOW = 65_535;
    private static final int LARGEST_WINDOW = Integer.MAX_VALUE;

    /** After how many bytes the server is told that there is room for more. */
    private static final int WINDOW_STEP = 1 << 29;

    private final RequestHead head;
    private final Listener listener;
    private final ResponseHeads responses = new ResponseHeads();
    private final IntObjectMap<WireCall> calls = new IntObjectHashMap<>();

    /** Asked, and waiting for room in the server. */
    private final Deque<WireCall> waiting = new ArrayDeque<>();

    private @Nullable ChannelHandlerContext context;
    private @Nullable ByteBuf in;
    private @Nullable ByteBuf out;
    private int nextStream = 1;
    private int streamWindow = FIRST_WINDOW;
    private long sendWindow = FIRST_WINDOW;
    private int consumed;
    private boolean ending;
    private boolean ready;

    private byte[][] frames = {};

    WireConnection(RequestHead head, Listener listener) {
        this.head = head;
        this.listener = listener;
    }

    /** From where requests are taken by their number. */
    void sendsFrom(byte[][] frames) {
        this.frames = frames;
    }

    /** Opens the call and sends its newest request, after which nothing follows. */
    void callOnce(WireCall call) {
        open(call);
        sendWhenRoom(call, END_STREAM);
    }

    /** Opens a call that goes on. */
    void open(WireCall call) {
        call.reset(nextStream, streamWindow);
        calls.put(nextStream, call);
        byte[] block = nextStream == 1 ? head.first() : head.later();
        nextStream += 2;
        frameHead(block.length, HEADERS, END_HEADERS, call.streamId).writeBytes(block);
    }

    /** Sends the newest request of a call that goes on. */
    void send(WireCall call) {
        sendWhenRoom(call, 0);
    }

    /** Nothing follows on a call that went on. */
    void end(WireCall call) {
        frameHead(0, DATA, END_STREAM, call.streamId);
    }

    /** Sends what was written since the last time. */
    void flush() {
        ByteBuf written = out;
        if (written != null && context != null) {
            out = null;
            var _ = context.writeAndFlush(written);
        }
    }

    /** The end is wanted. */
    void close() {
        ending = true;
        if (context != null) {
            var _ = context.close();
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
        if (context.channel().isActive()) {
            begin();
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        begin();
        context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        ByteBuf read = (ByteBuf) message;
        ByteBuf known = in;
        if (known == null) {
            in = read;
        } else {
            in = known.writeBytes(read);
            read.release();
        }
        readFrames(in);
        if (!in.isReadable()) {
            in.release();
            in = null;
        } else if (in.readerIndex() > 0) {
            ByteBuf rest = context.alloc().buffer(Math.max(MOST_OUT, in.readableBytes() * 2));
            rest.writeBytes(in);
            in.release();
            in = rest;
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        listener.read();
        flush();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (!ending) {
            listener.broken(new IOException("the server closed a connection"));
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
        listener.broken(failure);
        close();
    }

    private void begin() {
        buffer().writeBytes(PREFACE);
        frameHead(12, SETTINGS, 0, 0)
                .writeShort(ENABLE_PUSH)
                .writeInt(0)
                .writeShort(INITIAL_WINDOW_SIZE)
                .writeInt(LARGEST_WINDOW);
        frameHead(4, WINDOW_UPDATE, 0, 0).writeInt(LARGEST_WINDOW - FIRST_WINDOW);
        flush();
    }

    private void sendWhenRoom(WireCall call, int flags) {
        byte[] frame = frames[call.newestRequest()];
        if (!waiting.isEmpty() || frame.length > sendWindow || frame.length > call.sendWindow) {
            waiting.add(call);
            return;
        }
        sendNow(call, frame, flags);
    }

    private void sendNow(WireCall call, byte[] frame, int flags) {
        sendWindow -= frame.length;
        call.sendWindow -= frame.length;
        frameHead(frame.length, DATA, flags, call.streamId).writeBytes(frame);
    }

    /** Calls that go on are never made to wait here: their requests are small, and few at a time. */
    private void sendWaiting() {
        for (WireCall call = waiting.peek(); call != null; call = waiting.peek()) {
            byte[] frame = frames[call.newestRequest()];
            if (frame.length > sendWindow || frame.length > call.sendWindow) {
                return;
            }
            waiting.remove();
            sendNow(call, frame, listener.isOnce() ? END_STREAM : 0);
        }
    }

    private void readFrames(ByteBuf bytes) throws Exception {
        while (bytes.readableBytes() >= FRAME_HEAD) {
            int length = bytes.getUnsignedMedium(bytes.readerIndex());
            if (bytes.readableBytes() < FRAME_HEAD + length) {
                return;
            }
            bytes.skipBytes(3);
            int type = bytes.readUnsignedByte();
            int flags = bytes.readUnsignedByte();
            int streamId = bytes.readInt();
            int end = bytes.writerIndex();
            int frameEnd = bytes.readerIndex() + length;
            bytes.writerIndex(frameEnd);
            read(type, flags, streamId, bytes);
            bytes.readerIndex(frameEnd);
            bytes.writerIndex(end);
        }
    }

    private void read(int type, int flags, int streamId, ByteBuf frame) throws Exception {
        switch (type) {
            case DATA -> data(flags, streamId, frame);
            case HEADERS -> headers(flags, streamId, frame);
            case RST_STREAM -> failed(streamId);
            case SETTINGS -> settings(flags, frame);
            case PING -> {
                if ((flags & ACK) == 0) {
                    frameHead(8, PING, ACK, 0).writeBytes(frame);
                }
            }
            case GOAWAY -> listener.broken(new IOException("the server sends the client away"));
            case WINDOW_UPDATE -> windowUpdate(streamId, frame.readInt());
            case CONTINUATION -> throw new IOException("a header block of several frames");
            default -> {
                // Frames of other types are to be ignored.
            }
        }
    }

    private void data(int flags, int streamId, ByteBuf frame) {
        consumed += frame.readableBytes();
        if (consumed >= WINDOW_STEP) {
            frameHead(4, WINDOW_UPDATE, 0, 0).writeInt(consumed);
            consumed = 0;
        }
        unpad(flags, frame);
        WireCall call = calls.get(streamId);
        if (call != null) {
            while (frame.isReadable() && call.take(frame)) {
                listener.message(call);
            }
        }
        if ((flags & END_STREAM) != 0) {
            failed(streamId);
        }
    }

    private void headers(int flags, int streamId, ByteBuf frame) throws Exception {
        if ((flags & END_HEADERS) == 0) {
            throw new IOException("a header block of several frames");
        }
        unpad(flags, frame);
        if ((flags & PRIORITY) != 0) {
            frame.skipBytes(5);
        }
        int status = responses.status(streamId, frame);
        if ((flags & END_STREAM) != 0) {
            WireCall call = calls.remove(streamId);
            if (call != null) {
                listener.ended(call, status);
            }
        }
    }

    private void failed(int streamId) {
        WireCall call = calls.remove(streamId);
        if (call != null) {
            waiting.remove(call);
            listener.ended(call, ResponseHeads.NONE);
        }
    }

    private void settings(int flags, ByteBuf frame) {
        if ((flags & ACK) != 0) {
            return;
        }
        while (frame.isReadable()) {
            int name = frame.readUnsignedShort();
            int value = frame.readInt();
            if (name == INITIAL_WINDOW_SIZE) {
                int more = value - streamWindow;
                calls.values().forEach(call -> call.sendWindow += more);
                streamWindow = value;
            }
        }
        frameHead(0, SETTINGS, ACK, 0);
        if (!ready) {
            ready = true;
            listener.ready();
        }
        sendWaiting();
    }

    private void windowUpdate(int streamId, int more) {
        WireCall call = calls.get(streamId);
        if (streamId == 0) {
            sendWindow += more;
        } else if (call != null) {
            call.sendWindow += more;
        }
        sendWaiting();
    }

    private static void unpad(int flags, ByteBuf frame) {
        if ((flags & PADDED) != 0) {
            int padding = frame.readUnsignedByte();
            frame.writerIndex(frame.writerIndex() - padding);
        }
    }

    private ByteBuf frameHead(int length, int type, int flags, int streamId) {
        return buffer().writeMedium(length).writeByte(type).writeByte(flags).writeInt(streamId);
    }

    private ByteBuf buffer() {
        ByteBuf buffer = out;
        if (buffer == null) {
            if (context == null) {
                throw new IllegalStateException("Not connected");
            }
            buffer = context.alloc().directBuffer(MOST_OUT);
            out = buffer;
        }
        return buffer;
    }

    /** What comes in, told on the event loop. */
    interface Listener {

        /** The server has said hello. */
        void ready();

        /** A message of a call is whole. */
        void message(WireCall call);

        /** A call is over, with a status of gRPC or {@link ResponseHeads#NONE} where it had none. */
        void ended(WireCall call, int status);

        /** All that was there has been read. */
        void read();

        /** The connection is of no use any more. */
        void broken(Throwable cause);

        /** Whether a call has one request only. */
        boolean isOnce();
    }
}

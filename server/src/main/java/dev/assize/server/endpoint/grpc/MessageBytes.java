package dev.assize.server.endpoint.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Limits;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A message as its bytes: read from the transport once, and given to it in one piece. What cannot be read, as a compressed
 * message may turn out, has no bytes, and is refused where it is to be looked at: where it is read gRPC would say UNKNOWN.
 */
final class MessageBytes extends ByteArrayInputStream implements KnownLength, Drainable {

    /** Bytes in, bytes out; whoever handles the call reads them, and as often as it takes. */
    static final Marshaller<MessageBytes> MARSHALLER = new Marshaller<>() {
        @Override
        public InputStream stream(MessageBytes message) {
            return message;
        }

        @Override
        public MessageBytes parse(InputStream stream) {
            MessageBytes message = new MessageBytes(NONE);
            if (stream instanceof KnownLength) {
                message.read(stream);
            } else {
                message.unread = stream;
            }
            return message;
        }
    };

    /**
     * Messages that whoever handles the call reads as streams, and when it likes: gRPC takes back what it has them in as soon
     * as they are parsed.
     */
    static final Marshaller<InputStream> READ_LATER = new Marshaller<>() {
        @Override
        public InputStream stream(InputStream message) {
            return message;
        }

        @Override
        public InputStream parse(InputStream stream) {
            // What is compressed stays: see GzipLater.
            return stream instanceof KnownLength ? MARSHALLER.parse(stream) : stream;
        }
    };

    private static final byte[] NONE = {};

    /** A compressed message that nobody has looked at yet; null otherwise. */
    private @Nullable InputStream unread;

    /** Null for what was read. */
    private @Nullable RuntimeException refusal;

    private boolean plain = true;

    MessageBytes(byte[] bytes) {
        super(bytes);
    }

    static MessageBytes of(MessageLite message) {
        return new MessageBytes(message.toByteArray());
    }

    byte[] bytes() {
        inflate();
        return buf;
    }

    /** Whether it may be a request that needs no parser, as nobody has found yet that it is not. */
    boolean isPlain() {
        return plain;
    }

    /** It was looked at, and has to be asked as a message. */
    void isNotPlain() {
        plain = false;
    }

    /**
     * To be called before the bytes are looked at: to read many takes long.
     *
     * @throws WouldWaitException within prompt work, where they are more than is read there
     */
    void requireTimeToRead() {
        inflate();
        if (buf.length > Limits.PROMPT_MESSAGE_BYTES) {
            Prompt.requireTime();
        }
    }

    /** The message as the generated parser reads it; what is none is refused like every other malformed request. */
    <M> M as(Parser<M> parser) {
        inflate();
        if (refusal != null) {
            throw refusal;
        }
        try {
            return parser.parseFrom(buf);
        } catch (InvalidProtocolBufferException malformed) {
            throw malformed();
        }
    }

    /** What is said of bytes that are no message, such as text that is not UTF-8. */
    static RefusedException malformed() {
        return RefusedException.invalid(
                "request",
                "bytes that are no message",
                "a protobuf message of the RPC, its texts in UTF-8, nested at most 100 deep");
    }

    @Override
    public int drainTo(OutputStream target) throws IOException {
        int length = count - pos;
        target.write(buf, pos, length);
        pos = count;
        return length;
    }

    /** How long a compressed message is shows only now, so that it takes time, however short it came. */
    private void inflate() {
        InputStream compressed = unread;
        if (compressed != null) {
            Prompt.requireTime();
            unread = null;
            read(compressed);
        }
    }

    private void read(InputStream stream) {
        try {
            // The transport knows how long a message is: one array, filled once.
            buf = stream instanceof KnownLength ? stream.readNBytes(stream.available()) : stream.readAllBytes();
            count = buf.length;
        } catch (IOException broken) {
            refusal = malformed();
        } catch (StatusRuntimeException tooLarge) {
            refusal = tooLarge;
        }
    }
}

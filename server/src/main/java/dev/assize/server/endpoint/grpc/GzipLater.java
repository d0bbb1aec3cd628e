package dev.assize.server.endpoint.grpc;

import io.grpc.Codec;
import io.grpc.Decompressor;
import io.grpc.DecompressorRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Messages that were compressed by gzip, inflated when they are read and not before: gRPC has them on the event loop, and how
 * long they will be nobody knows. What is compressed is kept apart from the transport's buffers, which it wants back at once;
 * it is no longer than a message may be.
 */
final class GzipLater implements Decompressor {

    private static final Codec.Gzip GZIP = new Codec.Gzip();

    private GzipLater() {}

    /** What gRPC can read by itself, but later. */
    static DecompressorRegistry registry() {
        return DecompressorRegistry.getDefaultInstance().with(new GzipLater(), true);
    }

    @Override
    public String getMessageEncoding() {
        return GZIP.getMessageEncoding();
    }

    @Override
    public InputStream decompress(InputStream compressed) throws IOException {
        return new Inflated(compressed.readAllBytes());
    }

    /** By one thread after the other. */
    private static final class Inflated extends InputStream {

        /** Null from when they are read. */
        private byte @Nullable [] compressed;

        /** Null before, and behind the end. */
        private @Nullable InputStream inflated;

        Inflated(byte[] compressed) {
            this.compressed = compressed;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            byte[] whole = compressed;
            if (whole != null) {
                compressed = null;
                inflated = GZIP.decompress(new ByteArrayInputStream(whole));
            }
            InputStream stream = inflated;
            if (stream == null) {
                return -1;
            }
            int read = stream.read(target, offset, length);
            if (read < 0) {
                inflated = null;
                stream.close();
            }
            return read;
        }

        /** The transport closes it as soon as it has handed it over, before it was read. */
        @Override
        public void close() {}
    }
}

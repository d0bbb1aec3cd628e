package dev.assize.server.endpoint.grpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Decompressor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class GzipLaterTest {

    private final Decompressor gzip = requireNonNull(GzipLater.registry().lookupDecompressor("gzip"));

    @Test
    void isWhatGrpcReadsGzipWith() {
        assertThat(gzip).isInstanceOf(GzipLater.class);
        assertThat(GzipLater.registry().getAdvertisedMessageEncodings()).containsExactly("gzip");
    }

    @Test
    void inflatesWhatTheTransportHasTakenBackAlready() throws IOException {
        byte[] message = "what is said".repeat(10_000).getBytes(StandardCharsets.US_ASCII);
        byte[] compressed = compressed(message);
        InputStream inflated = gzip.decompress(new ByteArrayInputStream(compressed));
        Arrays.fill(compressed, (byte) 0);
        inflated.close();
        assertThat(inflated.read()).isEqualTo('w');
        assertThat(inflated.readAllBytes()).isEqualTo(Arrays.copyOfRange(message, 1, message.length));
        assertThat(inflated.read()).isEqualTo(-1);
    }

    @Test
    void findsOutThatItIsNoGzipNotBeforeItIsRead() throws IOException {
        InputStream inflated = gzip.decompress(new ByteArrayInputStream(new byte[] {1, 2, 3}));
        assertThatThrownBy(inflated::readAllBytes).isInstanceOf(IOException.class);
    }

    private static byte[] compressed(byte[] message) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(message);
        }
        return bytes.toByteArray();
    }
}

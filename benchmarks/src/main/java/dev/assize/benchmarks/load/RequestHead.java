package dev.assize.benchmarks.load;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The header block of a call, encoded once for a connection (RFC 7541).
 *
 * <p>The first call on a connection brings its headers as literals that both sides remember; every later one names them by
 * their index, one byte each, as clients do whose headers are the same each time.
 */
record RequestHead(byte[] first, byte[] later) {

    /** Of the static table: `:method: POST`, `:scheme: http` and `:scheme: https`. */
    private static final int POST = 0x83;

    private static final int HTTP = 0x86;
    private static final int HTTPS = 0x87;
    private static final int STATIC_ENTRIES = 61;
    private static final int INDEXED = 0x80;
    private static final int REMEMBERED_LITERAL = 0x40;
    private static final int SEVEN_BITS = 0x7f;

    /** Of gRPC: long, so that no call of a measurement meets it, and there, because clients send one. */
    private static final String DEADLINE = "60S";

    static RequestHead of(String path, Endpoint endpoint) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put(":path", path);
        headers.put(":authority", endpoint.authority());
        headers.put("te", "trailers");
        headers.put("content-type", "application/grpc");
        headers.put("user-agent", "assize-load");
        headers.put("grpc-timeout", DEADLINE);
        headers.put("authorization", "Bearer " + endpoint.key());
        int scheme = endpoint.tls() == null ? HTTP : HTTPS;
        return new RequestHead(literals(headers, scheme), indexes(headers.size(), scheme));
    }

    private static byte[] literals(Map<String, String> headers, int scheme) {
        ByteArrayOutputStream block = begin(scheme);
        headers.forEach((name, value) -> {
            block.write(REMEMBERED_LITERAL);
            text(name, block);
            text(value, block);
        });
        return block.toByteArray();
    }

    /** The one that was remembered last has the lowest index. */
    private static byte[] indexes(int count, int scheme) {
        ByteArrayOutputStream block = begin(scheme);
        for (int i = count; i > 0; i--) {
            block.write(INDEXED | STATIC_ENTRIES + i);
        }
        return block.toByteArray();
    }

    private static ByteArrayOutputStream begin(int scheme) {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        block.write(POST);
        block.write(scheme);
        return block;
    }

    /** Not Huffman-coded; the length in as many bytes as it takes. */
    private static void text(String text, ByteArrayOutputStream block) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        if (bytes.length < SEVEN_BITS) {
            block.write(bytes.length);
        } else {
            block.write(SEVEN_BITS);
            int left = bytes.length - SEVEN_BITS;
            for (; left > SEVEN_BITS; left >>>= 7) {
                block.write((left & SEVEN_BITS) | INDEXED);
            }
            block.write(left);
        }
        block.writeBytes(bytes);
    }
}

package dev.assize.benchmarks;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A `CheckRequest` of five short names as it comes over the wire: for each its tag, its length and its bytes. */
public final class RequestMessage {

    private static final int LENGTH_DELIMITED = 2;

    private RequestMessage() {}

    public static byte[] of(CheckQuery query) {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        put(message, 1, query.subject().toString());
        put(message, 2, query.resource().value());
        put(message, 3, query.action().value());
        put(message, 4, query.tenant().value());
        put(message, 5, query.env().value());
        return message.toByteArray();
    }

    /** Names shorter than 128 bytes only. */
    private static void put(ByteArrayOutputStream message, int field, String name) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        message.write(field << 3 | LENGTH_DELIMITED);
        message.write(utf8.length);
        message.writeBytes(utf8);
    }

    /** Where in the message the names are. */
    public static void read(byte[] message, CheckBytes names) {
        names.over(message);
        int at = 0;
        while (at < message.length) {
            int field = message[at] >> 3;
            int length = message[at + 1];
            at += 2;
            switch (field) {
                case 1 -> names.subject(at, length);
                case 2 -> names.resource(at, length);
                case 3 -> names.action(at, length);
                case 4 -> names.tenant(at, length);
                case 5 -> names.env(at, length);
                default -> throw new IllegalArgumentException("field " + field);
            }
            at += length;
        }
    }
}

package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import com.google.protobuf.Message;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Names answers: 128 bits in 32 hexadecimal digits. The first 48 are the millisecond, so that a decision on record is found by
 * its time and needs no row of its own for its name; 16 are drawn when the server starts; the rest is a counter from a random
 * beginning, enciphered by a key that is drawn then, too, so that no server repeats itself, two do not meet, and nobody can tell
 * of two names how many answers were given between them.
 */
public final class DecisionIds {

    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final int TIME_DIGITS = 12;
    private static final int SERVER_DIGITS = 4;
    private static final int COUNTER_DIGITS = 16;
    private static final int DIGITS = TIME_DIGITS + SERVER_DIGITS + COUNTER_DIGITS;

    private final Pepper pepper;
    private final InstantSource clock;
    private final short server;
    private final Speck cipher;
    private final AtomicLong counter;

    @Inject
    public DecisionIds(Pepper pepper, InstantSource clock) {
        SecureRandom random = new SecureRandom();
        this.pepper = pepper;
        this.clock = clock;
        this.server = (short) random.nextInt();
        this.cipher = new Speck(random.nextInt(), random.nextInt(), random.nextInt(), random.nextInt());
        this.counter = new AtomicLong(random.nextLong());
    }

    public String next() {
        byte[] digits = new byte[DIGITS];
        put(clock.millis(), TIME_DIGITS, digits, 0);
        put(server, SERVER_DIGITS, digits, TIME_DIGITS);
        put(cipher.encipher(counter.getAndIncrement()), COUNTER_DIGITS, digits, TIME_DIGITS + SERVER_DIGITS);
        return new String(digits, StandardCharsets.ISO_8859_1);
    }

    /** The lowest digits of a number, without a text for each number: every answer has such a name. */
    private static void put(long number, int digits, byte[] target, int offset) {
        long rest = number;
        for (int i = offset + digits - 1; i >= offset; i--) {
            target[i] = HEX[(int) rest & 0xF];
            rest >>>= 4;
        }
    }

    /**
     * The name of an answer whose retry is to have the same: of who asks for what under which key. It stands in entries, which
     * last: without the pepper nobody can try out whose name, or what, it was made of.
     */
    public String of(TenantId tenant, Recorder caller, String key, Message request) {
        byte[] hash = pepper.mac(
                        part("assize/decision-id"),
                        part(tenant.value()),
                        part(caller.home().value()),
                        part(caller.caller().toString()),
                        part(key),
                        Messages.bytes(request))
                .bytes();
        return HexFormat.of().formatHex(hash, 0, Long.BYTES * 2);
    }

    /** No name contains a NUL, so that what ends one is never taken for a part of it. */
    private static byte[] part(String text) {
        return (text + '\0').getBytes(StandardCharsets.UTF_8);
    }
}

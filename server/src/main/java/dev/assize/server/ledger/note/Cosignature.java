package dev.assize.server.ledger.note;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A signature with the time at which it was made, which it covers. */
final class Cosignature {

    private Cosignature() {}

    /** What is signed. */
    static byte[] message(String text, long epochSecond) {
        return ("cosignature/v1\ntime " + epochSecond + "\n" + text).getBytes(StandardCharsets.UTF_8);
    }

    /** What stands in the note. */
    static byte[] of(long epochSecond, byte[] signature) {
        return ByteBuffer.allocate(Long.BYTES + signature.length)
                .putLong(epochSecond)
                .put(signature)
                .array();
    }

    static boolean verifies(VerifierKey key, String text, byte[] cosignature) {
        if (cosignature.length < Long.BYTES) {
            return false;
        }
        long epochSecond = ByteBuffer.wrap(cosignature).getLong();
        byte[] signature = Arrays.copyOfRange(cosignature, Long.BYTES, cosignature.length);
        return epochSecond >= 0 && key.verifies(message(text, epochSecond), signature);
    }
}

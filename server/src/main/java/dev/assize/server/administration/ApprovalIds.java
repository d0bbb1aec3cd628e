package dev.assize.server.administration;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;

/** Names requests for approval: 48 bits of time, so that they sort as they were made, and 80 that nobody guesses. */
final class ApprovalIds {

    private static final int RANDOM_BYTES = 10;
    private static final int TIME_DIGITS = 12;

    private final SecureRandom random = new SecureRandom();

    String next(Instant now) {
        byte[] bytes = new byte[RANDOM_BYTES];
        random.nextBytes(bytes);
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(now.toEpochMilli(), TIME_DIGITS) + hex.formatHex(bytes);
    }
}

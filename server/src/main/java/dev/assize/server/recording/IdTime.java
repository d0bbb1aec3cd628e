package dev.assize.server.recording;

import java.util.HexFormat;
import java.util.OptionalLong;

/**
 * The time that the id of a decision begins with: its millisecond, in twelve hexadecimal digits. Whatever an id begins with is
 * held against when its decision was made, so that one that only looks as if it told a time is none of those that do.
 */
public final class IdTime {

    /** By how much the time of an id differs from that of its decision, at most, in microseconds. */
    public static final long SLACK_MICROS = 100_000;

    /** How far the times of a page lie from each other, at most, where its decisions are found by them. */
    public static final long PAGE_MICROS = 1_000_000;

    private static final int DIGITS = 12;
    private static final int MICROS_PER_MILLI = 1_000;

    private IdTime() {}

    /** In microseconds since 1970; empty where an id does not begin with a time. */
    public static OptionalLong micros(String id) {
        if (id.length() <= DIGITS) {
            return OptionalLong.empty();
        }
        for (int i = 0; i < DIGITS; i++) {
            if (!HexFormat.isHexDigit(id.charAt(i))) {
                return OptionalLong.empty();
            }
        }
        return OptionalLong.of(HexFormat.fromHexDigitsToLong(id, 0, DIGITS) * MICROS_PER_MILLI);
    }

    /** Whether an id, in UTF-8 among other bytes, tells when its decision was made. */
    static boolean isTold(byte[] bytes, int offset, int length, long decidedAtMicros) {
        if (length <= DIGITS) {
            return false;
        }
        long millis = 0;
        for (int i = offset; i < offset + DIGITS; i++) {
            if (!HexFormat.isHexDigit(bytes[i])) {
                return false;
            }
            millis = millis << 4 | HexFormat.fromHexDigit(bytes[i]);
        }
        long told = millis * MICROS_PER_MILLI;
        return decidedAtMicros >= told - SLACK_MICROS && decidedAtMicros <= told + SLACK_MICROS;
    }
}

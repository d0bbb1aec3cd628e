package dev.assize.server.cli;

import com.google.protobuf.Timestamp;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Locale;
import picocli.CommandLine.TypeConversionException;

/** Times and durations as people write them. What cannot be read is a mistake in the command, not a failure of it. */
final class Times {

    private Times() {}

    /** RFC 3339. */
    static Instant parse(String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException malformed) {
            throw new TypeConversionException("`" + text + "`: expected a time of RFC 3339, as 2026-02-22T14:02:00Z");
        }
    }

    /** A number with its unit. */
    static Duration parseDuration(String text) {
        try {
            String upper = text.toUpperCase(Locale.ROOT);
            return Duration.parse(upper.endsWith("D") ? "P" + upper : "PT" + upper);
        } catch (DateTimeException malformed) {
            throw new TypeConversionException("`" + text + "`: expected a duration, as 90d, 12h or 30m");
        }
    }

    static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder()
                .setSeconds(instant.getEpochSecond())
                .setNanos(instant.getNano())
                .build();
    }
}

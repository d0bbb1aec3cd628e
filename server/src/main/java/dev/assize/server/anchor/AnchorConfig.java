package dev.assize.server.anchor;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How heads are signed and kept outside.
 *
 * @param signingKeys the directory with the keys that sign
 * @param interval between two rounds
 * @param maxLag how long appends go on while the place outside cannot be reached
 * @param roundLedgers the most ledgers signed in a round
 * @param roundEntries about the most entries read in a round
 * @param cachedTrees right edges of trees kept in memory, about 2 KiB each
 */
public record AnchorConfig(
        Path signingKeys, Duration interval, Duration maxLag, int roundLedgers, int roundEntries, int cachedTrees) {

    public AnchorConfig {
        if (interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("anchor.interval `" + interval + "`: expected more than 0");
        }
        if (maxLag.compareTo(interval) <= 0) {
            throw new IllegalArgumentException(
                    "anchor.maxLag `" + maxLag + "`: expected more than anchor.interval, " + interval);
        }
        if (roundLedgers < 1 || roundEntries < 1 || cachedTrees < 0) {
            throw new IllegalArgumentException("a round of signing signs at least one ledger and one entry");
        }
    }

    public static AnchorConfig defaults(Path signingKeys) {
        return new AnchorConfig(signingKeys, Duration.ofSeconds(1), Duration.ofSeconds(60), 2_000, 50_000, 20_000);
    }
}

package dev.assize.server.anchor;

import dev.assize.server.anchor.witness.WitnessAddress;
import java.time.Duration;
import java.util.List;

/**
 * Who else signs the log of heads.
 *
 * @param witnesses none where nobody does
 * @param timeout how long one may take over an answer
 * @param renewal how old a signature becomes before it is asked for anew, though nothing has changed
 */
public record WitnessConfig(List<WitnessAddress> witnesses, Duration timeout, Duration renewal) {

    public WitnessConfig {
        witnesses = List.copyOf(witnesses);
        if (timeout.isNegative() || timeout.isZero() || renewal.isNegative() || renewal.isZero()) {
            throw new IllegalArgumentException("anchor.witnessTimeout and anchor.witnessRenewal: expected more than 0");
        }
    }

    public static WitnessConfig defaults() {
        return new WitnessConfig(List.of(), Duration.ofSeconds(5), Duration.ofMinutes(5));
    }
}

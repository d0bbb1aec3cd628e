package dev.assize.server.cli.policytest;

import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a test expects: one reason, or `ALLOW`, or `DENY` for a deny of whatever reason.
 *
 * @param text as the suite writes it
 */
record Expectation(String text, Set<Reason> reasons) {

    static final String EXPECTED = "`ALLOW`, `DENY`, or a reason such as `ALLOWED` or `NO_GRANT`";

    Expectation {
        reasons = Set.copyOf(reasons);
    }

    static Expectation parse(String text) {
        return switch (text) {
            case "ALLOW" -> new Expectation(text, Set.of(Reason.ALLOWED));
            case "DENY" -> new Expectation(text, EnumSet.complementOf(EnumSet.of(Reason.ALLOWED)));
            default -> new Expectation(text, Set.of(reason(text)));
        };
    }

    boolean isMetBy(Reason reason) {
        return reasons.contains(reason);
    }

    private static Reason reason(String text) {
        return Arrays.stream(Reason.values())
                .filter(reason -> reason.name().equals(text))
                .findFirst()
                .orElseThrow(() -> new MalformedException(text, EXPECTED));
    }
}

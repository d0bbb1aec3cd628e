package dev.assize.server.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PiiPatternTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = true, textBlock = """
            [a-z]+@[a-z.]+ | write to ann@fund.com now     | write to [masked] now
            \\d{16}         | pay 4111111111111111 and more | pay [masked] and more
            x              | nothing here                  | nothing here
            [0-9]          | my number is 0123456789       | my number is [masked]
            \\b             | words stay                    | words stay
            [aeiou]        | a e i o u                     | [masked]
            """)
    void masksWhatMatches(String pattern, String text, String masked) {
        assertThat(new PiiPattern(pattern).mask(text)).isEqualTo(masked);
    }

    @Test
    void neverMakesATextLongerThanItWasOrTheMask() {
        PiiPattern everyOther = new PiiPattern("a");
        assertThat(everyOther.mask("ab".repeat(4_000))).isEqualTo(PiiPattern.MASK);
        assertThat(everyOther.mask("a")).isEqualTo(PiiPattern.MASK);
    }

    @Test
    void matchesWhatBacktrackingWouldNotEndOn() {
        assertThat(new PiiPattern("(a+)+$").mask("a".repeat(8_000) + "!")).endsWith("a!");
    }
}

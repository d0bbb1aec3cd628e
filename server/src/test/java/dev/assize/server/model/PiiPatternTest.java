package dev.assize.server.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            [masked] asked       | Ann asked                | true
            [masked] asked       | ' asked'                 | false
            [masked] asked       | Ann asks                 | false
            we asked [masked]    | we asked Ann             | true
            we asked [masked]    | 'we asked '              | false
            we asked [masked]    | they asked Ann           | false
            a[masked]b[masked]c  | a1b2c                    | true
            a[masked]b[masked]c  | abbbc                    | true
            a[masked]b[masked]c  | abbc                     | false
            a[masked]b[masked]c  | a1b2                     | false
            [masked][masked]     | ab                       | true
            [masked][masked]     | a                        | false
            [masked]             | anything at all          | true
            nothing              | nothing                  | true
            nothing              | nothing else             | false
            """)
    void knowsWhatWasMasked(String masked, String text, boolean fits) {
        assertThat(PiiPattern.isMasked(masked, text)).isEqualTo(fits);
    }

    /** Who altered what is kept of a masked text chose it so that to look at every way would take for ever. */
    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void looksAtATextOnceHoweverManyMasksThereAre() {
        assertThat(PiiPattern.isMasked("a[masked]".repeat(50) + "b", "a".repeat(8_000)))
                .isFalse();
        assertThat(PiiPattern.isMasked("a[masked]".repeat(50) + "b", "a".repeat(8_000) + "b"))
                .isTrue();
    }

    @Test
    void matchesWhatBacktrackingWouldNotEndOn() {
        assertThat(new PiiPattern("(a+)+$").mask("a".repeat(8_000) + "!")).endsWith("a!");
    }
}

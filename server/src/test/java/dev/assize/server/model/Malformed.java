package dev.assize.server.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What no name may contain, and how a refusal looks. */
final class Malformed {

    /** One character of each forbidden class, and their neighbours in the tables. */
    static final List<String> CHARACTERS = List.of(
            "\u0000",
            "\t",
            "\n",
            "\r",
            "\u001F",
            "\u007F",
            "\u0085",
            "\u009F",
            "\u00AD",
            "\u200B",
            "\u200D",
            "\u202E",
            "\u2028",
            "\u2029",
            "\u2060",
            "\u2066",
            "\uFEFF",
            "\uFDD0",
            "\uFDEF",
            "\uFFFE",
            "\uFFFF",
            "\uD800",
            "\uDBFF",
            "\uDC00",
            "\uDFFF",
            "\uDE00\uD83D",
            Character.toString(0x1FFFE),
            Character.toString(0x10FFFF),
            Character.toString(0xE0001),
            Character.toString(0xE0041));

    /** Odd, and yet names: nothing is folded, normalised or stripped. */
    static final List<String> ALLOWED = List.of(
            " ",
            "\u00A0",
            "\u00E9",
            "e\u0301",
            "\u4F8B",
            "\uFFFD",
            "\uFDCF",
            "\uFDF0",
            "\uE000",
            Character.toString(0x1F600),
            Character.toString(0x1FFFD),
            "*",
            "a:b",
            "\\",
            "\"");

    private Malformed() {}

    static void assertMalformed(String expected, ThrowingCallable reading) {
        assertThatExceptionOfType(MalformedException.class).isThrownBy(reading).satisfies(e -> {
            assertThat(e.expected()).isEqualTo(expected);
            assertThat(Names.isClean(String.valueOf(e.getMessage()))).isTrue();
        });
    }
}

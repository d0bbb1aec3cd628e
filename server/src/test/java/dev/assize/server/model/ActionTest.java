package dev.assize.server.model;

import static dev.assize.server.model.Malformed.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ActionTest {

    @ParameterizedTest
    @ValueSource(
            strings = {"", "*", "1read", "_read", ":read", "re ad", "re/ad", "read\n", "lesé", "read%", "а", " read"})
    void refusesOtherForms(String text) {
        assertMalformed(Action.EXPECTED, () -> new Action(text));
    }

    @ParameterizedTest
    @MethodSource("forbidden")
    void refusesForbiddenCharacters(String character) {
        assertMalformed(Action.EXPECTED, () -> new Action("read" + character));
    }

    @Test
    void refusesAHundredAndTwentyNineCharactersAndTakesOneLess() {
        assertMalformed(Action.EXPECTED, () -> new Action("a".repeat(129)));

        assertThat(new Action("a".repeat(128)).value()).hasSize(128);
    }

    @ParameterizedTest
    @ValueSource(strings = {"r", "R", "read", "replay:execute", "a_b.c-d:e", "a:", "Z9"})
    void takesTheContractsForm(String text) {
        assertThat(new Action(text)).hasToString(text);
    }

    @Test
    void foldsNoCase() {
        assertThat(new Action("Read")).isNotEqualTo(new Action("read"));
    }

    private static Stream<String> forbidden() {
        return Malformed.CHARACTERS.stream();
    }
}

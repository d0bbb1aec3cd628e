package dev.assize.server.model;

import static dev.assize.server.model.Malformed.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SubjectTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "user",
                "user:",
                ":alice",
                "User:alice",
                "1user:alice",
                "_user:alice",
                "us er:alice",
                "us/er:alice",
                " user:alice",
                "user :alice",
                "usér:alice",
                "*:alice",
                "*"
            })
    void refusesOtherForms(String text) {
        assertMalformed(Subject.EXPECTED, () -> Subject.parse(text));
    }

    @ParameterizedTest
    @MethodSource("forbidden")
    void refusesForbiddenCharactersAnywhere(String character) {
        for (String id : List.of(character, character + "a", "a" + character, "a" + character + "a")) {
            assertMalformed(Subject.EXPECTED, () -> Subject.parse("user:" + id));
            assertMalformed(Subject.EXPECTED, () -> new Subject("user", id));
            assertMalformed(Subject.EXPECTED, () -> new Subject("user" + id, "a"));
        }
    }

    @Test
    void refusesAGroupInARequestOnly() {
        assertMalformed(Subject.EXPECTED_OF_REQUEST, () -> Subject.parseOfRequest("group:noc"));

        assertThat(Subject.parse("group:noc").isGroup()).isTrue();
        assertThat(Subject.parseOfRequest("user:group:noc").isGroup()).isFalse();
        assertThat(Subject.parseOfRequest("groups:noc").isGroup()).isFalse();
        assertMalformed(Subject.EXPECTED, () -> Subject.parseOfRequest("Group:noc"));
    }

    @Test
    void refusesATypeOfThirtyThreeCharactersAndTakesOneLess() {
        assertMalformed(Subject.EXPECTED, () -> Subject.parse("t".repeat(33) + ":a"));

        assertThat(Subject.parse("t".repeat(32) + ":a").type()).hasSize(32);
    }

    @Test
    void countsTheBytesOfAnIdAndNotItsCharacters() {
        assertMalformed(Subject.EXPECTED, () -> Subject.parse("user:" + "a".repeat(257)));
        assertMalformed(Subject.EXPECTED, () -> Subject.parse("user:" + "a".repeat(255) + "é"));
        assertMalformed(Subject.EXPECTED, () -> Subject.parse("user:" + "例".repeat(85) + "éa"));
        assertMalformed(Subject.EXPECTED, () -> Subject.parse("user:" + "😀".repeat(64) + "a"));

        assertThat(Subject.parse("user:" + "a".repeat(256)).id()).hasSize(256);
        assertThat(Subject.parse("user:" + "é".repeat(128)).id()).hasSize(128);
        assertThat(Subject.parse("user:" + "例".repeat(85) + "a").id()).hasSize(86);
        assertThat(Subject.parse("user:" + "😀".repeat(64)).id()).hasSize(128);
    }

    @ParameterizedTest
    @MethodSource("allowed")
    void takesOddIdsAsTheyAre(String id) {
        assertThat(Subject.parse("user:" + id))
                .isEqualTo(new Subject("user", id))
                .hasToString("user:" + id);
    }

    @Test
    void splitsAtTheFirstColonOnly() {
        assertThat(Subject.parse("service:a:b:c")).isEqualTo(new Subject("service", "a:b:c"));
        assertThat(Subject.parse("service::")).isEqualTo(new Subject("service", ":"));
    }

    @Test
    void foldsAndNormalisesNothing() {
        assertThat(Subject.parse("user:Alice")).isNotEqualTo(Subject.parse("user:alice"));
        assertThat(Subject.parse("user:\u00E9")).isNotEqualTo(Subject.parse("user:e\u0301"));
    }

    private static Stream<String> forbidden() {
        return Malformed.CHARACTERS.stream();
    }

    private static Stream<String> allowed() {
        return Malformed.ALLOWED.stream();
    }
}

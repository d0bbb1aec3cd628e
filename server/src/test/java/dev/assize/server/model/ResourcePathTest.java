package dev.assize.server.model;

import static dev.assize.server.model.Malformed.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResourcePathTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                ":",
                "*",
                "vault:",
                ":company",
                "/vault:a",
                "vault:a/",
                "vault:a//agent:b",
                "vault/agent:b",
                "vault/agent",
                "vault:a/agent/x:c",
                "Vault:a",
                "vault:a/Agent",
                "vault:a/1x:b",
                "va ult",
                "vault:a/*",
                "vault :a",
                "vault:a/:b"
            })
    void refusesOtherForms(String text) {
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "%", "%2", "%2f", "%2e", "%2E", "%00", "%20", "%252f%", "%%25", "a%", "a%2", "a%2G", "%25%", "%u2F"
            })
    void refusesEveryOtherEscape(String id) {
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("vault:" + id));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("vault:" + id + "/agent:b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"%2F", "%25", "a%2Fb%25c", "%252F", "%252f", "%25%25", "%2F%2F"})
    void takesTheTwoEscapesAsWritten(String id) {
        assertThat(ResourcePath.parse("vault:" + id).value()).isEqualTo("vault:" + id);
    }

    @ParameterizedTest
    @MethodSource("forbidden")
    void refusesForbiddenCharactersAnywhere(String character) {
        for (String id : List.of(character, character + "a", "a" + character, "a" + character + "a")) {
            assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("vault:" + id));
            assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("vault:" + id + "/agent:b"));
            assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("vault" + id));
        }
    }

    @ParameterizedTest
    @MethodSource("allowed")
    void takesOddIdsAsTheyAre(String id) {
        assertThat(ResourcePath.parse("vault:" + id + "/agent:" + id))
                .isEqualTo(new ResourcePath("vault:" + id + "/agent:" + id, "agent", false));
    }

    @Test
    void refusesNineSegmentsAndTakesEight() {
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("a:b/".repeat(8) + "a:b"));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("a:b/".repeat(8) + "a"));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("a:b/".repeat(100_000)));

        assertThat(ResourcePath.parse("a:b/".repeat(7) + "a:b").type()).isEqualTo("a");
        assertThat(ResourcePath.parse("a:b/".repeat(7) + "a").wholeType()).isTrue();
    }

    @Test
    void countsTheBytesOfAPathAndNotItsCharacters() {
        String three = ("a:" + "x".repeat(253) + "/").repeat(3);

        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse(three + "abc:" + "x".repeat(253)));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse(three + "abc:" + "x".repeat(251) + "é"));

        assertThat(ResourcePath.parse(three + "abc:" + "x".repeat(252)).value()).hasSize(1_024);
        assertThat(ResourcePath.parse(three + "abc:" + "é".repeat(126)).value()).hasSize(898);
    }

    @Test
    void countsTheBytesOfAnIdAsWritten() {
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("a:" + "x".repeat(257)));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("a:" + "é".repeat(128) + "x"));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("a:" + "x".repeat(254) + "%2F"));

        assertThat(ResourcePath.parse("a:" + "x".repeat(256)).type()).isEqualTo("a");
        assertThat(ResourcePath.parse("a:" + "é".repeat(128)).type()).isEqualTo("a");
        assertThat(ResourcePath.parse("a:" + "x".repeat(253) + "%2F").type()).isEqualTo("a");
    }

    @Test
    void refusesATypeOfThirtyThreeCharactersAndTakesOneLess() {
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("t".repeat(33)));
        assertMalformed(ResourcePath.EXPECTED, () -> ResourcePath.parse("t".repeat(33) + ":a"));

        assertThat(ResourcePath.parse("t".repeat(32)).wholeType()).isTrue();
        assertThat(ResourcePath.parse("t".repeat(32) + ":a").wholeType()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "vault:company/agent:a,    vault:company,        true",
        "vault:company,            vault:company,        true",
        "vault:company/agent,      vault:company,        true",
        "vault:company/agent:a:b,  vault:company,        true",
        "vault:company,            vault:comp,           false",
        "vault:company/agent:a,    vault:comp,           false",
        "vault:company-2/agent:a,  vault:company,        false",
        "vault:company%2Fagent:a,  vault:company,        false",
        "vault:Company/agent:a,    vault:company,        false",
        "vault:company,            vault:company/agent:a, false",
        "agent:a,                  vault:company,        false",
        "x:1/vault:company,        vault:company,        false",
    })
    void liesUnderWholeSegmentsOnly(String path, String ancestor, boolean expected) {
        assertThat(ResourcePath.parse(path).isUnder(ResourcePath.parse(ancestor)))
                .isEqualTo(expected);
    }

    private static Stream<String> forbidden() {
        return Malformed.CHARACTERS.stream();
    }

    private static Stream<String> allowed() {
        return Malformed.ALLOWED.stream().filter(text -> !text.contains("/"));
    }
}

package dev.assize.server.model;

import static dev.assize.server.model.Malformed.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TenantAndEnvironmentTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".a",
                "_a",
                "-a",
                "~platform",
                "a b",
                "a/b",
                "a:b",
                "a@b",
                "a%",
                "é",
                "a\u0301",
                "а",
                "a\n",
                "\na",
                "a\u0000",
                "a\u200B",
                "*",
                "ａ"
            })
    void refusesOtherForms(String name) {
        assertMalformed(TenantId.EXPECTED, () -> new TenantId(name));
        assertMalformed(Environment.EXPECTED, () -> new Environment(name));
    }

    @ParameterizedTest
    @MethodSource("forbidden")
    void refusesForbiddenCharactersAnywhere(String character) {
        for (String name : List.of(character, character + "a", "a" + character, "a" + character + "a")) {
            assertMalformed(TenantId.EXPECTED, () -> new TenantId(name));
            assertMalformed(Environment.EXPECTED, () -> new Environment(name));
        }
    }

    @Test
    void refusesSixtyFourCharactersAndTakesSixtyThree() {
        assertMalformed(TenantId.EXPECTED, () -> new TenantId("a".repeat(64)));
        assertMalformed(Environment.EXPECTED, () -> new Environment("a".repeat(64)));

        assertThat(new TenantId("a".repeat(63)).value()).hasSize(63);
        assertThat(new Environment("a".repeat(63)).value()).hasSize(63);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "A", "0", "tenant-A", "a.b_c-d", "1e3", "a--", "a.."})
    void takesTheContractsForm(String name) {
        assertThat(new TenantId(name)).hasToString(name);
        assertThat(new Environment(name)).hasToString(name);
    }

    @Test
    void foldsNoCase() {
        assertThat(new TenantId("Acme")).isNotEqualTo(new TenantId("acme"));
        assertThat(new Environment("Production")).isNotEqualTo(new Environment("production"));
    }

    @Test
    void takesAnEmptyEnvironmentOfARequestForTheDefault() {
        assertThat(Environment.ofRequest("")).isEqualTo(new Environment("default"));
        assertThat(Environment.ofRequest("staging")).isEqualTo(new Environment("staging"));
        assertMalformed(Environment.EXPECTED, () -> Environment.ofRequest(" "));
    }

    private static Stream<String> forbidden() {
        return Malformed.CHARACTERS.stream();
    }
}

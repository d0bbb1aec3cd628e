package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiscretionTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "see /home/somebody/assize/server.log; see server.log",
                "filename=/srv/x/profile.jfr,dumponexit=true; filename=profile.jfr,dumponexit=true",
                "`/opt/jdk-25/bin/java` ended; `java` ended",
                "cannot reach /127.0.0.1:7443; cannot reach 127.0.0.1:7443",
                "from https://registry.example.com/maven2/x.jar; from (left out)",
                "jdbc:postgresql://db-7:5432/assize is shut; (left out) is shut"
            })
    void keepsToItselfWhereThingsAre(String text, String told) {
        assertThat(Discretion.of(text, "", "")).isEqualTo(told);
    }

    @Test
    void keepsToItselfWhoseMachineItIs() {
        assertThat(Discretion.of("builder-7 refused somebody, and somebody-else", "builder-7", "somebody"))
                .isEqualTo("(left out) refused (left out), and (left out)-else");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "decisions/s of 1/k, 3.60 3.84 3.47 3/122 27510",
                "assize/load/1",
                "-XX:+UseG1GC -Xmx3g",
                "servers on processor 0, the client on 1 (taskset)",
                "the root of it"
            })
    void leavesFiguresAlone(String text) {
        assertThat(Discretion.of(text, "localhost", "root")).isEqualTo(text);
    }
}

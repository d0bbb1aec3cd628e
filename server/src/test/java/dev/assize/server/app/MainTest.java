package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.cli.Surroundings;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainTest {

    private static final Surroundings SURROUNDINGS = new Surroundings(Map.of(), false, InstantSource.system());

    @Test
    void knowsNoOtherCommandWhereAServerIsStarted() {
        assertThat(commands("serve", "--upstream", "localhost:1")).containsOnlyKeys("serve");
    }

    @Test
    void knowsEveryCommandWhereAnythingElseIsSaid() {
        assertThat(commands()).hasSizeGreaterThan(15).containsKeys("serve", "check", "audit");
        assertThat(commands("--output", "json", "serve")).containsKey("check");
        assertThat(commands("Serve")).containsKey("check");
        assertThat(commands("help", "serve")).containsKey("check");
    }

    @Test
    void describesAServersStartTheSameByItself() {
        assertThat(usageOfServe("serve", "--help")).contains("assize serve").isEqualTo(usageOfServe());
    }

    private static String usageOfServe(String... args) {
        return Objects.requireNonNull(commands(args).get("serve")).getUsageMessage();
    }

    private static Map<String, CommandLine> commands(String... args) {
        return Main.commandLine(SURROUNDINGS, args).getSubcommands();
    }
}

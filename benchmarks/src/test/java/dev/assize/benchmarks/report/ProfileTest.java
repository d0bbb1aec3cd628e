package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProfileTest {

    /** Start of a JVM and of JMH, the policy made and compiled, and 64 questions; more with a million bindings. */
    private static final Duration BEFORE_TIMING = Duration.ofSeconds(3);

    @Test
    void leavesTheOtherHalfOfTheHourToTheWire() {
        assertThat(whole(Profile.FULL)).isLessThan(Duration.ofMinutes(32));
        assertThat(whole(Profile.SMOKE)).isLessThan(Duration.ofMinutes(10));
    }

    @ParameterizedTest
    @EnumSource
    void measuresEachCellOnlyOnce(Profile profile) {
        assertThat(profile.cells()).doesNotHaveDuplicates();
    }

    @Test
    void triesAllThatTheFullOneMeasures() {
        assertThat(Profile.TRIAL.cells()).isEqualTo(Profile.FULL.cells());
        assertThat(Profile.TRIAL.processes()).isEqualTo(Profile.FULL.cells().size());
    }

    @Test
    void takesWhatItsTableOfMinutesSays() throws IOException {
        assertThat(Files.readString(Path.of("../docs/performance/README.md")))
                .contains(Profile.FULL.processes() + " processes of 1.5 s, those of others' engines of 2.5 s");
    }

    @Test
    void hasNineRoundsOfBothSidesOfEachRatioThatIsJudged() {
        for (String world : List.of("HOT", "HOT_OF_MANY", "COLD")) {
            assertNineRounds("desk", "desk", world);
            assertNineRounds("desk", "nestedMaps", world);
        }
        for (String engine : List.of("assize", "nested-maps", "jcasbin", "jcasbin-cached-from-bytes", "cedar-java")) {
            assertNineRounds("peers", engine, "one-tenant");
        }
        for (String model : List.of(
                "policies-10", "policies-40000", "bindings-1000", "bindings-1000000", "hospital-5", "hospital-300")) {
            assertNineRounds(model.substring(0, model.indexOf('-')), "assize", model);
        }
        for (String world : List.of("gdrive-50", "github-50", "tinytodo-50")) {
            assertNineRounds("worlds", "assize", world);
            assertNineRounds("worlds", "cedar-java", world);
        }
        assertThat(Profile.FULL.heap()).isEqualTo(1_000_000);
    }

    /** The interval of six values holds the true median 97 times in 100, that of five 94 times. */
    @Test
    void hasSixRoundsOfEachFigureThatIsJudgedAndNoRatio() {
        for (String world : List.of("ALLOW", "DENY", "GROUP", "SCOPED", "TIMED")) {
            assertThat(Profile.FULL.cells()).contains(new Cell("desk", "desk", world, "HOT", 6));
        }
    }

    /** What is judged stands at the ends of the row, whatever was measured fewer times between them. */
    @Test
    void growsFromTheFirstToTheLastOfWhatIsMeasured() {
        for (String part : List.of("policies", "bindings", "hospital")) {
            List<Integer> rounds = Profile.FULL.cells().stream()
                    .filter(cell -> cell.part().equals(part)
                            && cell.engine().equals("assize")
                            && cell.access().equals("HOT"))
                    .sorted((one, other) -> Integer.compare(Decisions.size(one.model()), Decisions.size(other.model())))
                    .map(Cell::rounds)
                    .toList();
            assertThat(rounds).startsWith(9).endsWith(9);
        }
    }

    @Test
    void warmsUpEnginesOfOthersForLonger() {
        assertThat(Profile.FULL.warmUps(new Cell("peers", "cedar-java", "one-tenant", "HOT", 9)))
                .isEqualTo(2);
        assertThat(Profile.FULL.warmUps(new Cell("peers", "assize", "one-tenant", "HOT", 9)))
                .isEqualTo(1);
    }

    private static void assertNineRounds(String part, String engine, String model) {
        assertThat(Profile.FULL.cells()).contains(new Cell(part, engine, model, "HOT", 9));
    }

    private static Duration whole(Profile profile) {
        return profile.timed().plus(BEFORE_TIMING.multipliedBy(profile.processes()));
    }
}

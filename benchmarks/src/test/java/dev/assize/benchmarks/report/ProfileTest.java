package dev.assize.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProfileTest {

    /** Start of a JVM and of JMH, the policy made and compiled, and 64 questions; more with a million bindings. */
    private static final Duration BEFORE_TIMING = Duration.ofSeconds(3);

    @Test
    void leavesTheOtherHourToTheWire() {
        assertThat(whole(Profile.FULL)).isLessThan(Duration.ofMinutes(75));
        assertThat(whole(Profile.SMOKE)).isLessThan(Duration.ofMinutes(15));
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

    /** What has a bar. */
    @Test
    void growsFromEndToEndInAllRounds() {
        for (String model : List.of("policies-10", "policies-40000", "bindings-1000", "bindings-1000000")) {
            String part = model.substring(0, model.indexOf('-'));
            assertThat(Profile.FULL.cells()).contains(new Cell(part, "assize", model, "HOT", 9));
        }
        assertThat(Profile.FULL.heap()).isEqualTo(1_000_000);
    }

    private static Duration whole(Profile profile) {
        return profile.timed().plus(BEFORE_TIMING.multipliedBy(profile.processes()));
    }
}

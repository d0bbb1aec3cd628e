package dev.assize.server.endpoint.call;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.recording.IdTime;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DecisionIdsTest {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00.123Z");

    @Test
    void noTwoIdsOfTwoServersAreTheSame() {
        DecisionIds one = new DecisionIds(() -> NOW);
        DecisionIds other = new DecisionIds(() -> NOW);
        assertThat(Stream.concat(
                        Stream.generate(one::next).limit(10_000),
                        Stream.generate(other::next).limit(10_000)))
                .allMatch(id -> id.matches("[0-9a-f]{32}"))
                .doesNotHaveDuplicates();
    }

    /** Decisions on record are found by it. */
    @Test
    void anIdBeginsWithItsMillisecond() {
        assertThat(IdTime.micros(new DecisionIds(() -> NOW).next())).hasValue(NOW.toEpochMilli() * 1_000);
        assertThat(IdTime.micros("d-88-0")).isEmpty();
        assertThat(IdTime.micros("0195")).isEmpty();
    }
}

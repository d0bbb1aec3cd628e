package dev.assize.server.endpoint.call;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.IdTime;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DecisionIdsTest {

    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00.123Z");

    @Test
    void noTwoIdsOfTwoServersAreTheSame() {
        DecisionIds one = ids(1);
        DecisionIds other = ids(1);
        assertThat(Stream.concat(
                        Stream.generate(one::next).limit(10_000),
                        Stream.generate(other::next).limit(10_000)))
                .allMatch(id -> id.matches("[0-9a-f]{32}"))
                .doesNotHaveDuplicates();
    }

    /** Undone by whoever knows the code and not the key, neighbours are no nearer to each other than any two numbers are. */
    @Test
    void neighboursDoNotTellHowManyIdsWereGivenBetween() {
        DecisionIds ids = ids(1);
        Set<Long> steps = new HashSet<>();
        long before = counter(ids.next());
        for (int i = 0; i < 1_000; i++) {
            long next = counter(ids.next());
            steps.add(next - before);
            before = next;
        }
        assertThat(steps).hasSizeGreaterThan(990);
    }

    /** The number that would be behind the id if it were mixed by SplitMix64, which everybody can undo. */
    private static long counter(String id) {
        long z = Long.parseUnsignedLong(id.substring(16), 16);
        z = (z ^ z >>> 31 ^ z >>> 62) * 0x319642B2D24D8EC3L;
        z = (z ^ z >>> 27 ^ z >>> 54) * 0x96DE1B173F119089L;
        return z ^ z >>> 30 ^ z >>> 60;
    }

    @Test
    void aRetryIsNamedAsItsFirstAndOnlyWithThePepper() {
        String named = keyed(ids(1), "alice", "k");
        assertThat(named).matches("[0-9a-f]{32}").isEqualTo(keyed(ids(1), "alice", "k"));
        assertThat(keyed(ids(2), "alice", "k")).isNotEqualTo(named);
        assertThat(keyed(ids(1), "bob", "k")).isNotEqualTo(named);
        assertThat(keyed(ids(1), "alice", "l")).isNotEqualTo(named);
    }

    private static String keyed(DecisionIds ids, String user, String key) {
        return ids.of(
                new TenantId("acme"),
                new Recorder(new Subject("user", user), new TenantId("acme")),
                key,
                CheckRequest.newBuilder().setAction("read").build());
    }

    private static DecisionIds ids(int pepper) {
        byte[] secret = new byte[32];
        secret[0] = (byte) pepper;
        return new DecisionIds(Pepper.of(secret), () -> NOW);
    }

    /** Decisions on record are found by it. */
    @Test
    void anIdBeginsWithItsMillisecond() {
        assertThat(IdTime.micros(ids(1).next())).hasValue(NOW.toEpochMilli() * 1_000);
        assertThat(IdTime.micros("d-88-0")).isEmpty();
        assertThat(IdTime.micros("0195")).isEmpty();
    }
}

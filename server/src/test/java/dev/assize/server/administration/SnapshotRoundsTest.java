package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotRoundsTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    private static final PolicyScope BETA = PolicyScope.of(new TenantId("beta"));

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final FakeSnapshots snapshots = new FakeSnapshots();
    private final SnapshotRounds rounds = new SnapshotRounds(snapshots, SnapshotConfig.defaults(), meters);

    @AfterEach
    void stop() {
        rounds.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "-PT1S", "P32D"})
    void refusesWhatIsNoTime(String every) {
        assertThatThrownBy(() -> new SnapshotConfig(Duration.parse(every)))
                .hasMessageContaining("policy.snapshotEvery");
    }

    @Test
    void complainsOfWhatDriftedUntilItIsWritten() {
        snapshots.due.add(List.of(ACME, BETA));
        snapshots.failures.add(new PolicyDriftException(ACME, "other digest"));
        rounds.round();

        assertThat(rounds.complaint()).get().asString().contains("tenant `acme`", "other digest", "policy replay");
        assertThat(snapshots.written).containsExactly(BETA);
        assertThat(meters.get("assize.policy.drifted").gauge().value()).isOne();
        assertThat(meters.get("assize.policy.snapshots.failed").counter().count())
                .isOne();

        snapshots.due.add(List.of(ACME));
        rounds.round();

        assertThat(rounds.complaint()).isEmpty();
        assertThat(meters.get("assize.policy.snapshots").counter().count()).isEqualTo(2);
    }

    @Test
    void goesOnWithTheOthersWhereOneFails() {
        snapshots.due.add(List.of(ACME, BETA));
        snapshots.failures.add(new StoreUnavailableException("away", new IllegalStateException("away")));
        rounds.round();

        assertThat(snapshots.written).containsExactly(BETA);
        assertThat(rounds.complaint()).isEmpty();
    }

    @Test
    void asksAgainUntilNothingIsDue() {
        snapshots.due.add(List.of(ACME));
        snapshots.due.add(List.of(BETA));
        rounds.round();

        assertThat(snapshots.written).containsExactly(ACME, BETA);
        assertThat(snapshots.ages).as("what changed a day ago").containsOnly(Duration.ofDays(1));
    }

    /** Fails as often as it is told to, then writes. */
    private static final class FakeSnapshots implements PolicySnapshots {

        final Deque<List<PolicyScope>> due = new ArrayDeque<>();
        final Deque<RuntimeException> failures = new ArrayDeque<>();
        final List<PolicyScope> written = new ArrayList<>();
        final List<Duration> ages = new ArrayList<>();

        @Override
        public void cover(TenantId ledger, long seq) {
            throw new AssertionError("not asked for here");
        }

        @Override
        public List<PolicyScope> takeDue(Duration age, int limit) {
            ages.add(age);
            List<PolicyScope> next = due.poll();
            return next == null ? List.of() : next;
        }

        @Override
        public boolean write(PolicyScope scope) {
            RuntimeException failure = failures.poll();
            if (failure != null) {
                throw failure;
            }
            return written.add(scope);
        }
    }
}

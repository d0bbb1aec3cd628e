package dev.assize.client.enforcement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.AssizeClient;
import dev.assize.client.Obligation;
import dev.assize.client.Question;
import dev.assize.client.testing.FakeAssize;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EnforcerTest {

    private static final Question QUESTION = Question.of("user:alice", "doc:1", "read");

    private final FakeAssize assize = new FakeAssize();
    private final List<String> done = new ArrayList<>();

    @Test
    void deniesWithoutAQuestion() {
        Verdict verdict = enforcer().enforce(Optional.empty());
        assertThat(verdict.allowed()).isFalse();
        assertThat(verdict.result()).isEmpty();
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void deniesWhatIsDeniedAndCarriesOutNothing() {
        assize.deny("user:alice", "doc:1", "read", obligation("notify"));
        assertThat(enforcer().enforce(Optional.of(QUESTION)).allowed()).isFalse();
        assertThat(done).isEmpty();
    }

    @Test
    void deniesWhereAHandlerThrows() {
        assize.allow("user:alice", "doc:1", "read", obligation("notify"), obligation("fail"));
        Verdict verdict = enforcer().enforce(Optional.of(QUESTION));
        assertThat(verdict.allowed()).isFalse();
        assertThat(verdict.refusal()).contains(Refusal.UNAVAILABLE);
        assertThat(verdict.message()).contains("`fail`", "no paper");
        assertThat(done).containsExactly("notify");
    }

    @Test
    void carriesOutNothingWhereAnyObligationHasNoHandler() {
        assize.allow("user:alice", "doc:1", "read", obligation("notify"), obligation("shred"));
        Enforcer careless = builder()
                .over(assize.client(AssizeClient.builder()
                        .tenant("acme")
                        .knowsObligation("notify")
                        .knowsObligation("shred")));
        Verdict verdict = careless.enforce(Optional.of(QUESTION));
        assertThat(verdict.allowed()).isFalse();
        assertThat(verdict.refusal()).contains(Refusal.FORBIDDEN);
        assertThat(verdict.message()).contains("`shred`", "no handler");
        assertThat(done).isEmpty();
    }

    @Test
    void goesAheadWhenEveryObligationIsCarriedOut() {
        assize.allow("user:alice", "doc:1", "read", obligation("notify"));
        Verdict verdict = enforcer().enforce(Optional.of(QUESTION));
        assertThat(verdict.allowed()).isTrue();
        assertThat(verdict.result().orElseThrow().decisionId()).isNotEmpty();
        assertThat(done).containsExactly("notify");
    }

    @Test
    void saysWhereOneMayComeAgain() {
        assertThat(enforcer().enforce(Optional.of(QUESTION)).mayComeAgain()).isFalse();
        assize.reachable(false);
        assertThat(enforcer().enforce(Optional.of(QUESTION)).mayComeAgain()).isTrue();
    }

    @Test
    void refusesTwoHandlersForOneType() {
        assertThatThrownBy(() -> builder().on("notify", (_, _) -> {})).hasMessageContaining("notify");
    }

    private Enforcer enforcer() {
        return builder()
                .over(assize.client(AssizeClient.builder()
                        .tenant("acme")
                        .knowsObligation("notify")
                        .knowsObligation("fail")));
    }

    private Enforcer.Builder builder() {
        return Enforcer.of(AssizeClient.builder())
                .on("notify", (obligation, _) -> done.add(obligation.type()))
                .on("fail", (_, _) -> {
                    throw new IllegalStateException("no paper");
                });
    }

    private static Obligation obligation(String type) {
        return new Obligation(type, type, Map.of());
    }
}

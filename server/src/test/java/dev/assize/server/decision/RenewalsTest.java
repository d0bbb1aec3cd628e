package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.NodeClock.Reading;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who asks while a renewal runs shares the next one, which is enough for everybody who shares it. */
class RenewalsTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Polled EARLY = new Polled(Map.of(), new Reading(Instant.EPOCH, 1));
    private static final Polled LATE = new Polled(Map.of(), new Reading(Instant.EPOCH, 2));

    private final List<Runnable> threads = new ArrayList<>();
    private final List<@Nullable Polled> renewed = new ArrayList<>();
    private final Renewals renewals = new Renewals(threads::add, (tenant, polled) -> renewed.add(polled));

    @Test
    void whoHasToReadAfterTheCallIsNotGivenWhatAPollKnew() {
        for (List<Polled> asked : List.of(List.of(EARLY, LATE), List.of(LATE, EARLY))) {
            var _ = begin();
            var _ = renewals.ask(ACME, asked.getFirst());
            var _ = renewals.ask(ACME, null);
            var _ = renewals.ask(ACME, asked.getLast());
            assertThat(end()).containsExactly(null, null);
        }
    }

    @Test
    void ofTwoPollsTheLaterIsEnough() {
        for (List<Polled> asked : List.of(List.of(EARLY, LATE), List.of(LATE, EARLY))) {
            var _ = begin();
            CompletableFuture<?> one = renewals.ask(ACME, asked.getFirst());
            assertThat(renewals.ask(ACME, asked.getLast())).isSameAs(one);
            assertThat(end()).containsExactly(null, LATE);
            assertThat(one).isDone();
        }
    }

    @Test
    void tellsWhatIsUnderWay() {
        assertThat(renewals.underWay(ACME)).isNull();
        CompletableFuture<?> running = begin();
        assertThat(renewals.underWay(ACME)).isSameAs(running);
        end();
        assertThat(renewals.underWay(ACME)).isNull();
    }

    /** Else whoever asks for that tenant again would wait for ever. */
    @Test
    void whereThereIsNoThreadTheNextWhoAsksBeginsAnew() {
        AtomicBoolean exhausted = new AtomicBoolean(true);
        Renewals some = new Renewals(
                work -> {
                    if (exhausted.get()) {
                        throw new InternalError("no thread");
                    }
                    work.run();
                },
                (tenant, polled) -> renewed.add(polled));
        assertThat(some.ask(ACME, null)).isCompletedExceptionally();
        exhausted.set(false);
        assertThat(some.ask(ACME, null)).isCompleted();
        assertThat(renewed).hasSize(1);
    }

    private CompletableFuture<?> begin() {
        return renewals.ask(ACME, null);
    }

    private List<@Nullable Polled> end() {
        threads.forEach(Runnable::run);
        threads.clear();
        List<@Nullable Polled> all = new ArrayList<>(renewed);
        renewed.clear();
        return all;
    }
}

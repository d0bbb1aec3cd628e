package dev.assize.server.decision;

import dev.assize.server.model.TenantId;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The turns in which what is held of a tenant is renewed. Of each tenant one renewal runs at a time; whoever asks for one
 * meanwhile shares the next, which begins when that one has ended: so it sees whatever was committed before it was asked
 * for, and a hundred changes a second cost as many renewals as there is time for.
 */
final class Renewals {

    private final Executor threads;
    private final Renewal renewal;
    private final ConcurrentMap<TenantId, Turns> turns = new ConcurrentHashMap<>();

    /** Does one; what it throws goes to those who asked for this one. */
    @FunctionalInterface
    interface Renewal {
        void renew(TenantId tenant, @Nullable Polled polled);
    }

    Renewals(Executor threads, Renewal renewal) {
        this.threads = threads;
        this.renewal = renewal;
    }

    /**
     * Asks for one, which may know what a poll knows. One that is under way may have read too early.
     *
     * @param polled null where everything is to be read after this call
     */
    CompletableFuture<?> ask(TenantId tenant, @Nullable Polled polled) {
        Turns now = turns.compute(
                tenant,
                (any, present) -> present == null ? new Turns(new Turn(polled), null) : present.followedBy(polled));
        if (now.next != null) {
            return now.next.done;
        }
        try {
            threads.execute(() -> take(tenant, now.running));
        } catch (RuntimeException | Error failure) {
            // Without memory for a thread, say: nobody takes this turn, nor the one that others have joined since.
            giveUp(turns.remove(tenant), failure);
        }
        return now.running.done;
    }

    private static void giveUp(@Nullable Turns left, Throwable failure) {
        if (left != null) {
            left.running.done.completeExceptionally(failure);
            if (left.next != null) {
                left.next.done.completeExceptionally(failure);
            }
        }
    }

    /** Done when the one that runs has ended; null where none does. */
    @Nullable
    CompletableFuture<?> underWay(TenantId tenant) {
        Turns now = turns.get(tenant);
        return now == null ? null : now.running.done;
    }

    private void take(TenantId tenant, Turn first) {
        for (Turn turn = first; turn != null; turn = following(tenant)) {
            try {
                renewal.renew(tenant, turn.polled);
                turn.done.complete(null);
            } catch (Throwable broken) {
                turn.done.completeExceptionally(broken);
            }
        }
    }

    private @Nullable Turn following(TenantId tenant) {
        Turns now = turns.computeIfPresent(
                tenant, (any, present) -> present.next == null ? null : new Turns(present.next, null));
        return now == null ? null : now.running;
    }

    /** A renewal; with what a poll knows, or null where everything is to be read after it begins. */
    private static final class Turn {

        private final @Nullable Polled polled;
        private final CompletableFuture<@Nullable Void> done;

        Turn(@Nullable Polled polled) {
            this(polled, new CompletableFuture<>());
        }

        private Turn(@Nullable Polled polled, CompletableFuture<@Nullable Void> done) {
            this.polled = polled;
            this.done = done;
        }

        /** One that is enough for both. */
        Turn merged(@Nullable Polled other) {
            return polled == null || other == null
                    ? new Turn(null, done)
                    : new Turn(polled.askedAt().isLaterThan(other.askedAt()) ? polled : other, done);
        }
    }

    /** The renewal of a tenant that runs, and the one that follows it. */
    private record Turns(Turn running, @Nullable Turn next) {

        Turns followedBy(@Nullable Polled polled) {
            return new Turns(running, next == null ? new Turn(polled) : next.merged(polled));
        }
    }
}

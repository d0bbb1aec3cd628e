package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.Subscription;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A stream that looks again whenever something may have changed, and every second anyway: time passes, and not everything
 * that is decided by is signalled. Runs on a thread of its own, since callbacks of a call come one after the other. What its
 * listener is slow to take is not queued: it gets what is so when it is ready.
 */
final class WatchStream<R> implements Watches.Open {

    /** How often it looks without being told. */
    static final Duration TICK = Duration.ofSeconds(1);

    /** After how many ticks without a message it says that nothing has changed. */
    static final int SILENT_TICKS = 4;

    private final Watches watches;
    private final Replies replies;
    private final Gate gate;
    private final ServerCallStreamObserver<R> stream;
    private final Look<R> look;
    private final Semaphore wakings = new Semaphore(0);
    private volatile boolean cancelled;
    private volatile boolean ended;

    WatchStream(Watches watches, Replies replies, Gate gate, ServerCallStreamObserver<R> stream, Look<R> look) {
        this.watches = watches;
        this.replies = replies;
        this.gate = gate;
        this.stream = stream;
        this.look = look;
    }

    /** Looks what is so. */
    interface Look<R> {

        /**
         * What to say: null where that is nothing.
         *
         * @param due whether something is to be said, if only that nothing has changed
         */
        @Nullable
        R next(boolean due);

        /** Whether there is more to say behind what was said, at once. */
        default boolean hasMore() {
            return false;
        }

        /** What it is for. */
        default Watches.Purpose purpose() {
            return Watches.Purpose.LISTENING;
        }

        /** After how many ticks without a message something is due. */
        default int silentTicks() {
            return SILENT_TICKS;
        }
    }

    /** To be called while the call's handler runs; goes on behind it. */
    void start(PolicyStates states, TenantId tenant) {
        stream.setOnCancelHandler(() -> {
            cancelled = true;
            wakings.release();
        });
        stream.setOnReadyHandler(wakings::release);
        watches.add(CallContext.current().recorder(), look.purpose(), this);
        Thread.startVirtualThread(Context.current().wrap(() -> run(states, tenant)));
    }

    @Override
    public void end() {
        ended = true;
        wakings.release();
    }

    private void run(PolicyStates states, TenantId tenant) {
        try (Subscription _ = states.onChange(tenant, wakings::release)) {
            long saidAtNanos = System.nanoTime();
            while (!cancelled) {
                if (ended) {
                    throw Watches.ended();
                }
                if (stream.isReady()) {
                    gate.requireCredential();
                    boolean due = System.nanoTime() - saidAtNanos >= look.silentTicks() * TICK.toNanos();
                    R message = look.next(due);
                    if (message != null && !cancelled) {
                        stream.onNext(message);
                        saidAtNanos = System.nanoTime();
                        if (look.hasMore()) {
                            continue;
                        }
                    }
                }
                boolean _ = wakings.tryAcquire(TICK.toNanos(), TimeUnit.NANOSECONDS);
                wakings.drainPermits();
            }
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            fail(Watches.ended());
        } catch (RuntimeException | Error failure) {
            fail(failure);
        } finally {
            watches.remove(this);
        }
    }

    private void fail(Throwable failure) {
        if (!cancelled) {
            replies.fail(stream, failure);
        }
    }
}

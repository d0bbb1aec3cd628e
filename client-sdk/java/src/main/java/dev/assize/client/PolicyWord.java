package dev.assize.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceStub;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the server says of one tenant's policy, for as long as it says it: a state, which stands until the stream brings
 * another, ends, or has not confirmed it for longer than a server takes. Only a later moment confirms: a node that is cut
 * off repeats what it knew. Then it listens anew, after a while that grows, behind the state that it knows, so that no node
 * is believed that has not seen that yet.
 */
final class PolicyWord {

    /** Servers confirm every 5 s; in all languages who has heard no later moment for two of these knows nothing any more. */
    static final Duration LONGEST_SILENCE = Duration.ofSeconds(10);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** Where the caller may not listen, which may change, but not soon. */
    private static final Duration REFUSED_PAUSE = Duration.ofSeconds(30);

    private final PolicyServiceStub policy;
    private final String tenant;
    private final LongSupplier steady;

    /** Written under the lock of this; so is what follows. */
    private volatile @Nullable State state;

    /** When a later moment was heard than before, or the stream begun. */
    private volatile long heardAt;

    /** The last state heard, also over an earlier stream, and the latest moment at which it was the current one. */
    private @Nullable PolicyState known;

    private Instant confirmedAt = Instant.MIN;
    private long confirmationHeardAt;
    private @Nullable Stream stream;
    private Duration pause = FIRST_PAUSE;
    private boolean closed;

    /**
     * A state of policy, with the answers that rest on it.
     *
     * @param digests of the tenant's policy and the platform's: a restored database may come to the same revisions again
     * @param confirmedAt when it was the current one, by the server's clock
     * @param heardAt when that was heard, by the steady clock
     */
    record State(
            long revision,
            long platformRevision,
            List<ByteString> digests,
            Instant confirmedAt,
            long heardAt,
            Map<CheckRequest, CheckResult> answers) {

        /** By the clock, or by the server's where that is ahead: an answer is never held to be valid for longer. */
        Instant now(InstantSource clock, LongSupplier steady) {
            Instant here = clock.instant();
            Instant there = confirmedAt.plusNanos(steady.getAsLong() - heardAt);
            return there.isAfter(here) ? there : here;
        }
    }

    PolicyWord(PolicyServiceStub policy, String tenant, LongSupplier steady) {
        this.policy = policy;
        this.tenant = tenant;
        this.steady = steady;
        open();
    }

    /** The state that stands; null where nothing can be said. */
    @Nullable
    State state() {
        State now = state;
        if (isSilent()) {
            lose(silentStream(), Status.UNAVAILABLE.withDescription("the server is silent"));
            return null;
        }
        return now;
    }

    private boolean isSilent() {
        return steady.getAsLong() - heardAt > LONGEST_SILENCE.toNanos();
    }

    /** Whether nothing else was said since. */
    @SuppressWarnings("ReferenceEquality") // an equal state that was heard later is another
    boolean stands(State before) {
        return before == state();
    }

    private synchronized @Nullable Stream silentStream() {
        return isSilent() ? stream : null;
    }

    private synchronized void open() {
        if (!closed) {
            Stream next = new Stream();
            stream = next;
            heardAt = steady.getAsLong();
            WatchPolicyRequest.Builder request = WatchPolicyRequest.newBuilder().setTenant(tenant);
            if (known != null) {
                request.setKnownRevision(known.getRevision()).setKnownPlatformRevision(known.getPlatformRevision());
            }
            // It outlives the one who happens to ask first.
            Context.ROOT.run(() -> policy.watchPolicy(request.build(), next));
        }
    }

    private synchronized void hear(Stream from, WatchPolicyResponse message) {
        if (from != stream) {
            return;
        }
        switch (message.getUpdateCase()) {
            case STATE -> become(message.getState());
            case CONFIRMED_AT -> confirm(instant(message.getConfirmedAt()));
            // Not asked for, or from a newer server: it may mean a change.
            case AUTHORITY, DOCUMENTS, UPDATE_NOT_SET -> lose(from, Status.UNAVAILABLE);
        }
    }

    private void become(PolicyState next) {
        State now = state;
        Instant at = instant(next.getConfirmedAt());
        known = next;
        if (now != null && !isOf(now, next)) {
            state = null;
        }
        confirm(at);
    }

    private static boolean isOf(State state, PolicyState said) {
        return state.revision == said.getRevision()
                && state.platformRevision == said.getPlatformRevision()
                && state.digests.equals(digests(said));
    }

    /** Nothing has changed since the state that is known, perhaps from an earlier stream. */
    private void confirm(Instant at) {
        if (at.isAfter(confirmedAt)) {
            hearOf(at);
        }
        if (state == null && known != null) {
            state = newState(known);
            heardAt = confirmationHeardAt;
        }
    }

    private void hearOf(Instant at) {
        confirmedAt = at;
        confirmationHeardAt = steady.getAsLong();
        heardAt = confirmationHeardAt;
        pause = FIRST_PAUSE;
    }

    private State newState(PolicyState said) {
        return new State(
                said.getRevision(),
                said.getPlatformRevision(),
                digests(said),
                confirmedAt,
                confirmationHeardAt,
                new ConcurrentHashMap<>());
    }

    private static List<ByteString> digests(PolicyState said) {
        return List.of(said.getPolicyDigest(), said.getPlatformPolicyDigest());
    }

    private static Instant instant(Timestamp timestamp) {
        try {
            return Wire.instant(timestamp);
        } catch (DateTimeException | ArithmeticException malformed) {
            return Instant.MAX.minus(Duration.ofDays(365));
        }
    }

    /** Forgets what rests on a stream that is no more, and listens again later. */
    private synchronized void lose(@Nullable Stream lost, Status why) {
        if (lost == null || lost != stream) {
            return;
        }
        state = null;
        stream = null;
        lost.cancel();
        boolean wasNever = why.getCode() == Status.Code.INVALID_ARGUMENT && known != null;
        if (wasNever) {
            confirmedAt = Instant.MIN;
            known = null; // not the policy that this was known of: it was restored from before
        }
        if (!closed) {
            CompletableFuture.delayedExecutor(
                            nextPause(wasNever ? Status.UNAVAILABLE : why).toNanos(),
                            TimeUnit.NANOSECONDS,
                            Thread::startVirtualThread)
                    .execute(this::open);
        }
    }

    private Duration nextPause(Status why) {
        Duration now = switch (why.getCode()) {
            case PERMISSION_DENIED, UNAUTHENTICATED, UNIMPLEMENTED, INVALID_ARGUMENT, NOT_FOUND -> REFUSED_PAUSE;
            default -> pause;
        };
        pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
        return now.dividedBy(2)
                .plusNanos(ThreadLocalRandom.current().nextLong(now.dividedBy(2).toNanos()));
    }

    synchronized void close() {
        closed = true;
        lose(stream, Status.CANCELLED);
    }

    /** One call. */
    private final class Stream implements ClientResponseObserver<WatchPolicyRequest, WatchPolicyResponse> {

        private volatile @Nullable ClientCallStreamObserver<WatchPolicyRequest> call;

        @Override
        public void beforeStart(ClientCallStreamObserver<WatchPolicyRequest> started) {
            call = started;
        }

        void cancel() {
            ClientCallStreamObserver<WatchPolicyRequest> started = call;
            if (started != null) {
                started.cancel("listens no more", null);
            }
        }

        @Override
        public void onNext(WatchPolicyResponse message) {
            hear(this, message);
        }

        @Override
        public void onError(Throwable failure) {
            lose(this, Status.fromThrowable(failure));
        }

        @Override
        public void onCompleted() {
            lose(this, Status.UNAVAILABLE);
        }
    }
}

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
import org.jspecify.annotations.Nullable;

/**
 * What the server says of one tenant's policy, for as long as it says it: a state, which stands until the stream brings
 * another, ends, or is silent for longer than a server is. Then it listens anew, after a while that grows.
 */
final class PolicyWord {

    /** Servers say something every 5 s. */
    static final Duration LONGEST_SILENCE = Duration.ofSeconds(15);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** Where the caller may not listen, which may change, but not soon. */
    private static final Duration REFUSED_PAUSE = Duration.ofMinutes(1);

    private final PolicyServiceStub policy;
    private final String tenant;

    /** Written under the lock of this; so is what follows. */
    private volatile @Nullable State state;

    private volatile long heardAt = System.nanoTime();
    private @Nullable Stream stream;
    private Duration pause = FIRST_PAUSE;
    private boolean closed;

    /**
     * A state of policy, with the answers that rest on it.
     *
     * @param digests of the tenant's policy and the platform's: a restored database may come to the same revisions again
     * @param confirmedAt when it was the current one, by the server's clock
     * @param heardAt when that was heard, by {@link System#nanoTime}
     */
    record State(
            long revision,
            long platformRevision,
            List<ByteString> digests,
            Instant confirmedAt,
            long heardAt,
            Map<CheckRequest, CheckResult> answers) {

        /** By the clock, or by the server's where that is ahead: an answer is never held to be valid for longer. */
        Instant now(InstantSource clock) {
            Instant here = clock.instant();
            Instant there = confirmedAt.plusNanos(System.nanoTime() - heardAt);
            return there.isAfter(here) ? there : here;
        }
    }

    PolicyWord(PolicyServiceStub policy, String tenant) {
        this.policy = policy;
        this.tenant = tenant;
        open();
    }

    /** The state that stands; null where nothing can be said. */
    @Nullable
    State state() {
        State now = state;
        if (System.nanoTime() - heardAt > LONGEST_SILENCE.toNanos()) {
            lose(silentStream(), Status.UNAVAILABLE.withDescription("the server is silent"));
            return null;
        }
        return now;
    }

    /** Whether nothing else was said since. */
    @SuppressWarnings("ReferenceEquality") // an equal state that was heard later is another
    boolean stands(State before) {
        return before == state();
    }

    private synchronized @Nullable Stream silentStream() {
        return System.nanoTime() - heardAt > LONGEST_SILENCE.toNanos() ? stream : null;
    }

    private synchronized void open() {
        if (!closed) {
            Stream next = new Stream();
            stream = next;
            heardAt = System.nanoTime();
            WatchPolicyRequest request =
                    WatchPolicyRequest.newBuilder().setTenant(tenant).build();
            // It outlives the one who happens to ask first.
            Context.ROOT.run(() -> policy.watchPolicy(request, next));
        }
    }

    private synchronized void hear(Stream from, WatchPolicyResponse message) {
        if (from != stream) {
            return;
        }
        heardAt = System.nanoTime();
        pause = FIRST_PAUSE;
        switch (message.getUpdateCase()) {
            case STATE -> become(message.getState());
            case CONFIRMED_AT -> {}
            case AUTHORITY, DOCUMENTS, UPDATE_NOT_SET -> state = null; // not asked for, or newer: it may mean a change
        }
    }

    private void become(PolicyState next) {
        State now = state;
        List<ByteString> digests = List.of(next.getPolicyDigest(), next.getPlatformPolicyDigest());
        if (now == null
                || now.revision != next.getRevision()
                || now.platformRevision != next.getPlatformRevision()
                || !now.digests.equals(digests)) {
            state = new State(
                    next.getRevision(),
                    next.getPlatformRevision(),
                    digests,
                    instant(next.getConfirmedAt()),
                    heardAt,
                    new ConcurrentHashMap<>());
        }
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
        if (!closed) {
            CompletableFuture.delayedExecutor(nextPause(why).toNanos(), TimeUnit.NANOSECONDS)
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

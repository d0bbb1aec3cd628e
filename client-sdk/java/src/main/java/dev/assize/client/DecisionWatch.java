package dev.assize.client;

import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceStub;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one question for as long as somebody acts on it; from {@link AssizeClient#watch}. Its listener is told each
 * answer that differs from the one before, and at once a deny where the stream breaks or is silent for too long: then it
 * listens again, after a while that grows. Close it at the end.
 */
public final class DecisionWatch implements AutoCloseable {

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private final DecisionServiceStub stub;
    private final WatchDecisionRequest request;
    private final Set<String> knownObligations;
    private final Duration longestSilence;
    private final Consumer<CheckResult> listener;
    private final Consumer<DecisionWatch> whenClosed;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("assize-watch").daemon().factory());

    // What follows belongs to that thread.
    private @Nullable Stream current;
    private boolean closed;
    private Duration pause = FIRST_PAUSE;
    private @Nullable CheckResult last;

    DecisionWatch(
            DecisionServiceStub stub,
            WatchDecisionRequest request,
            Set<String> knownObligations,
            Duration longestSilence,
            Consumer<CheckResult> listener,
            Consumer<DecisionWatch> whenClosed) {
        this.stub = stub;
        this.request = request;
        this.knownObligations = knownObligations;
        this.longestSilence = longestSilence;
        this.listener = listener;
        this.whenClosed = whenClosed;
        thread.execute(this::open);
        long look = Math.max(1, longestSilence.toMillis() / 4);
        var _ = thread.scheduleWithFixedDelay(this::requireWord, look, look, TimeUnit.MILLISECONDS);
    }

    /** Listens no more; the listener is told nothing after this has returned, except by a call that is under way. */
    @Override
    public void close() {
        whenClosed.accept(this);
        later(() -> {
            closed = true;
            drop();
            thread.shutdown();
        });
    }

    private void open() {
        if (!closed) {
            Stream stream = new Stream();
            current = stream;
            stub.watchDecision(request, stream);
        }
    }

    private void requireWord() {
        Stream stream = current;
        if (stream != null && System.nanoTime() - stream.heardAt > longestSilence.toNanos()) {
            broken(
                    stream,
                    AssizeException.broken("the server has been silent for " + longestSilence.toMillis() + " ms"));
        }
    }

    private void heard(Stream stream, WatchDecisionResponse message) {
        if (stream != current) {
            return;
        }
        stream.heardAt = System.nanoTime();
        pause = FIRST_PAUSE;
        switch (message.getUpdateCase()) {
            case RESPONSE -> tell(result(message.getResponse()));
            case CONFIRMED -> {}
            // From a newer server: it may be another answer.
            case UPDATE_NOT_SET -> broken(stream, AssizeException.broken("the server said something unknown"));
        }
    }

    private CheckResult result(CheckResponse response) {
        try {
            return Wire.result(response, false, knownObligations);
        } catch (RuntimeException malformed) {
            return CheckResult.failed(AssizeException.of(malformed));
        }
    }

    private void broken(Stream stream, AssizeException failure) {
        if (stream != current) {
            return;
        }
        drop();
        CheckResult present = last;
        if (present == null || present.allowed()) {
            tell(CheckResult.failed(failure));
        }
        if (!closed) {
            long wait = pause.toNanos() / 2 + ThreadLocalRandom.current().nextLong(pause.toNanos() / 2);
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
            var _ = thread.schedule(this::open, wait, TimeUnit.NANOSECONDS);
        }
    }

    private void drop() {
        Stream stream = current;
        current = null;
        if (stream != null && stream.call != null) {
            stream.call.cancel("listens no more", null);
        }
    }

    private void tell(CheckResult result) {
        last = result;
        try {
            listener.accept(result);
        } catch (RuntimeException failure) {
            // It goes on listening: who acts on the next answer must hear of it.
            Thread.UncaughtExceptionHandler handler = Thread.currentThread().getUncaughtExceptionHandler();
            handler.uncaughtException(Thread.currentThread(), failure);
        }
    }

    private void later(Runnable work) {
        try {
            thread.execute(work);
        } catch (RejectedExecutionException over) {
            // Nobody listens any more.
        }
    }

    /** One call; what it hears is told to the thread. */
    private final class Stream implements ClientResponseObserver<WatchDecisionRequest, WatchDecisionResponse> {

        private volatile @Nullable ClientCallStreamObserver<WatchDecisionRequest> call;
        private long heardAt = System.nanoTime();

        @Override
        public void beforeStart(ClientCallStreamObserver<WatchDecisionRequest> started) {
            call = started;
        }

        @Override
        public void onNext(WatchDecisionResponse message) {
            later(() -> heard(this, message));
        }

        @Override
        public void onError(Throwable failure) {
            later(() -> broken(this, AssizeException.of(failure)));
        }

        @Override
        public void onCompleted() {
            later(() -> broken(this, AssizeException.broken("the server ended the stream")));
        }
    }
}

package dev.assize.client;

import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Tries a call that changes nothing again where no server could be reached, within its deadline: at most three times in
 * all, after as long as the server asks for, else after a pause that grows and has some chance in it. What the server says
 * is gRPC's own {@code grpc-retry-pushback-ms}, of which a negative one forbids it, or the {@code RetryInfo} of the error.
 */
final class Retries {

    static final int MOST_TRIES = 3;

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(20);
    private static final Metadata.Key<String> PUSHBACK =
            Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

    private Retries() {}

    /** The first answer, or the last failure. Each try is given what is left of the deadline. */
    static <R> R within(Duration deadline, Function<Duration, R> call) {
        long end = System.nanoTime() + deadline.toNanos();
        for (int tries = 1; ; tries++) {
            try {
                return call.apply(Duration.ofNanos(end - System.nanoTime()));
            } catch (RuntimeException failure) {
                Optional<Duration> wait = waitAfter(tries, failure, end - System.nanoTime());
                if (wait.isEmpty()) {
                    throw failure;
                }
                pause(wait.get());
            }
        }
    }

    /** The same without a thread that waits. */
    static <R> CompletableFuture<R> laterWithin(Duration deadline, Function<Duration, CompletableFuture<R>> call) {
        return later(1, System.nanoTime() + deadline.toNanos(), call);
    }

    private static <R> CompletableFuture<R> later(int tries, long end, Function<Duration, CompletableFuture<R>> call) {
        return begun(call, Duration.ofNanos(end - System.nanoTime())).exceptionallyCompose(failed -> {
            RuntimeException failure = unwrapped(failed);
            Optional<Duration> wait = waitAfter(tries, failure, end - System.nanoTime());
            if (wait.isEmpty()) {
                return CompletableFuture.failedFuture(failure);
            }
            return CompletableFuture.runAsync(
                            () -> {},
                            CompletableFuture.delayedExecutor(
                                    wait.get().toNanos(), TimeUnit.NANOSECONDS, Thread::startVirtualThread))
                    .thenCompose(_ -> later(tries + 1, end, call));
        });
    }

    private static <R> CompletableFuture<R> begun(Function<Duration, CompletableFuture<R>> call, Duration left) {
        try {
            return call.apply(left);
        } catch (RuntimeException failure) {
            return CompletableFuture.failedFuture(failure);
        }
    }

    /** What a future failed with. */
    static RuntimeException unwrapped(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause instanceof RuntimeException known ? known : AssizeException.of(cause);
    }

    /** How long to wait before the next try; empty where there is none. */
    static Optional<Duration> waitAfter(int tries, Throwable failure, long nanosLeft) {
        if (tries >= MOST_TRIES
                || AssizeException.statusOf(failure).getCode() != Status.Code.UNAVAILABLE
                || isFinal(failure)) {
            return Optional.empty();
        }
        Duration wait = askedFor(failure).orElseGet(() -> backoff(tries));
        return Optional.of(wait).filter(it -> it.toNanos() < nanosLeft);
    }

    /** Whether the server says not to come again. */
    static boolean isFinal(Throwable failure) {
        return pushback(failure).filter(Duration::isNegative).isPresent();
    }

    /** How long the server asks to wait before the next try. */
    static Optional<Duration> askedFor(Throwable failure) {
        return pushback(failure).or(() -> AssizeException.of(failure).retryDelay());
    }

    private static Optional<Duration> pushback(Throwable failure) {
        Metadata trailers = Status.trailersFromThrowable(failure);
        String millis = trailers == null ? null : trailers.get(PUSHBACK);
        try {
            return millis == null ? Optional.empty() : Optional.of(Duration.ofMillis(Integer.parseInt(millis)));
        } catch (NumberFormatException unreadable) {
            return Optional.of(Duration.ofMillis(-1)); // as gRPC has it
        }
    }

    private static Duration backoff(int tries) {
        long longest = FIRST_BACKOFF.toNanos() << tries;
        return Duration.ofNanos(longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2));
    }

    static void pause(Duration wait) {
        try {
            Thread.sleep(wait);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw Status.CANCELLED
                    .withDescription("interrupted before the next try")
                    .withCause(interrupted)
                    .asRuntimeException();
        }
    }
}

package dev.assize.client;

import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/**
 * Tries a call again, under the same idempotency key, while nobody knows whether it had its effect, until a deadline.
 */
final class Patience {

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(50);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(2);

    /** One try takes at most this part of the deadline, so that a silent server leaves time for another. */
    private static final int TRIES_IN_DEADLINE = 3;

    private final Duration deadline;

    Patience(Duration deadline) {
        this.deadline = deadline;
    }

    /** Tries until the outcome is known, each try within the time it is given. */
    <R> R untilKnown(Function<Duration, R> call) {
        long end = System.nanoTime() + deadline.toNanos();
        Duration longestTry = deadline.dividedBy(TRIES_IN_DEADLINE);
        Duration backoff = FIRST_BACKOFF;
        while (true) {
            Duration left = Duration.ofNanos(end - System.nanoTime());
            try {
                return call.apply(min(left, longestTry));
            } catch (StatusRuntimeException failure) {
                AssizeException error = AssizeException.of(failure);
                Duration wait = Retries.askedFor(failure).orElse(jittered(backoff));
                if (!mayTryAgain(failure, error) || System.nanoTime() + wait.toNanos() >= end) {
                    throw error;
                }
                pause(wait, error);
                backoff = min(backoff.multipliedBy(2), LONGEST_BACKOFF);
            }
        }
    }

    /** Whether the call may or may not have had its effect, or the server only asks to come back. */
    private static boolean mayTryAgain(StatusRuntimeException failure, AssizeException error) {
        if (Retries.isFinal(failure)) {
            return false;
        }
        return switch (AssizeException.statusOf(failure).getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, ABORTED, UNKNOWN, INTERNAL -> true;
            case RESOURCE_EXHAUSTED -> error.retryDelay().isPresent();
            case OK,
                    INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    PERMISSION_DENIED,
                    FAILED_PRECONDITION,
                    OUT_OF_RANGE,
                    UNIMPLEMENTED,
                    DATA_LOSS,
                    UNAUTHENTICATED -> false;
        };
    }

    private static Duration jittered(Duration backoff) {
        return backoff.plusNanos(ThreadLocalRandom.current().nextLong(backoff.toNanos()));
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** Waits, or throws where the thread is told to stop. */
    static void pause(Duration wait, AssizeException ifInterrupted) {
        try {
            Thread.sleep(wait);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw ifInterrupted;
        }
    }
}

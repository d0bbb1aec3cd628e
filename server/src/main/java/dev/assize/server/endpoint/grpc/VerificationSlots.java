package dev.assize.server.endpoint.grpc;

import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Bounds how many verifications run at a time. Each holds a connection to the database for as long as it lasts, and
 * whoever may only look must not be able to keep others from appending.
 */
final class VerificationSlots {

    static final int SLOTS = 4;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    private final Semaphore free = new Semaphore(SLOTS);

    <T> T run(Supplier<T> verification) {
        if (!free.tryAcquire()) {
            throw RefusedException.retry(
                    ErrorReason.VERIFIER_BUSY,
                    SLOTS + " verifications are under way on this node, which is as many as it runs at a time",
                    RETRY_AFTER);
        }
        try {
            return verification.get();
        } finally {
            free.release();
        }
    }
}

package dev.assize.server.endpoint.call;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** How long the current call may still be worked on. */
public final class Deadlines {

    /** What is left of a deadline for the answer's way back. */
    private static final Duration WAY_BACK = Duration.ofMillis(20);

    private Deadlines() {}

    /** The time to answer in: what the call's deadline leaves, at most so long, and never less than nothing. */
    public static Duration left(Duration longest) {
        Deadline deadline = Context.current().getDeadline();
        if (deadline == null) {
            return longest;
        }
        Duration left =
                Duration.ofNanos(deadline.timeRemaining(TimeUnit.NANOSECONDS)).minus(WAY_BACK);
        return left.isNegative() ? Duration.ZERO : left.compareTo(longest) < 0 ? left : longest;
    }

    /** That somebody still waits for the answer. */
    public static void requireListener() {
        if (Context.current().isCancelled()) {
            throw new StatusRuntimeException(Status.CANCELLED);
        }
    }
}

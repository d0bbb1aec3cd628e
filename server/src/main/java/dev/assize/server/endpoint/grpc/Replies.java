package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the work of a unary call and sends its answer, or the status of what went wrong. */
final class Replies {

    private static final Logger LOG = LoggerFactory.getLogger(Replies.class);

    private final ErrorMapper errors;

    @Inject
    Replies(ErrorMapper errors) {
        this.errors = errors;
    }

    <R> void reply(StreamObserver<R> observer, Supplier<R> work) {
        R answer;
        try {
            answer = work.get();
        } catch (WouldWaitException later) {
            throw later;
        } catch (RuntimeException | Error failure) {
            fail(observer, failure);
            return;
        }
        if (observer instanceof ServerCallStreamObserver<?> call && call.isCancelled()) {
            // Nobody listens any more; to answer would throw, and be logged as if it were a bug.
            return;
        }
        send(() -> {
            observer.onNext(answer);
            observer.onCompleted();
        });
    }

    /** The same for work that ends later, on whatever thread. */
    <R> void replyLater(StreamObserver<R> observer, Supplier<CompletableFuture<R>> work) {
        // Without a handler of its own a cancelled call would throw at whoever answers it.
        ((ServerCallStreamObserver<R>) observer).setOnCancelHandler(() -> {});
        CompletableFuture<R> answer;
        try {
            answer = work.get();
        } catch (RuntimeException | Error failure) {
            fail(observer, failure);
            return;
        }
        var _ = answer.whenComplete((value, failure) -> {
            if (failure == null) {
                send(() -> {
                    observer.onNext(value);
                    observer.onCompleted();
                });
            } else {
                fail(observer, failure);
            }
        });
    }

    void fail(StreamObserver<?> observer, Throwable failure) {
        StatusRuntimeException status = errors.toException(failure);
        send(() -> observer.onError(status));
    }

    /** A server that stops ends the threads of its connections with calls that it cuts off: their callers know by then. */
    private static void send(Runnable answer) {
        try {
            answer.run();
        } catch (RejectedExecutionException ended) {
            LOG.debug("Nobody is left to be answered", ended);
        }
    }
}

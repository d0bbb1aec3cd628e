package dev.assize.client;

import static java.util.Objects.requireNonNull;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * One try to apply or to propose a change: sends no faster than the transport takes it, so that no more than a few parts are in memory,
 * and stops when the server has had enough.
 */
final class ChangeUpload<Q, R> implements ClientResponseObserver<Q, R> {

    private final CompletableFuture<R> response = new CompletableFuture<>();
    private final Semaphore ready = new Semaphore(0);
    private @Nullable ClientCallStreamObserver<Q> requests;

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> stream) {
        requests = stream;
        stream.setOnReadyHandler(ready::release);
    }

    /** Sends the messages and waits for the answer. */
    R send(Iterable<Q> messages) {
        ClientCallStreamObserver<Q> stream = requireNonNull(requests);
        try {
            for (Q message : messages) {
                while (!stream.isReady() && !response.isDone()) {
                    ready.acquire();
                }
                if (response.isDone()) {
                    break;
                }
                stream.onNext(message);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            stream.cancel("interrupted", interrupted);
            throw AssizeException.of(Status.CANCELLED.withCause(interrupted).asRuntimeException());
        } catch (RuntimeException unreadable) {
            stream.cancel("a part of the change could not be read", unreadable);
            throw unreadable;
        }
        if (!response.isDone()) {
            stream.onCompleted();
        }
        try {
            return response.join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof StatusRuntimeException status ? status : failure;
        }
    }

    @Override
    public void onNext(R value) {
        response.complete(value);
    }

    @Override
    public void onError(Throwable failure) {
        response.completeExceptionally(failure);
        ready.release();
    }

    @Override
    public void onCompleted() {
        response.completeExceptionally(Status.INTERNAL
                .withDescription("the server ended the call without an answer")
                .asRuntimeException()); // no effect after onNext
        ready.release();
    }
}

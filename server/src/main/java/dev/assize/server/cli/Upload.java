package dev.assize.server.cli;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** A call of many requests: sends no faster than the transport takes them, and stops when the server has had enough. */
final class Upload<Q, R> implements ClientResponseObserver<Q, R> {

    private final CompletableFuture<R> response = new CompletableFuture<>();
    private final Semaphore ready = new Semaphore(0);
    private @Nullable ClientCallStreamObserver<Q> requests;

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> stream) {
        requests = stream;
        stream.setOnReadyHandler(ready::release);
    }

    void send(Q request) throws InterruptedException {
        ClientCallStreamObserver<Q> stream = stream();
        while (!stream.isReady() && !response.isDone()) {
            ready.acquire();
        }
        if (!response.isDone()) {
            stream.onNext(request);
        }
    }

    R await() {
        if (!response.isDone()) {
            stream().onCompleted();
        }
        try {
            return response.join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof StatusRuntimeException status ? status : failure;
        }
    }

    private ClientCallStreamObserver<Q> stream() {
        if (requests == null) {
            throw new IllegalStateException("The call has not begun");
        }
        return requests;
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
        response.completeExceptionally(
                new CommandException("the server ended the call without an answer")); // no effect after onNext
        ready.release();
    }
}

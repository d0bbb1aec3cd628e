package dev.assize.client.testing;

import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A channel whose calls, of one message each way, are answered by functions. */
final class FakeChannel extends ManagedChannel {

    private final Map<String, Function<Message, Message>> methods;
    private volatile boolean shutdown;

    FakeChannel(Map<String, Function<Message, Message>> methods) {
        this.methods = methods;
    }

    @Override
    public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
        return new FakeCall<>(method, options.getExecutor());
    }

    private Message answer(String method, @Nullable Object request) {
        if (shutdown) {
            throw Status.UNAVAILABLE.withDescription("the client is closed").asRuntimeException();
        }
        Function<Message, Message> answer = methods.get(method);
        if (answer == null || !(request instanceof Message message)) {
            throw Status.UNIMPLEMENTED
                    .withDescription(method + " is not in the fake")
                    .asRuntimeException();
        }
        return answer.apply(message);
    }

    @Override
    public String authority() {
        return "fake";
    }

    @Override
    public ManagedChannel shutdown() {
        shutdown = true;
        return this;
    }

    @Override
    public ManagedChannel shutdownNow() {
        return shutdown();
    }

    @Override
    public boolean isShutdown() {
        return shutdown;
    }

    @Override
    public boolean isTerminated() {
        return shutdown;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return shutdown;
    }

    private final class FakeCall<Q, R> extends ClientCall<Q, R> {

        private final MethodDescriptor<Q, R> method;
        private final Executor executor;
        private @Nullable Listener<R> listener;
        private @Nullable Q request;

        FakeCall(MethodDescriptor<Q, R> method, @Nullable Executor executor) {
            this.method = method;
            this.executor = executor == null ? Runnable::run : executor;
        }

        @Override
        public void start(Listener<R> listener, Metadata headers) {
            this.listener = listener;
        }

        @Override
        public void request(int messages) {
            // It has one message, and sends it.
        }

        @Override
        public void cancel(@Nullable String message, @Nullable Throwable cause) {
            // It has ended as soon as it has begun.
        }

        @Override
        public void sendMessage(Q message) {
            request = message;
        }

        @Override
        public void halfClose() {
            Listener<R> to = listener;
            if (to != null) {
                executor.execute(() -> answer(to));
            }
        }

        private void answer(Listener<R> to) {
            try {
                Message answer = FakeChannel.this.answer(method.getFullMethodName(), request);
                to.onHeaders(new Metadata());
                to.onMessage(method.parseResponse(new ByteArrayInputStream(answer.toByteArray())));
                to.onClose(Status.OK, new Metadata());
            } catch (StatusRuntimeException failure) {
                Metadata trailers = failure.getTrailers();
                to.onClose(failure.getStatus(), trailers == null ? new Metadata() : trailers);
            }
        }
    }
}

package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Keeps calls from waiting on the event loop, where gRPC tells of them. What happens to a prompt call is handled where it
 * arrives; what would have to wait has had no effect yet, and is handled again on a virtual thread, and so is, in its order,
 * what happens to the call meanwhile. A call that waits no more is back on the loop. Of any other call everything is handled
 * on virtual threads.
 */
final class PromptInterceptor implements ServerInterceptor {

    private final CallThreads threads;
    private final ErrorMapper errors;

    @Inject
    PromptInterceptor(CallThreads threads, ErrorMapper errors) {
        this.threads = threads;
        this.errors = errors;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        Moving<Q> moving = new Moving<>(call, CallThreads.isPrompt(call.getMethodDescriptor(), headers));
        moving.start(() -> next.startCall(call, headers));
        return moving;
    }

    /** A call on the loop or away from it, never on both at once. */
    private final class Moving<Q> extends ServerCall.Listener<Q> {

        private final ServerCall<Q, ?> call;
        private final boolean prompt;

        /** What happened and is not handled, the first of it being handled. */
        private final Queue<Runnable> away = new ConcurrentLinkedQueue<>();

        /** How much of it there is; 0 hands everything that was done away from the loop back to it. */
        private final AtomicInteger awaySize = new AtomicInteger();

        // Touched by one thread at a time, which awaySize sees to.
        private ServerCall.Listener<Q> handler = new ServerCall.Listener<>() {};
        private boolean failed;

        Moving(ServerCall<Q, ?> call, boolean prompt) {
            this.call = call;
            this.prompt = prompt;
        }

        void start(Supplier<ServerCall.Listener<Q>> started) {
            handle(() -> handler = started.get());
        }

        @Override
        public void onMessage(Q message) {
            handle(() -> handler.onMessage(message));
        }

        @Override
        public void onHalfClose() {
            handle(() -> handler.onHalfClose());
        }

        @Override
        public void onCancel() {
            handle(() -> handler.onCancel());
        }

        @Override
        public void onComplete() {
            handle(() -> handler.onComplete());
        }

        @Override
        public void onReady() {
            handle(() -> handler.onReady());
        }

        private void handle(Runnable event) {
            if (!prompt || awaySize.get() > 0 || !handledPromptly(event)) {
                away.add(Context.current().wrap(event));
                if (awaySize.getAndIncrement() == 0) {
                    moveAway();
                }
            }
        }

        /** Where there are no threads any more the server has ended, and nobody handles what happens to the call. */
        private void moveAway() {
            try {
                threads.execute(this::handleAway);
            } catch (RejectedExecutionException stopped) {
                failed = true;
                fail(Status.UNAVAILABLE.withDescription("this node is stopping").asRuntimeException());
                handleAway();
            }
        }

        private boolean handledPromptly(Runnable event) {
            try {
                Prompt.run(event);
                return true;
            } catch (WouldWaitException later) {
                return false;
            }
        }

        private void handleAway() {
            do {
                Runnable event = away.remove();
                if (!failed) {
                    handleNow(event);
                }
            } while (awaySize.decrementAndGet() > 0);
        }

        /** As gRPC does with what a handler throws, for it does not see this thread. */
        private void handleNow(Runnable event) {
            try {
                event.run();
            } catch (RuntimeException | Error failure) {
                failed = true;
                fail(failure);
            }
        }

        private void fail(Throwable failure) {
            try {
                errors.close(call, failure);
            } catch (IllegalStateException closed) {
                // The call has its answer already; that something failed behind it is counted and logged.
            }
        }
    }
}

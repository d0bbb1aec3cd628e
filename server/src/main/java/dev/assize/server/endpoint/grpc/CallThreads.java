package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Where calls run. The hand-over to another thread is most of what a check costs, so that checks begin on the event loop
 * that read them; every other call runs on a virtual thread.
 */
final class CallThreads implements ServerCallExecutorSupplier, Executor, AutoCloseable {

    private static final Set<String> PROMPT = Set.of(
            DecisionServiceGrpc.getCheckMethod().getFullMethodName(),
            DecisionServiceGrpc.getCheckBatchMethod().getFullMethodName(),
            DecisionServiceGrpc.getCheckStreamMethod().getFullMethodName());

    private final ExecutorService virtual = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("grpc-", 0).factory());

    @Inject
    CallThreads() {}

    /** Whether calls of the method begin on the event loop, where nothing may wait. */
    static boolean isPrompt(MethodDescriptor<?, ?> method) {
        return PROMPT.contains(method.getFullMethodName());
    }

    @Override
    public <Q, R> @Nullable Executor getExecutor(ServerCall<Q, R> call, Metadata headers) {
        return isPrompt(call.getMethodDescriptor()) ? null : virtual;
    }

    /** Runs what may wait, on a virtual thread. */
    @Override
    public void execute(Runnable work) {
        virtual.execute(work);
    }

    /** Interrupts what runs, and takes no more. */
    @Override
    public void close() {
        virtual.shutdownNow();
    }
}

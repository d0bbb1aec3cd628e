package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Codec;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Where calls run. The hand-over to another thread is most of what a check costs, so that checks, Envoy's among them, begin on the
 * event loop that read them; every other call runs on a virtual thread. gRPC itself calls on the loop, always: where it is to
 * choose a thread for each call it has a queue and a lock for each. {@link PromptInterceptor} has the rest leave the loop.
 */
final class CallThreads implements Executor, AutoCloseable {

    private static final Set<String> PROMPT = Set.of(
            DecisionServiceGrpc.getCheckMethod().getFullMethodName(),
            DecisionServiceGrpc.getCheckBatchMethod().getFullMethodName(),
            DecisionServiceGrpc.getCheckStreamMethod().getFullMethodName(),
            AuthorizationGrpc.getCheckMethod().getFullMethodName());

    private static final Metadata.Key<String> ENCODING =
            Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER);

    /** Of listeners; those that are made here. */
    private final List<EventLoops> loops = new CopyOnWriteArrayList<>();

    private final ExecutorService virtual = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("grpc-", 0).factory());

    @Inject
    CallThreads() {}

    /**
     * Whether a call begins on the event loop, where nothing may wait. One that sends compressed messages does not, however
     * short they are: how long they will be shows only when they are inflated, and that is done where the call is.
     */
    static boolean isPrompt(MethodDescriptor<?, ?> method, Metadata headers) {
        return PROMPT.contains(method.getFullMethodName()) && !isCompressed(headers);
    }

    /** Whether messages of the call may be compressed. */
    static boolean isCompressed(Metadata headers) {
        String encoding = headers.get(ENCODING);
        return encoding != null && !encoding.equals(Codec.Identity.NONE.getMessageEncoding());
    }

    /** Threads of a listener, to be closed with it: one for each processor, as nothing that runs there waits. */
    EventLoops eventLoops(String name) {
        EventLoops made = new EventLoops(name, Runtime.getRuntime().availableProcessors());
        loops.add(made);
        return made;
    }

    /**
     * Where this thread has things done behind all else that it has to do now: on the event loop that it is, which needs no
     * other thread for it. On a virtual thread where it is none.
     */
    Executor behindOthers() {
        for (EventLoops each : loops) {
            Executor own = each.own();
            if (own != null) {
                return own;
            }
        }
        return this;
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

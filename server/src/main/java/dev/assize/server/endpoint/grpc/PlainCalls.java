package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Checks and batches that are plain all the way: from a caller who is remembered, and answered at the desk. One listener
 * does for them what other calls have a row of interceptors for (the meter, the way off the event loop, the door), as the
 * row takes longer than the decision. A call that turns out not to be plain has had no effect until then, and passes the row
 * from its beginning. A stream of a caller who is remembered is a {@link PlainStream}, whatever is asked in it.
 */
final class PlainCalls {

    /** With one alone a second message of a caller's would not be noticed. */
    private static final int MESSAGES = 2;

    /** What takes longer to arrive comes from a caller who may have been revoked meanwhile. */
    private static final long MOMENT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Admission admission;
    private final GrpcMetrics metrics;
    private final ErrorMapper errors;
    private final StreamAnswers streamed;
    private final CallThreads threads;
    private final Ticker ticker;
    private final Map<String, Desk> desks;

    @Inject
    PlainCalls(
            PlainChecks plain,
            StreamAnswers streamed,
            Admission admission,
            GrpcMetrics metrics,
            ErrorMapper errors,
            CallThreads threads,
            Ticker ticker) {
        this.streamed = streamed;
        this.admission = admission;
        this.metrics = metrics;
        this.errors = errors;
        this.threads = threads;
        this.ticker = ticker;
        this.desks = Map.of(
                DecisionServiceGrpc.getCheckMethod().getFullMethodName(), plain::check,
                DecisionServiceGrpc.getCheckBatchMethod().getFullMethodName(), plain::batch);
    }

    /** The service with this before its own handlers, the row among them, where its messages are bytes. */
    ServerServiceDefinition before(ServerServiceDefinition service) {
        ServerServiceDefinition.Builder defined = ServerServiceDefinition.builder(service.getServiceDescriptor());
        service.getMethods().forEach(method -> defined.addMethod(before(method)));
        return defined.build();
    }

    @SuppressWarnings("unchecked") // Whose marshaller is that of bytes has bytes for messages.
    private ServerMethodDefinition<?, ?> before(ServerMethodDefinition<?, ?> method) {
        var descriptor = method.getMethodDescriptor();
        String name = descriptor.getFullMethodName();
        Desk desk = desks.get(name);
        boolean isStream =
                name.equals(DecisionServiceGrpc.getCheckStreamMethod().getFullMethodName());
        if ((desk == null && !isStream) || !descriptor.getRequestMarshaller().equals(MessageBytes.MARSHALLER)) {
            return method;
        }
        var bytes = (ServerMethodDefinition<MessageBytes, MessageBytes>) method;
        String rpc = RpcNames.of(descriptor);
        return bytes.withServerCallHandler(new Handler(rpc, desk, metrics.of(rpc), bytes.getServerCallHandler()));
    }

    /** Of one RPC. */
    private final class Handler implements ServerCallHandler<MessageBytes, MessageBytes> {

        private final String rpc;

        /** Null where calls are streams. */
        private final @Nullable Desk desk;

        private final GrpcMetrics.Calls meters;
        private final ServerCallHandler<MessageBytes, MessageBytes> row;

        Handler(
                String rpc,
                @Nullable Desk desk,
                GrpcMetrics.Calls meters,
                ServerCallHandler<MessageBytes, MessageBytes> row) {
            this.rpc = rpc;
            this.desk = desk;
            this.meters = meters;
            this.row = row;
        }

        @Override
        public ServerCall.Listener<MessageBytes> startCall(
                ServerCall<MessageBytes, MessageBytes> call, Metadata headers) {
            long begin = ticker.read();
            CallContext recalled = CallThreads.isCompressed(headers) ? null : recalled(call, headers);
            if (recalled == null) {
                return row.startCall(call, headers);
            }
            if (desk == null) {
                return stream(call, recalled, begin);
            }
            call.request(MESSAGES);
            return new PlainCall(this, desk, call, headers, recalled, begin);
        }

        private ServerCall.Listener<MessageBytes> stream(
                ServerCall<MessageBytes, MessageBytes> call, CallContext recalled, long begin) {
            admission.recalled();
            call.request(1);
            return new PlainStream(
                    streamed, errors, threads, threads.behindOthers(), meters, call, recalled, ticker, begin);
        }

        private @Nullable CallContext recalled(ServerCall<MessageBytes, MessageBytes> call, Metadata headers) {
            String authorization = onlyOne(headers.getAll(AuthenticationInterceptor.AUTHORIZATION));
            try {
                return authorization == null
                        ? null
                        : admission.recall(
                                rpc,
                                authorization,
                                headers.get(AuthenticationInterceptor.TRACEPARENT),
                                Connections.presentedBefore(call));
            } catch (RuntimeException refused) {
                // The door in the row says why, or fails by itself.
                return null;
            }
        }

        private static @Nullable String onlyOne(@Nullable Iterable<String> values) {
            if (values == null) {
                return null;
            }
            Iterator<String> each = values.iterator();
            String first = each.next();
            return each.hasNext() ? null : first;
        }
    }

    /** One call; gRPC tells it one thing after the other. */
    private final class PlainCall extends ServerCall.Listener<MessageBytes> implements Runnable {

        private final Handler handler;
        private final Desk desk;
        private final ServerCall<MessageBytes, MessageBytes> call;
        private final Metadata headers;
        private final CallContext context;
        private final long begin;

        private @Nullable MessageBytes request;
        private @Nullable MessageBytes answer;

        /** What it passes in the place of this; null as long as it is plain. */
        private ServerCall.@Nullable Listener<MessageBytes> row;

        PlainCall(
                Handler handler,
                Desk desk,
                ServerCall<MessageBytes, MessageBytes> call,
                Metadata headers,
                CallContext context,
                long begin) {
            this.handler = handler;
            this.desk = desk;
            this.call = call;
            this.headers = headers;
            this.context = context;
            this.begin = begin;
        }

        @Override
        public void onMessage(MessageBytes message) {
            if (row == null && request == null) {
                request = message;
            } else {
                row().onMessage(message);
            }
        }

        @Override
        public void onHalfClose() {
            if (row != null || request == null || !isRecalledStill() || !isAnswered(request)) {
                row().onHalfClose();
            }
        }

        private boolean isRecalledStill() {
            return ticker.read() - begin <= MOMENT_NANOS || handler.recalled(call, headers) != null;
        }

        @Override
        public void onCancel() {
            if (row != null) {
                row.onCancel();
            }
        }

        @Override
        public void onComplete() {
            if (row != null) {
                row.onComplete();
            }
        }

        @Override
        public void onReady() {
            if (row != null) {
                row.onReady();
            }
        }

        private ServerCall.Listener<MessageBytes> row() {
            if (row == null) {
                row = handler.row.startCall(call, headers);
                if (request != null) {
                    row.onMessage(request);
                }
            }
            return row;
        }

        private boolean isAnswered(MessageBytes asked) {
            try {
                Prompt.run(this);
            } catch (WouldWaitException later) {
                return false;
            } catch (RuntimeException | Error failure) {
                // What is logged of it is this call's.
                context.attachedTo(Context.current()).run(() -> refuse(failure));
                return true;
            }
            if (answer == null) {
                asked.isNotPlain();
                return false;
            }
            send(answer);
            return true;
        }

        /** Prompt work. */
        @Override
        public void run() {
            if (request != null) {
                request.requireTimeToRead();
                answer = desk.answer(context, request);
            }
        }

        private void refuse(Throwable failure) {
            StatusRuntimeException refusal = errors.toException(failure);
            Metadata trailers = refusal.getTrailers();
            close(refusal.getStatus(), trailers == null ? new Metadata() : trailers);
        }

        private void send(MessageBytes answered) {
            if (call.isCancelled()) {
                // Nobody listens any more.
                admission.recalled();
                return;
            }
            call.sendHeaders(new Metadata());
            call.sendMessage(answered);
            close(Status.OK, new Metadata());
        }

        private void close(Status status, Metadata trailers) {
            admission.recalled();
            handler.meters.called(status.getCode(), ticker.read() - begin);
            call.close(status, trailers);
        }
    }

    /** Where requests of one RPC are answered if they are plain; null where they are not. */
    private interface Desk {

        @Nullable
        MessageBytes answer(CallContext call, MessageBytes request);
    }
}

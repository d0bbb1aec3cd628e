package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes the span of each call of ours that was let in, and lets whatever happens to the call happen within it. The names of
 * attributes are OpenTelemetry's conventions for RPC; there are as many values as there are RPCs and status codes.
 */
final class SpanInterceptor implements ServerInterceptor {

    private static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("rpc.system");
    private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("rpc.service");
    private static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
    private static final AttributeKey<Long> STATUS = AttributeKey.longKey("rpc.grpc.status_code");

    /** What is not the caller's doing. */
    private static final Set<Status.Code> FAULTS = Set.of(
            Status.Code.UNKNOWN,
            Status.Code.DEADLINE_EXCEEDED,
            Status.Code.UNIMPLEMENTED,
            Status.Code.INTERNAL,
            Status.Code.UNAVAILABLE,
            Status.Code.DATA_LOSS);

    private final CallSpans spans;

    @Inject
    SpanInterceptor(CallSpans spans) {
        this.spans = spans;
    }

    /** Whether there are any; where not, calls need not pass here. */
    boolean isNeeded() {
        return spans.areMade();
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        MethodDescriptor<Q, R> method = call.getMethodDescriptor();
        if (!RpcNames.isOurs(method)) {
            return next.startCall(call, headers);
        }
        Span span = spans.begin(method.getFullMethodName(), headers, Headers.GETTER)
                .setAttribute(SYSTEM, "grpc")
                .setAttribute(SERVICE, String.valueOf(method.getServiceName()))
                .setAttribute(METHOD, String.valueOf(method.getBareMethodName()));
        Context context = CallContext.current().within(span).attachedTo(Context.current());
        try (Scope _ = span.makeCurrent()) {
            return new Events<>(Contexts.interceptCall(context, new Answer<>(call, span), headers, next), span);
        } catch (WouldWaitException later) {
            // It begins anew where there is time, with a span of its own; this one never ends, and nobody sees it.
            throw later;
        } catch (RuntimeException | Error failure) {
            end(span, Status.Code.UNKNOWN);
            throw failure;
        }
    }

    /** A span ends once, however often it is said. */
    private static void end(Span span, Status.Code code) {
        span.setAttribute(STATUS, (long) code.value());
        if (FAULTS.contains(code)) {
            span.setStatus(StatusCode.ERROR);
        }
        span.end();
    }

    /** The way out of a call: what is measured at its end is measured within the span. */
    private static final class Answer<Q, R> extends SimpleForwardingServerCall<Q, R> {

        private final Span span;

        Answer(ServerCall<Q, R> call, Span span) {
            super(call);
            this.span = span;
        }

        @Override
        public void close(Status status, Metadata trailers) {
            try (Scope _ = span.makeCurrent()) {
                super.close(status, trailers);
            } finally {
                end(span, status.getCode());
            }
        }
    }

    /** What happens to a call. */
    private static final class Events<Q> extends SimpleForwardingServerCallListener<Q> {

        private final Span span;

        Events(ServerCall.Listener<Q> listener, Span span) {
            super(listener);
            this.span = span;
        }

        @Override
        public void onMessage(Q message) {
            try (Scope _ = span.makeCurrent()) {
                super.onMessage(message);
            }
        }

        @Override
        public void onHalfClose() {
            try (Scope _ = span.makeCurrent()) {
                super.onHalfClose();
            }
        }

        @Override
        public void onReady() {
            try (Scope _ = span.makeCurrent()) {
                super.onReady();
            }
        }

        @Override
        public void onComplete() {
            try (Scope _ = span.makeCurrent()) {
                super.onComplete();
            }
        }

        @Override
        public void onCancel() {
            try (Scope _ = span.makeCurrent()) {
                super.onCancel();
            } finally {
                end(span, Status.Code.CANCELLED);
            }
        }
    }

    /** Metadata, read as W3C's headers are. */
    private enum Headers implements TextMapGetter<Metadata> {
        GETTER;

        @Override
        public Iterable<String> keys(Metadata headers) {
            return headers.keys();
        }

        @Override
        public @Nullable String get(@Nullable Metadata headers, String name) {
            return headers == null ? null : headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
        }
    }
}

package dev.assize.client.tracing;

import dev.assize.client.SharedInterceptor;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapSetter;
import java.util.Objects;

/**
 * A span for each call, whose context goes along with it by the propagator of the SDK, such as W3C's. Names and attributes
 * are those of OpenTelemetry's conventions for RPC. A batch of concurrent checks is one call, and a span of whoever sent it.
 *
 * <pre>{@code AssizeClient.builder().interceptor(new OpenTelemetryInterceptor(openTelemetry))}</pre>
 */
public final class OpenTelemetryInterceptor implements SharedInterceptor {

    private static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("rpc.system");
    private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("rpc.service");
    private static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
    private static final AttributeKey<Long> STATUS = AttributeKey.longKey("rpc.grpc.status_code");

    /** The trace and nothing else: what other baggage a request has is not the server's business. */
    private static final TextMapSetter<Metadata> HEADERS = (headers, name, value) -> {
        if (!name.equalsIgnoreCase("baggage")) {
            Objects.requireNonNull(headers).put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
        }
    };

    private final OpenTelemetry telemetry;
    private final Tracer tracer;

    public OpenTelemetryInterceptor(OpenTelemetry telemetry) {
        this.telemetry = telemetry;
        this.tracer = telemetry.getTracer("dev.assize.client");
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void start(Listener<R> listener, Metadata headers) {
                Span span = begun(method);
                telemetry
                        .getPropagators()
                        .getTextMapPropagator()
                        .inject(Context.current().with(span), headers, HEADERS);
                super.start(
                        new SimpleForwardingClientCallListener<>(listener) {
                            @Override
                            public void onClose(Status status, Metadata trailers) {
                                end(span, status);
                                super.onClose(status, trailers);
                            }
                        },
                        headers);
            }
        };
    }

    private Span begun(MethodDescriptor<?, ?> method) {
        return tracer.spanBuilder(method.getFullMethodName())
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute(SYSTEM, "grpc")
                .setAttribute(SERVICE, String.valueOf(method.getServiceName()))
                .setAttribute(METHOD, String.valueOf(method.getBareMethodName()))
                .startSpan();
    }

    private static void end(Span span, Status status) {
        span.setAttribute(STATUS, (long) status.getCode().value());
        if (!status.isOk()) {
            span.setStatus(StatusCode.ERROR, status.getCode().name());
        }
        span.end();
    }
}

package dev.assize.server.endpoint.envoy;

import com.google.inject.Inject;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.server.endpoint.call.CallSpans;
import io.grpc.Status;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The spans of Envoy's calls that were let in, in the traces that Envoy names. One that begins again where there is time to wait
 * has another span; the first never ends, and nobody sees it.
 */
final class EnvoySpans {

    private static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("rpc.system");
    private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("rpc.service");
    private static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
    private static final AttributeKey<Long> STATUS = AttributeKey.longKey("rpc.grpc.status_code");

    private final CallSpans spans;

    @Inject
    EnvoySpans(CallSpans spans) {
        this.spans = spans;
    }

    /** Begins the span of a call; one that nobody sees where the server makes none. */
    Span begin(CallHeaders headers) {
        return spans.areMade()
                ? spans.begin(AuthorizationGrpc.getCheckMethod().getFullMethodName(), headers, TraceparentOnly.GETTER)
                        .setAttribute(SYSTEM, "grpc")
                        .setAttribute(SERVICE, AuthorizationGrpc.SERVICE_NAME)
                        .setAttribute(METHOD, "Check")
                : Span.getInvalid();
    }

    /** Only what this server is to blame for fails such a call. */
    static void end(Span span, Status status) {
        span.setAttribute(STATUS, (long) status.getCode().value());
        if (!status.isOk()) {
            span.setStatus(StatusCode.ERROR);
        }
        span.end();
    }

    /** The `tracestate` is the client's, and says nothing here. */
    private enum TraceparentOnly implements TextMapGetter<CallHeaders> {
        GETTER;

        @Override
        public Iterable<String> keys(CallHeaders headers) {
            return headers.traceparent() == null ? List.of() : List.of("traceparent");
        }

        @Override
        public @Nullable String get(@Nullable CallHeaders headers, String name) {
            return headers != null && name.equals("traceparent") ? headers.traceparent() : null;
        }
    }
}

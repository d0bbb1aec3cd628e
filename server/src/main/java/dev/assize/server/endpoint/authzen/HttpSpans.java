package dev.assize.server.endpoint.authzen;

import com.google.inject.Inject;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import dev.assize.server.endpoint.call.CallSpans;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.propagation.TextMapGetter;
import org.jspecify.annotations.Nullable;

/**
 * The spans of calls over HTTP that were let in, from then on until their answer is there, in the traces that their headers
 * name. The names of attributes are OpenTelemetry's conventions for HTTP; the path is not among them, since it names a tenant.
 */
final class HttpSpans {

    private static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
    private static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
    private static final AttributeKey<Long> STATUS = AttributeKey.longKey("http.response.status_code");

    private final CallSpans spans;

    @Inject
    HttpSpans(CallSpans spans) {
        this.spans = spans;
    }

    /** Begins the span of a call; one that nobody sees where the server makes none. */
    Span begin(HttpExchange exchange, Route route) {
        if (!spans.areMade()) {
            return Span.getInvalid();
        }
        String method = exchange.getRequestMethod();
        return spans.begin(method + " " + route.template(), exchange.getRequestHeaders(), HeaderGetter.INSTANCE)
                .setAttribute(METHOD, method)
                .setAttribute(ROUTE, route.template());
    }

    /** How it ended; what is the caller's doing is no fault. */
    static void answered(Span span, int status) {
        span.setAttribute(STATUS, (long) status);
        if (status >= HttpStatus.INTERNAL_ERROR) {
            span.setStatus(StatusCode.ERROR);
        }
    }

    private enum HeaderGetter implements TextMapGetter<Headers> {
        INSTANCE;

        @Override
        public Iterable<String> keys(Headers headers) {
            return headers.keySet();
        }

        @Override
        public @Nullable String get(@Nullable Headers headers, String name) {
            return headers == null ? null : headers.getFirst(name);
        }
    }
}

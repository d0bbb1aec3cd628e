package dev.assize.server.endpoint.envoy;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.List;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * What Envoy's own call says about itself, for whoever lets it in.
 *
 * @param authorization every value of that header
 * @param traceparent that header; null without one
 */
record CallHeaders(List<String> authorization, @Nullable String traceparent) {

    private static final Context.Key<CallHeaders> KEY = Context.key("assize-envoy-call");
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> TRACEPARENT =
            Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
    private static final CallHeaders NONE = new CallHeaders(List.of(), null);

    CallHeaders {
        authorization = List.copyOf(authorization);
    }

    /** Of the call that this thread serves. */
    static CallHeaders current() {
        CallHeaders headers = KEY.get();
        return headers == null ? NONE : headers;
    }

    private static CallHeaders of(Metadata metadata) {
        Iterable<String> values = metadata.getAll(AUTHORIZATION);
        return new CallHeaders(
                values == null
                        ? List.of()
                        : StreamSupport.stream(values.spliterator(), false).toList(),
                metadata.get(TRACEPARENT));
    }

    /** Keeps them for the call's handler. */
    static final class Keeper implements ServerInterceptor {

        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            return Contexts.interceptCall(Context.current().withValue(KEY, of(headers)), call, headers, next);
        }
    }
}

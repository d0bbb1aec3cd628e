package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.Caller;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.Iterator;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Lets a call in when its credential authenticates a caller that may use the RPC. Only health, and reflection where
 * it is configured so, are open to everybody.
 */
final class AuthenticationInterceptor implements ServerInterceptor {

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Metadata.Key<String> TRACEPARENT =
            Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
    private static final Pattern TRACE_CONTEXT = Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");
    private static final String SCHEME = "Bearer ";
    private static final String HEALTH = "grpc.health.v1.Health/";
    private static final String REFLECTION = "grpc.reflection.";

    private final ApiKeys keys;
    private final BreakGlass breakGlass;
    private final ErrorMapper errors;
    private final GrpcConfig config;

    @Inject
    AuthenticationInterceptor(ApiKeys keys, BreakGlass breakGlass, ErrorMapper errors, GrpcConfig config) {
        this.keys = keys;
        this.breakGlass = breakGlass;
        this.errors = errors;
        this.config = config;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        if (isOpen(call.getMethodDescriptor())) {
            return next.startCall(call, headers);
        }
        CallContext admitted;
        try {
            admitted = admit(call.getMethodDescriptor(), headers);
        } catch (WouldWaitException later) {
            throw later;
        } catch (RuntimeException refusal) {
            errors.close(call, refusal);
            return new ServerCall.Listener<>() {};
        }
        return Contexts.interceptCall(admitted.attachedTo(Context.current()), call, headers, next);
    }

    private boolean isOpen(MethodDescriptor<?, ?> method) {
        String name = method.getFullMethodName();
        return name.startsWith(HEALTH)
                || (name.startsWith(REFLECTION) && config.reflection() == GrpcConfig.Reflection.OPEN);
    }

    private CallContext admit(MethodDescriptor<?, ?> method, Metadata headers) {
        Caller caller = keys.authenticate(credential(headers))
                .orElseThrow(() -> RefusedException.of(
                        ErrorReason.CREDENTIALS_INVALID, "the credential is unknown, expired or revoked", Map.of()));
        String rpc = RpcNames.of(method);
        if (RpcNames.isOurs(method) && !caller.mayUse(rpc)) {
            throw RefusedException.of(
                    ErrorReason.RPC_NOT_ALLOWED, "the credential may not use `" + rpc + "`", Map.of("rpc", rpc));
        }
        if (caller.breakGlass() && !breakGlass.use(caller, rpc)) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_INVALID, "the credential is unknown, expired or revoked", Map.of());
        }
        return new CallContext(caller, rpc, traceContext(headers));
    }

    /** What is not of its form is nobody's trace. */
    private static @Nullable String traceContext(Metadata headers) {
        String value = headers.get(TRACEPARENT);
        return value != null && TRACE_CONTEXT.matcher(value).matches() ? value : null;
    }

    /** The one credential of a call: of several, none is believed. */
    private static String credential(Metadata headers) {
        Iterable<String> values = headers.getAll(AUTHORIZATION);
        Iterator<String> each = values == null ? null : values.iterator();
        if (each == null || !each.hasNext()) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_MISSING,
                    "no credential: expected metadata `authorization: Bearer asz_<id>_<secret>`",
                    Map.of());
        }
        String value = each.next();
        if (each.hasNext() || !value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_INVALID,
                    "malformed metadata: expected one `authorization: Bearer asz_<id>_<secret>`",
                    Map.of());
        }
        return value.substring(SCHEME.length()).strip();
    }
}

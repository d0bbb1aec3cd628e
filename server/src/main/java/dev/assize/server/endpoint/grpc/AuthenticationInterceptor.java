package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets a call in when its credential authenticates a caller that may use the RPC. Only health, and reflection where
 * it is configured so, are open to everybody.
 */
final class AuthenticationInterceptor implements ServerInterceptor {

    static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    static final Metadata.Key<String> TRACEPARENT = Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
    private static final String HEALTH = "grpc.health.v1.Health/";
    private static final String REFLECTION = "grpc.reflection.";

    private final Admission admission;
    private final ErrorMapper errors;
    private final GrpcConfig config;

    @Inject
    AuthenticationInterceptor(Admission admission, ErrorMapper errors, GrpcConfig config) {
        this.admission = admission;
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
        return admission.admit(
                RpcNames.of(method), RpcNames.isOurs(method), credentials(headers), headers.get(TRACEPARENT));
    }

    private static List<String> credentials(Metadata headers) {
        Iterable<String> values = headers.getAll(AUTHORIZATION);
        if (values == null) {
            return List.of();
        }
        List<String> all = new ArrayList<>(1);
        values.forEach(all::add);
        return all;
    }
}

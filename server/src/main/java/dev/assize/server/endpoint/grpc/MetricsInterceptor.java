package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

/** Measures every call, also those that are refused at the door. */
final class MetricsInterceptor implements ServerInterceptor {

    private final GrpcMetrics metrics;

    @Inject
    MetricsInterceptor(GrpcMetrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        GrpcMetrics.Calls calls = metrics.of(RpcNames.of(call.getMethodDescriptor()));
        calls.begins();
        long begin = System.nanoTime();
        return next.startCall(
                new SimpleForwardingServerCall<>(call) {
                    @Override
                    public void close(Status status, Metadata trailers) {
                        calls.called(status.getCode(), System.nanoTime() - begin);
                        super.close(status, trailers);
                    }
                },
                headers);
    }
}

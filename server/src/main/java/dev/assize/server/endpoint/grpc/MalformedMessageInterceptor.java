package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.endpoint.call.RefusedException;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;

/**
 * Answers bytes that are no message of the RPC, such as text that is not UTF-8, like every other malformed request. By
 * itself gRPC says UNKNOWN. Works on services whose messages come as streams of bytes, which are parsed behind it.
 */
final class MalformedMessageInterceptor implements ServerInterceptor {

    private final ErrorMapper errors;

    @Inject
    MalformedMessageInterceptor(ErrorMapper errors) {
        this.errors = errors;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {

            private boolean refused;

            @Override
            public void onMessage(Q message) {
                if (refused) {
                    return;
                }
                try {
                    super.onMessage(message);
                } catch (StatusRuntimeException malformed) {
                    refused = true;
                    errors.close(
                            call,
                            RefusedException.invalid(
                                    "request",
                                    "bytes that are no message",
                                    "a protobuf message of the RPC, its texts in UTF-8, nested at most 100 deep"));
                }
            }

            @Override
            public void onHalfClose() {
                if (!refused) {
                    super.onHalfClose();
                }
            }
        };
    }
}

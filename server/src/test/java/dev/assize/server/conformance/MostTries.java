package dev.assize.server.conformance;

import dev.assize.proto.v1.CheckRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Fails a check that is tried more often than it may be. No two checks may ask the same. */
final class MostTries implements ClientInterceptor {

    private final int most;
    private final ConcurrentMap<CheckRequest, Integer> tries = new ConcurrentHashMap<>();

    MostTries(int most) {
        this.most = most;
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void sendMessage(Q message) {
                if (message instanceof CheckRequest check && tries.merge(check, 1, Integer::sum) > most) {
                    throw Status.ABORTED
                            .withDescription("tried more than " + most + " times")
                            .asRuntimeException();
                }
                super.sendMessage(message);
            }
        };
    }
}

package dev.assize.client;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The calls, over a channel. */
final class GrpcCheckCalls implements CheckCalls {

    private final Channel channel;
    private final DecisionServiceGrpc.DecisionServiceBlockingStub blocking;

    GrpcCheckCalls(Channel channel) {
        this.channel = channel;
        this.blocking = DecisionServiceGrpc.newBlockingStub(channel);
    }

    @Override
    public CheckResponse checkHere(CheckRequest request, Duration deadline) {
        return blocking.withDeadlineAfter(deadline).check(request);
    }

    @Override
    public CheckBatchResponse checkBatchHere(CheckBatchRequest request, Duration deadline) {
        return blocking.withDeadlineAfter(deadline).checkBatch(request);
    }

    @Override
    public CompletableFuture<CheckResponse> check(CheckRequest request, Duration deadline) {
        return call(DecisionServiceGrpc.getCheckMethod(), request, deadline);
    }

    @Override
    public CompletableFuture<CheckBatchResponse> checkBatch(CheckBatchRequest request, Duration deadline) {
        return call(DecisionServiceGrpc.getCheckBatchMethod(), request, deadline);
    }

    private <Q, R> CompletableFuture<R> call(MethodDescriptor<Q, R> method, Q request, Duration deadline) {
        // It may carry the questions of many: what ends the one who sends it must not end it. A call belongs to the
        // context that it is made in, not to the one that it is started in.
        Context before = Context.ROOT.attach();
        try {
            ClientCall<Q, R> call = channel.newCall(
                    method, CallOptions.DEFAULT.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS));
            Answer<R> answer = new Answer<>(call);
            ClientCalls.asyncUnaryCall(call, request, answer.observer());
            return answer;
        } finally {
            Context.ROOT.detach(before);
        }
    }

    /** What a call is answered with. */
    private static final class Answer<R> extends CompletableFuture<R> {

        private final ClientCall<?, R> call;

        Answer(ClientCall<?, R> call) {
            this.call = call;
        }

        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean cancelled = super.cancel(mayInterruptIfRunning);
            if (cancelled) {
                call.cancel("nobody waits for it", null);
            }
            return cancelled;
        }

        StreamObserver<R> observer() {
            return new StreamObserver<>() {
                @Override
                public void onNext(R message) {
                    complete(message);
                }

                @Override
                public void onError(Throwable failure) {
                    completeExceptionally(failure);
                }

                @Override
                public void onCompleted() {
                    // Unless the message has come before.
                    completeExceptionally(Status.INTERNAL
                            .withDescription("the server gave no message")
                            .asRuntimeException());
                }
            };
        }
    }
}

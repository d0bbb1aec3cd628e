package dev.assize.server.testing;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceStub;
import dev.assize.proto.v1.PolicySource;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** A change of policy over the wire: its parts in a stream, and one answer. */
public final class ChangeCall {

    private ChangeCall() {}

    /**
     * Puts documents.
     *
     * @throws StatusRuntimeException where the change is refused
     */
    public static ApplyPolicyResponse put(PolicyServiceStub policies, ApplyPolicyHeader header, String... yaml) {
        List<ApplyPolicyRequest> parts = new ArrayList<>();
        parts.add(ApplyPolicyRequest.newBuilder().setHeader(header).build());
        for (String each : yaml) {
            parts.add(put(each));
        }
        return send(policies, parts);
    }

    /** A part of a change: documents that are put. */
    public static ApplyPolicyRequest put(String yaml) {
        return ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder().setFile("policy.yaml").setYaml(ByteString.copyFromUtf8(yaml)))
                .build();
    }

    /**
     * Sends the parts, and waits.
     *
     * @throws StatusRuntimeException where the change is refused
     */
    public static ApplyPolicyResponse send(PolicyServiceStub policies, List<ApplyPolicyRequest> parts) {
        CompletableFuture<ApplyPolicyResponse> answer = new CompletableFuture<>();
        StreamObserver<ApplyPolicyRequest> call = policies.applyPolicy(new StreamObserver<>() {
            @Override
            public void onNext(ApplyPolicyResponse response) {
                answer.complete(response);
            }

            @Override
            public void onError(Throwable failure) {
                answer.completeExceptionally(failure);
            }

            @Override
            public void onCompleted() {}
        });
        parts.forEach(call::onNext);
        call.onCompleted();
        try {
            return answer.join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof StatusRuntimeException refused ? refused : failure;
        }
    }
}

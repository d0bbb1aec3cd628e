package dev.assize.client.enforcement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import dev.assize.client.testing.FakeAssize;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The interceptor before a real service, over a real in-process transport. */
class EnforcingInterceptorTest {

    private final FakeAssize assize = new FakeAssize().allow("user:alice", "rpc:unary", "call");
    private final List<Verdict> verdicts = Collections.synchronizedList(new ArrayList<>());
    private final List<String> served = Collections.synchronizedList(new ArrayList<>());
    private volatile String subject = "user:alice";
    private final Server server;
    private final ManagedChannel channel;

    EnforcingInterceptorTest() throws IOException {
        String name = UUID.randomUUID().toString();
        EnforcingInterceptor interceptor = new EnforcingInterceptor(
                Enforcer.of(assize.client(AssizeClient.builder().tenant("acme"))),
                (method, _, _) -> switch (method.substring(method.indexOf('/') + 1)) {
                    case "AppendAudit" -> Optional.of(Question.of(subject, "rpc:unary", "call"));
                    case "VerifyChain" -> throw new IllegalStateException("cannot be mapped");
                    default -> Optional.empty();
                },
                verdicts::add);
        server = InProcessServerBuilder.forName(name)
                .addService(new Service())
                .intercept(interceptor)
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).build();
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    @Test
    void deniesAMethodThatIsNotMapped() {
        assertThat(code(() -> {
                    var _ = LedgerServiceGrpc.newBlockingStub(channel)
                            .getLineage(GetLineageRequest.getDefaultInstance());
                }))
                .isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(served).isEmpty();
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void deniesWhereTheMappingThrows() {
        assertThat(code(() -> {
                    var _ = LedgerServiceGrpc.newBlockingStub(channel)
                            .verifyChain(VerifyChainRequest.getDefaultInstance())
                            .hasNext();
                }))
                .isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(served).isEmpty();
    }

    @Test
    void deniesWhatIsNotAllowedAndSaysNothingMore() {
        subject = "user:bob";
        try {
            var _ = LedgerServiceGrpc.newBlockingStub(channel).appendAudit(AppendAuditRequest.getDefaultInstance());
        } catch (StatusRuntimeException denied) {
            assertThat(denied.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(denied.getStatus().getDescription()).isEqualTo("not allowed");
        }
        assertThat(served).isEmpty();
        assertThat(verdicts.getFirst().message()).contains("NO_GRANT");
    }

    @Test
    void saysWhereItCannotSay() {
        assize.reachable(false);
        assertThat(code(this::call)).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(served).isEmpty();
    }

    @Test
    void letsPassWhatIsAllowedAndHandsOnTheAnswer() {
        call();
        assertThat(served).hasSize(1).first().asString().isNotEmpty();
        assertThat(verdicts).extracting(Verdict::allowed).containsExactly(true);
    }

    private void call() {
        var _ = LedgerServiceGrpc.newBlockingStub(channel).appendAudit(AppendAuditRequest.getDefaultInstance());
    }

    private static Status.Code code(Runnable call) {
        try {
            call.run();
            return Status.Code.OK;
        } catch (StatusRuntimeException failure) {
            return failure.getStatus().getCode();
        }
    }

    /** What is protected. */
    private final class Service extends LedgerServiceGrpc.LedgerServiceImplBase {

        @Override
        public void appendAudit(AppendAuditRequest request, StreamObserver<AppendAuditResponse> to) {
            CheckResult result = EnforcingInterceptor.RESULT.get();
            served.add(result.decisionId());
            to.onNext(AppendAuditResponse.getDefaultInstance());
            to.onCompleted();
        }

        @Override
        public void getLineage(GetLineageRequest request, StreamObserver<GetLineageResponse> to) {
            served.add("lineage");
        }

        @Override
        public void verifyChain(VerifyChainRequest request, StreamObserver<VerifyChainResponse> to) {
            served.add("stream");
        }
    }
}

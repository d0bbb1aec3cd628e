package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
import dev.assize.server.cli.Credentials;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * One change of many documents to a server with little memory, which ends where that is not enough: too large for every
 * build, run with {@code -Dassize.change.documents=100000}.
 */
@Timeout(1_800)
@EnabledIfSystemProperty(named = "assize.change.documents", matches = "[1-9][0-9]*")
class LargeChangeTest {

    private static final int DOCUMENTS = Integer.getInteger("assize.change.documents", 0);

    /** Of the server. */
    private static final int HEAP_MEBIBYTES = Integer.getInteger("assize.change.heap", 512);

    private static final String WORLD = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: reader},
          spec: {permissions: [{resources: [doc], actions: [read]}]}}
        """;

    private String key = "";

    @Test
    void isMadeInBoundedMemoryAndLeavesNothingWhereItsLastDocumentFails(@TempDir Path home) throws Exception {
        try (TestDatabase database = TestDatabase.migrated();
                TestNode node = TestNode.process(environment(database, home), HEAP_MEBIBYTES)) {
            key = Credentials.read(home).orElseThrow().key();
            ManagedChannel channel = ManagedChannelBuilder.forTarget(node.address())
                    .usePlaintext()
                    .maxInboundMessageSize(64 << 20)
                    .build();
            try {
                apply(channel, 1, i -> WORLD).join();
                assertThatThrownBy(() -> apply(
                                        channel, DOCUMENTS, i -> binding(i, i < DOCUMENTS - 1 ? "reader" : "nobody"))
                                .join())
                        .isInstanceOf(CompletionException.class)
                        .hasMessageContaining("nobody");
                assertThat(revision(channel)).isOne();

                long start = System.nanoTime();
                ApplyPolicyResponse made =
                        apply(channel, DOCUMENTS, i -> binding(i, "reader")).join();
                System.out.printf(
                        "%d documents in one change, with a heap of %d MiB: %.1f s%n",
                        DOCUMENTS, HEAP_MEBIBYTES, (System.nanoTime() - start) / 1e9);
                assertThat(made.getChanges(0).getRevision()).isEqualTo(2);
                assertThat(revision(channel)).isEqualTo(2);
                start = System.nanoTime();
                CheckResponse answer = served(channel);
                System.out.printf("and answered from %.1f s later%n", (System.nanoTime() - start) / 1e9);
                assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_ALLOW);
                assertThat(answer.getRevision()).isEqualTo(2);
            } finally {
                channel.shutdownNow();
            }
        }
    }

    /** The first question about a large policy may come before it is compiled, and is told so, and nothing else. */
    private CheckResponse served(ManagedChannel channel) {
        CheckRequest request = CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:u" + (DOCUMENTS - 1))
                .setAction("read")
                .setResource("doc:1")
                .setMinRevision(2)
                .build();
        while (true) {
            try {
                return with(DecisionServiceGrpc.newBlockingStub(channel)).check(request);
            } catch (StatusRuntimeException refused) {
                assertThat(Objects.requireNonNull(StatusProto.fromThrowable(refused))
                                .getDetailsList())
                        .as(refused.getMessage())
                        .anyMatch(detail -> detail.toString().contains("POLICY_LOADING"));
            }
        }
    }

    private static String binding(int i, String role) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: b" + i
                + "}, spec: {subjects: ['user:u" + i + "'], role: " + role + "}}";
    }

    private CompletableFuture<ApplyPolicyResponse> apply(
            ManagedChannel channel, int documents, IntFunction<String> document) {
        CompletableFuture<ApplyPolicyResponse> answer = new CompletableFuture<>();
        with(PolicyServiceGrpc.newStub(channel))
                .applyPolicy(new ClientResponseObserver<ApplyPolicyRequest, ApplyPolicyResponse>() {
                    @Override
                    public void beforeStart(ClientCallStreamObserver<ApplyPolicyRequest> call) {
                        call.setOnReadyHandler(new Runnable() {
                            private int sent = -1;

                            @Override
                            public void run() {
                                while (call.isReady() && sent < documents) {
                                    call.onNext(
                                            sent < 0
                                                    ? ApplyPolicyRequest.newBuilder()
                                                            .setHeader(ApplyPolicyHeader.getDefaultInstance())
                                                            .build()
                                                    : put(document.apply(sent)));
                                    sent++;
                                    if (sent == documents) {
                                        call.onCompleted();
                                    }
                                }
                            }
                        });
                    }

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
        return answer;
    }

    private static ApplyPolicyRequest put(String yaml) {
        return ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder().setFile("p.yaml").setYaml(ByteString.copyFromUtf8(yaml)))
                .build();
    }

    private long revision(ManagedChannel channel) {
        return with(PolicyServiceGrpc.newBlockingStub(channel))
                .listRevisions(
                        ListRevisionsRequest.newBuilder().setTenant("acme").build())
                .getRevisions(0)
                .getRevision();
    }

    private <S extends AbstractStub<S>> S with(S stub) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    private static Map<String, String> environment(TestDatabase database, Path home) {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", home.toString());
        environment.put("ASSIZE_GRPC_PORT", "0");
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.put("ASSIZE_DATABASE_URL", database.application().url());
        environment.put("ASSIZE_DATABASE_USER", database.application().user());
        environment.put("ASSIZE_DATABASE_PASSWORD", database.application().password());
        environment.put("ASSIZE_DATABASE_OWNER_USER", database.owner().user());
        environment.put("ASSIZE_DATABASE_OWNER_PASSWORD", database.owner().password());
        environment.put("ASSIZE_DATABASE_STATEMENT_TIMEOUT", "60s");
        return environment;
    }
}

package dev.assize.server.app;

import com.google.protobuf.Duration;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.server.cli.Credentials;
import dev.assize.server.policy.replay.PolicyEntry;
import dev.assize.server.testing.ChangeCall;
import dev.assize.server.testing.CutNetwork;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Three nodes on one database, each behind a network of its own, and what they are asked: within this process, or with
 * {@code -Dassize.test.nodes.processes=true} each in one of its own, as it is configured by itself.
 */
final class ThreeNodes implements AutoCloseable {

    static final int COUNT = 3;
    static final boolean PROCESSES = Boolean.getBoolean("assize.test.nodes.processes");

    private final TestDatabase database = TestDatabase.migrated();
    private final List<CutNetwork> networks = new ArrayList<>();
    private final List<TestNode> nodes = new ArrayList<>();
    private final List<ManagedChannel> channels = new ArrayList<>();
    private String key = "";

    /**
     * Starts them.
     *
     * @param more of their configuration
     */
    ThreeNodes(Path directory, Map<String, String> more) {
        try {
            start(directory, more);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void start(Path directory, Map<String, String> more) throws IOException {
        URI url = URI.create(database.application().url().substring("jdbc:".length()));
        for (int i = 0; i < COUNT; i++) {
            CutNetwork network = new CutNetwork(url.getHost(), url.getPort());
            networks.add(network);
            Map<String, String> environment = environment(directory, i);
            environment.putAll(more);
            environment.put(
                    "ASSIZE_DATABASE_URL",
                    database.application().url().replace(":" + url.getPort() + "/", ":" + network.port() + "/"));
            nodes.add(PROCESSES ? TestNode.process(environment) : TestNode.inside(environment));
            channels.add(ManagedChannelBuilder.forTarget(nodes.getLast().address())
                    .usePlaintext()
                    .build());
            if (i == 0) {
                key = Credentials.read(directory.resolve("node-0"))
                        .orElseThrow()
                        .key();
            }
        }
    }

    private Map<String, String> environment(Path directory, int i) {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", directory.resolve("node-" + i).toString());
        environment.put("ASSIZE_NODE_NAME", "node-" + i);
        environment.put("ASSIZE_GRPC_PORT", "0");
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.put("ASSIZE_GRPC_STOP_TIMEOUT", "1s");
        environment.putAll(database.environment());
        environment.put("ASSIZE_DATABASE_CONNECT_TIMEOUT", "1s");
        if (!PROCESSES) {
            environment.put("ASSIZE_DECISION_POLL_INTERVAL", "250ms");
            environment.put("ASSIZE_POLICY_SNAPSHOT_EVERY", "2s");
        }
        // So that it is the age of policy that ends answers, and not that of credentials.
        environment.put("ASSIZE_AUTHENTICATION_CACHE_TTL", "60s");
        environment.put(
                "ASSIZE_AUTHENTICATION_PEPPER_FILE", directory.resolve("pepper").toString());
        environment.put(
                "ASSIZE_LEDGER_SIGNING_KEYS", directory.resolve("signing-keys").toString());
        environment.put("ASSIZE_ANCHOR_DIRECTORY", directory.resolve("anchor").toString());
        return environment;
    }

    CutNetwork network(int node) {
        return networks.get(node);
    }

    PolicyServiceGrpc.PolicyServiceBlockingStub policies(int node) {
        return with(PolicyServiceGrpc.newBlockingStub(channels.get(node)));
    }

    /** Of the only subject there is; waits for a second until others have it, where its name does not say that it stops. */
    static FreezeResponse freeze(PolicyServiceGrpc.PolicyServiceBlockingStub policies, String name) {
        return policies.freeze(FreezeRequest.newBuilder()
                .setTenant("acme")
                .setName(name)
                .setSubject("agent:x")
                .setReason("shown")
                .setIdempotencyKey(name)
                .setWait(Duration.newBuilder().setNanos(name.startsWith("stop") ? 0 : 999_999_999))
                .build());
    }

    /** Sends the parts of a change; a refusal is what the node said. */
    ApplyPolicyResponse apply(int node, List<ApplyPolicyRequest> parts) {
        return ChangeCall.send(with(PolicyServiceGrpc.newStub(channels.get(node))), parts);
    }

    /**
     * Asks whether the subject may.
     *
     * @param token a revision that the node must have seen; 0 for none
     */
    CheckResponse check(int node, long token) {
        return with(DecisionServiceGrpc.newBlockingStub(channels.get(node)))
                .withDeadlineAfter(5, TimeUnit.SECONDS)
                .check(CheckRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("agent:x")
                        .setResource("vault:1")
                        .setAction("read")
                        .setMinRevision(token)
                        .build());
    }

    /** Of its policy, in the tenant's ledger; asked again while the node is not sure that its policy is fresh. */
    List<AuditEntry> snapshots() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                return readSnapshots();
            } catch (StatusRuntimeException notYet) {
                if (notYet.getStatus().getCode() != Status.Code.UNAVAILABLE || System.nanoTime() > deadline) {
                    throw notYet;
                }
                WatchedChanges.rest(java.time.Duration.ofMillis(20));
            }
        }
    }

    private List<AuditEntry> readSnapshots() {
        return with(LedgerServiceGrpc.newBlockingStub(channels.getFirst()))
                .queryAudit(QueryAuditRequest.newBuilder()
                        .setTenant("acme")
                        .setType(PolicyEntry.SNAPSHOT)
                        .build())
                .getEntriesList();
    }

    private <S extends AbstractStub<S>> S with(S stub) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    @Override
    public void close() {
        channels.forEach(ManagedChannel::shutdownNow);
        networks.forEach(CutNetwork::restore);
        nodes.forEach(TestNode::close);
        networks.forEach(CutNetwork::close);
        database.close();
    }
}

package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceBlockingStub;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.SpoolStanding;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.server.audit.Acknowledgement;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditIntake;
import dev.assize.server.audit.AuditIntake.Taken;
import dev.assize.server.audit.Outcome;
import dev.assize.server.cli.Credentials;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.endpoint.grpc.FakeDecisions;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.SpoolConfig;
import dev.assize.server.testing.ChangeCall;
import dev.assize.server.testing.CutNetwork;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.upstream.forward.ForwardModule;
import dev.assize.server.upstream.forward.ForwardedTenants;
import dev.assize.server.upstream.forward.Forwarding;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A server with a database, behind a network that can be cut and stalled, and the audit side of sidecars of it. */
abstract class ForwardingFixture {

    static final TenantId TENANT = new TenantId("acme");
    static final Recorder RECORDER = new Recorder(new Subject("user", "admin"), TenantId.ASSIZE);

    @TempDir(factory = InMemory.class)
    Path directory;

    final TestDatabase database = TestDatabase.migrated();
    final FakeDecisions decisions = new FakeDecisions();
    private int port;
    TestNode node;
    CutNetwork network;
    private ManagedChannel direct;
    String key = "";

    @BeforeEach
    void start() throws Exception {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        node = TestNode.inside(environment());
        network = new CutNetwork("127.0.0.1", port);
        direct = channel("127.0.0.1:" + port);
        key = Credentials.read(directory.resolve("home")).orElseThrow().key();
        makeTenant();
    }

    @AfterEach
    void stop() {
        direct.shutdownNow();
        network.restore();
        node.close();
        network.close();
        database.close();
    }

    Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", directory.resolve("home").toString());
        environment.put("ASSIZE_GRPC_PORT", Integer.toString(port));
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_GRPC_STOP_TIMEOUT", "1s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.putAll(database.patientEnvironment());
        return environment;
    }

    /** The audit side of a sidecar, behind the network. */
    final class Sidecar implements AutoCloseable {

        final ManagedChannel channel = channel("127.0.0.1:" + network.port());
        final Forwarding forwarding;
        private final AuditIntake intake;
        final SimpleMeterRegistry meters = new SimpleMeterRegistry();

        Sidecar(Path home) {
            Injector injector = injector(home, withKey(channel, key), decisions, meters);
            forwarding = injector.getInstance(Forwarding.class);
            intake = injector.getInstance(AuditIntake.class);
            forwarding.start();
        }

        CompletableFuture<Taken> take(
                String reason, String action, @Nullable String idempotencyKey, Acknowledgement acknowledgement) {
            return take(List.of(event(reason, action)), idempotencyKey, acknowledgement);
        }

        CompletableFuture<Taken> take(
                List<AuditEvent> events, @Nullable String idempotencyKey, Acknowledgement acknowledgement) {
            return intake.take(TENANT, RECORDER, events, idempotencyKey, acknowledgement);
        }

        long spool(String reason, @Nullable String idempotencyKey) {
            Taken taken = take(reason, "look", idempotencyKey, Acknowledgement.SPOOLED)
                    .join();
            return ((Taken.Spooled) taken).number();
        }

        Receipt append(String reason, @Nullable String idempotencyKey) {
            Taken taken = take(reason, "look", idempotencyKey, Acknowledgement.IN_LEDGER)
                    .join();
            return switch (((Taken.InLedger) taken).result()) {
                case AppendResult.Appended(List<Receipt> receipts) -> receipts.getFirst();
                case AppendResult.Replayed(List<Receipt> receipts) -> receipts.getFirst();
                case AppendResult.KeyReused _, AppendResult.Refused _ -> throw new AssertionError(taken);
            };
        }

        void drain() {
            channel.resetConnectBackoff();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
            while (meters.get("assize.spool.depth").gauge().value() > 0 && System.nanoTime() < end) {
                rest(Duration.ofMillis(20));
            }
            assertThat(meters.get("assize.spool.depth").gauge().value())
                    .as("%s", forwarding.complaint())
                    .isZero();
        }

        @Override
        public void close() {
            forwarding.close();
            channel.shutdownNow();
        }
    }

    static Injector injector(Path home, Channel channel, DecisionService decisions, MeterRegistry meters) {
        return Guice.createInjector(new ForwardModule(SpoolConfig.defaults(home)), new AbstractModule() {
            @Override
            protected void configure() {
                bind(Channel.class).toInstance(channel);
                bind(DecisionService.class).toInstance(decisions);
                bind(MeterRegistry.class).toInstance(meters);
                bind(InstantSource.class).toInstance(InstantSource.system());
                bind(ForwardedTenants.class).toInstance(new ForwardedTenants(Set.of(TENANT)));
            }
        });
    }

    /** Spools without an end, and says what was acknowledged. */
    static final class Spooling {

        private Spooling() {}

        public static void main(String[] arguments) {
            Injector injector = injector(
                    Path.of(arguments[0]),
                    withKey(channel(arguments[1]), arguments[2]),
                    new FakeDecisions(),
                    new SimpleMeterRegistry());
            injector.getInstance(Forwarding.class).start();
            AuditIntake intake = injector.getInstance(AuditIntake.class);
            for (int i = 0; ; i++) {
                String reason = "process " + arguments[3] + " " + i;
                intake.take(TENANT, RECORDER, List.of(event(reason, "look")), null, Acknowledgement.SPOOLED)
                        .join();
                System.out.println(reason);
            }
        }
    }

    static AuditEvent event(String reason, String action) {
        return event(reason, action, null, null);
    }

    static AuditEvent event(String reason, String action, @Nullable String category, @Nullable String payload) {
        return new AuditEvent(
                "replay.executed",
                category,
                RECORDER.caller(),
                null,
                new Action(action),
                ResourcePath.parse("replay:r1"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                payload,
                List.of(),
                List.of(),
                null,
                TenantId.ASSIZE);
    }

    static ManagedChannel channel(String target) {
        return ManagedChannelBuilder.forTarget(target).usePlaintext().build();
    }

    static Channel withKey(Channel channel, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    private LedgerServiceBlockingStub ledger() {
        return LedgerServiceGrpc.newBlockingStub(withKey(direct, key)).withWaitForReady();
    }

    List<AuditEntry> entries() {
        List<AuditEntry> entries = new ArrayList<>();
        QueryAuditRequest.Builder request = QueryAuditRequest.newBuilder()
                .setTenant("acme")
                .setType("replay.executed")
                .setAscending(true)
                .setPageSize(1_000);
        QueryAuditResponse page;
        do {
            page = ledger().queryAudit(request.build());
            entries.addAll(page.getEntriesList());
            request.setPageToken(page.getNextPageToken());
        } while (!page.getNextPageToken().isEmpty());
        return entries;
    }

    List<String> reasons() {
        return entries().stream().map(entry -> entry.getEvent().getReason()).toList();
    }

    List<SpoolStanding> spools() {
        return ledger().listSpools(
                        ListSpoolsRequest.newBuilder().setTenant("acme").build())
                .getSpoolsList();
    }

    void requireSound() {
        Iterator<VerifyChainResponse> updates = ledger().verifyChain(
                        VerifyChainRequest.newBuilder().setTenant("acme").build());
        VerifyChainResponse last = updates.next();
        while (updates.hasNext()) {
            last = updates.next();
        }
        assertThat(last.getResult().getValid()).as("%s", last).isTrue();
    }

    private void makeTenant() {
        var _ = ChangeCall.put(
                PolicyServiceGrpc.newStub(withKey(direct, key)), ApplyPolicyHeader.getDefaultInstance(), """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec: {environments: [default]}
                """);
    }

    static void rest(Duration rest) {
        long end = System.nanoTime() + rest.toNanos();
        for (long left = rest.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}

package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceBlockingStub;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
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
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.SpoolConfig;
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
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A spool that forwards to a server with a database, over a network that is cut and stalled, while the server is started
 * anew and the process that spools is killed. What was acknowledged is in the ledger once, in the order of its numbers.
 */
@Timeout(300)
class SpooledForwardingTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final Recorder RECORDER = new Recorder(new Subject("user", "admin"), TenantId.ASSIZE);

    @TempDir(factory = InMemory.class)
    Path directory;

    private final TestDatabase database = TestDatabase.migrated();
    private final FakeDecisions decisions = new FakeDecisions();
    private int port;
    private TestNode node;
    private CutNetwork network;
    private ManagedChannel direct;
    private String key = "";

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

    private Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", directory.resolve("home").toString());
        environment.put("ASSIZE_GRPC_PORT", Integer.toString(port));
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_GRPC_STOP_TIMEOUT", "1s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.put("ASSIZE_DATABASE_URL", database.application().url());
        environment.put("ASSIZE_DATABASE_USER", database.application().user());
        environment.put("ASSIZE_DATABASE_PASSWORD", database.application().password());
        environment.put("ASSIZE_DATABASE_OWNER_USER", database.owner().user());
        environment.put("ASSIZE_DATABASE_OWNER_PASSWORD", database.owner().password());
        return environment;
    }

    @Test
    void whatWasAcknowledgedIsInTheLedgerOnceAndInOrderWhateverBecomesOfTheNetworkAndTheServer() {
        SortedMap<Long, String> acknowledged = new ConcurrentSkipListMap<>();
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            AtomicBoolean over = new AtomicBoolean();
            List<CompletableFuture<Void>> writers = new ArrayList<>();
            for (int writer = 0; writer < 3; writer++) {
                String name = "writer " + writer + " ";
                writers.add(CompletableFuture.runAsync(() -> {
                    for (int i = 0; !over.get(); i++) {
                        acknowledged.put(sidecar.spool(name + i, null), name + i);
                        rest(Duration.ofMillis(2));
                    }
                }));
            }
            Random random = new Random(3);
            for (int round = 0; round < 12; round++) {
                rest(Duration.ofMillis(20 + random.nextInt(120)));
                switch (random.nextInt(3)) {
                    case 0 -> network.cut();
                    case 1 -> network.stall();
                    default -> {
                        network.restore();
                        sidecar.channel.resetConnectBackoff();
                    }
                }
                if (round == 6) {
                    node.close();
                    node = TestNode.inside(environment());
                }
            }
            over.set(true);
            writers.forEach(CompletableFuture::join);
            network.restore();
            sidecar.drain();
        }

        assertThat(acknowledged).hasSizeGreaterThan(100);
        assertThat(reasons()).containsExactlyElementsOf(acknowledged.values());
        requireSound();
        SpoolStanding standing = spools().getFirst();
        assertThat(standing.getMissing()).isZero();
        assertThat(standing.getNextNumber()).isEqualTo(acknowledged.size() + 1);
    }

    @Test
    void whatWasAcknowledgedIsInTheLedgerOnceWhereTheSidecarIsKilled() throws Exception {
        List<String> acknowledged = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            if (round == 1) {
                network.cut();
            } else {
                network.restore();
            }
            Process process = process(round);
            try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
                for (int i = 0; i < 60 + 13 * round; i++) {
                    acknowledged.add(out.readLine());
                }
                // The process's own way would close what it still said.
                process.toHandle().destroyForcibly();
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    acknowledged.add(line);
                }
            }
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        network.restore();
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            sidecar.drain();
        }

        // Of each process the last may have been written without having been said.
        assertThat(reasons()).containsSubsequence(acknowledged).doesNotHaveDuplicates();
        assertThat(reasons().size()).isBetween(acknowledged.size(), acknowledged.size() + 3);
        requireSound();
    }

    @Test
    void anAppendToTheLedgerComesBehindWhatWasSpooledAndIsRefusedWhileThatCannotBeForwarded() {
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            sidecar.spool("a", null);
            Receipt first = sidecar.append("b", "key b");
            assertThat(reasons()).containsExactly("a", "b");
            assertThat(sidecar.append("b", "key b")).isEqualTo(first);

            network.cut();
            sidecar.spool("c", null);
            assertThatThrownBy(() -> sidecar.append("never", null))
                    .hasCauseInstanceOf(LedgerUnavailableException.class);
            assertThat(sidecar.forwarding.complaint())
                    .hasValueSatisfying(said -> assertThat(said).contains("1 records wait to be forwarded"));

            network.restore();
            sidecar.channel.resetConnectBackoff();
            sidecar.drain();
            assertThat(reasons()).containsExactly("a", "b", "c");
            assertThat(sidecar.forwarding.complaint()).isEmpty();
        }
    }

    @Test
    void aLedgerThatTakesNoMoreSpoolsOfItsKeyStopsItAndItGoesOnWhereThereIsRoomAgain() throws Exception {
        sql("INSERT INTO assize.ledger_spool (next_number, highest_number, heard_at, tenant_id, recorded_by_tenant,"
                + " recorded_by, begun_by_key, begun_as, spool_id) VALUES (1, 0, now(), 'acme', 'assize', 'user:admin', '"
                + key.split("_", -1)[1] + "', 10000, repeat('0', 32))");
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            sidecar.spool("a", null);
            sidecar.spool("b", null);
            assertThatThrownBy(() -> sidecar.append("never", null))
                    .hasCauseInstanceOf(LedgerUnavailableException.class)
                    .hasMessageContaining("has begun 10000 spools in the ledger of acme");
            assertThat(sidecar.forwarding.complaint())
                    .hasValueSatisfying(said -> assertThat(said)
                            .contains("the ledger refuses record 1 of the spool: RESOURCE_EXHAUSTED")
                            .contains("give this one another key"));
            assertThat(sidecar.meters.get("assize.spool.stopped").gauge().value())
                    .isEqualTo(1);
            assertThat(reasons()).isEmpty();

            sql("UPDATE assize.ledger_spool SET begun_as = 9999");
            rest(Duration.ofSeconds(1));
            sidecar.append("c", null);
            assertThat(sidecar.meters.get("assize.spool.stopped").gauge().value())
                    .isZero();
        }
        assertThat(reasons()).containsExactly("a", "b", "c");
    }

    private void sql(String statement) throws SQLException {
        try (Connection owner = DriverManager.getConnection(
                        database.superuser().url(),
                        database.superuser().user(),
                        database.superuser().password());
                Statement executed = owner.createStatement()) {
            executed.execute(statement);
        }
    }

    @Test
    void aKeyIsRecognisedWhereItWasSpooled() {
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            long number = sidecar.spool("a", "key");
            assertThat(sidecar.spool("a", "key")).isEqualTo(number);
            assertThat(sidecar.take("other", "approve", "key", Acknowledgement.SPOOLED)
                            .join())
                    .isEqualTo(new Taken.InLedger(new AppendResult.KeyReused("key")));
            assertThat(sidecar.take("a", "approve", "key", Acknowledgement.IN_LEDGER)
                            .join())
                    .isEqualTo(new Taken.InLedger(new AppendResult.KeyReused("key")));
            sidecar.drain();
            assertThat(sidecar.spool("a", "key")).isEqualTo(number);
        }
        assertThat(reasons()).containsExactly("a");
        AuditEntry entry = entries().getFirst();
        assertThat(entry.getRecordedBy()).isEqualTo("user:admin");
        assertThat(entry.getEvent().hasOccurredAt()).isTrue();
    }

    @Test
    void anActionThatTheLedgerIsAskedAboutIsNotSpooled() {
        decisions.askHistoryOf(Set.of("approve"));
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThat(sidecar.take("a", "approve", null, Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
            assertThat(sidecar.take("b", "look", null, Acknowledgement.SPOOLED).join())
                    .isInstanceOf(Taken.Spooled.class);

            decisions.askHistoryOf(null);
            assertThat(sidecar.take("c", "look", null, Acknowledgement.SPOOLED).join())
                    .as("remembered")
                    .isInstanceOf(Taken.Spooled.class);
            sidecar.drain();
        }
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThatThrownBy(() -> sidecar.take("d", "look", "key", Acknowledgement.SPOOLED))
                    .as("never known")
                    .isInstanceOf(LedgerUnavailableException.class);
            decisions.askHistoryOf(Set.of());
            assertThat(sidecar.take("d", "look", "key", Acknowledgement.SPOOLED).join())
                    .as("nothing was sent under the key")
                    .isInstanceOf(Taken.Spooled.class);
            sidecar.drain();
        }
        assertThat(reasons()).containsExactly("a", "b", "c", "d");
    }

    @Test
    void whatWasSentToTheLedgerUnderAKeyIsNotSpooledUnderIt() {
        decisions.askHistoryOf(Set.of("approve"));
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThat(sidecar.take("a", "approve", "key a", Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
            Receipt b = sidecar.append("b", "key b");

            decisions.askHistoryOf(Set.of());
            assertThat(sidecar.take("a", "approve", "key a", Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
            assertThat(sidecar.take("b", "look", "key b", Acknowledgement.SPOOLED)
                            .join())
                    .isEqualTo(new Taken.InLedger(new AppendResult.Replayed(List.of(b))));
            sidecar.spool("c", "key c");
            sidecar.drain();
        }
        assertThat(reasons()).containsExactly("a", "b", "c");
    }

    @Test
    void aRequestThatIsTooLargeIsNotSpooled() {
        AuditEvent large = large(null);
        AuditEvent larger = large("c".repeat(250));
        try (Sidecar sidecar = new Sidecar(directory.resolve("sidecar"))) {
            assertThat(sidecar.take(Collections.nCopies(500, large), null, Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.Spooled.class);
            assertThat(sidecar.take(Collections.nCopies(500, larger), null, Acknowledgement.SPOOLED)
                            .join())
                    .isInstanceOf(Taken.InLedger.class);
        }
        assertThat(reasons()).hasSize(1_000);
    }

    private static AuditEvent large(@Nullable String category) {
        return event("large", "look", category, "\"" + "x".repeat(8_188) + "\"");
    }

    /** The audit side of a sidecar, behind the network. */
    private final class Sidecar implements AutoCloseable {

        private final ManagedChannel channel = channel("127.0.0.1:" + network.port());
        private final Forwarding forwarding;
        private final AuditIntake intake;
        private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

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

    private Process process(int round) throws IOException {
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Spooling.class.getName(),
                        directory.resolve("sidecar").toString(),
                        "127.0.0.1:" + network.port(),
                        key,
                        Integer.toString(round)))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
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

    private static AuditEvent event(String reason, String action) {
        return event(reason, action, null, null);
    }

    private static AuditEvent event(String reason, String action, @Nullable String category, @Nullable String payload) {
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

    private static ManagedChannel channel(String target) {
        return ManagedChannelBuilder.forTarget(target).usePlaintext().build();
    }

    private static Channel withKey(Channel channel, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    private LedgerServiceBlockingStub ledger() {
        return LedgerServiceGrpc.newBlockingStub(withKey(direct, key)).withWaitForReady();
    }

    private List<AuditEntry> entries() {
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

    private List<String> reasons() {
        return entries().stream().map(entry -> entry.getEvent().getReason()).toList();
    }

    private List<SpoolStanding> spools() {
        return ledger().listSpools(
                        ListSpoolsRequest.newBuilder().setTenant("acme").build())
                .getSpoolsList();
    }

    private void requireSound() {
        Iterator<VerifyChainResponse> updates = ledger().verifyChain(
                        VerifyChainRequest.newBuilder().setTenant("acme").build());
        VerifyChainResponse last = updates.next();
        while (updates.hasNext()) {
            last = updates.next();
        }
        assertThat(last.getResult().getValid()).as("%s", last).isTrue();
    }

    private void makeTenant() {
        CompletableFuture<ApplyPolicyResponse> answer = new CompletableFuture<>();
        StreamObserver<ApplyPolicyRequest> call = PolicyServiceGrpc.newStub(withKey(direct, key))
                .applyPolicy(new StreamObserver<>() {
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
        call.onNext(ApplyPolicyRequest.newBuilder()
                .setHeader(ApplyPolicyHeader.getDefaultInstance())
                .build());
        call.onNext(ApplyPolicyRequest.newBuilder()
                .setPut(PolicySource.newBuilder().setFile("p.yaml").setYaml(ByteString.copyFromUtf8("""
                                apiVersion: assize.dev/v1
                                kind: Tenant
                                metadata: {name: acme}
                                spec: {environments: [default]}
                                """)))
                .build());
        call.onCompleted();
        answer.join();
    }

    private static void rest(Duration rest) {
        long end = System.nanoTime() + rest.toNanos();
        for (long left = rest.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}

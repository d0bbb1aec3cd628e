package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import dev.assize.proto.v1.AccessServiceProto;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.ApprovalServiceProto;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DecisionServiceProto;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.LedgerServiceProto;
import dev.assize.proto.v1.PolicyServiceProto;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The published service configs, as gRPC's own client reads them. */
@Timeout(60)
class ServiceConfigTest {

    private static final Path RETRIES = Path.of("..", "docs", "service-config.json");
    private static final Path HEDGING = Path.of("..", "docs", "service-config-hedging.json");

    /** What only reads: to ask twice is to have asked once. */
    private static final Set<String> REPEATABLE = Set.of(
            "assize.v1.DecisionService/Check",
            "assize.v1.DecisionService/CheckBatch",
            "assize.v1.DecisionService/SearchSubjects",
            "assize.v1.DecisionService/SearchResources",
            "assize.v1.DecisionService/SearchActions");

    private final AtomicInteger checks = new AtomicInteger();
    private final AtomicInteger appends = new AtomicInteger();
    private final List<StreamObserver<CheckResponse>> unanswered = new ArrayList<>();
    private volatile boolean failsFirst;

    /** Whether what is asked does not count yet. */
    private volatile boolean practising = true;

    private final HealthStatusManager health = new HealthStatusManager();
    private final Server server;

    ServiceConfigTest() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new Decisions())
                .addService(new Ledger())
                .addService(health.getHealthService())
                .build();
    }

    @BeforeEach
    void start() throws IOException {
        health.setStatus(DecisionServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
        server.start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
    }

    @Test
    void nothingIsRepeatedThatIsNotSafeToRepeatAndEveryNameExists() throws IOException {
        Set<String> known = methods();
        assertThat(known).containsAll(REPEATABLE);
        for (Path file : List.of(RETRIES, HEDGING)) {
            assertThat(named(config(file))).as(file.toString()).containsExactlyInAnyOrderElementsOf(REPEATABLE);
        }
    }

    @Test
    void onlyACheckIsHedged() throws IOException {
        assertThat(withPolicy(config(HEDGING), "hedgingPolicy")).containsExactly("assize.v1.DecisionService/Check");
        assertThat(withPolicy(config(RETRIES), "hedgingPolicy")).isEmpty();
    }

    @Test
    void aCheckIsTriedAgainWhereNoServerCouldBeReached() throws IOException {
        failsFirst = true;
        try (Client client = new Client(RETRIES)) {
            client.practise();
            assertThat(client.check().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        }
        assertThat(checks).hasValue(2);
    }

    @Test
    void aCheckThatIsSlowIsAskedOnceMoreBesideIt() throws IOException {
        try (Client client = new Client(HEDGING)) {
            client.practise();
            assertThat(client.check().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        }
        assertThat(checks).hasValue(2);
        assertThat(unanswered).hasSize(1);
    }

    @Test
    void whatWritesIsTriedOnce() throws IOException {
        for (Path file : List.of(RETRIES, HEDGING)) {
            appends.set(0);
            try (Client client = new Client(file)) {
                assertUnavailable(() -> LedgerServiceGrpc.newBlockingStub(client.channel)
                        .appendAudit(AppendAuditRequest.getDefaultInstance()));
                assertUnavailable(() -> DecisionServiceGrpc.newBlockingStub(client.channel)
                        .checkAndAppend(CheckAndAppendRequest.getDefaultInstance()));
            }
            assertThat(appends).as(file.toString()).hasValue(2);
        }
    }

    @Test
    void aNodeThatDoesNotServeDecisionsIsNotAsked() throws IOException {
        health.setStatus(DecisionServiceGrpc.SERVICE_NAME, ServingStatus.NOT_SERVING);
        try (Client client = new Client(RETRIES)) {
            assertUnavailable(client::check);
        }
        assertThat(checks).hasValue(0);
    }

    private static void assertUnavailable(Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        failure -> assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }

    private static Set<String> methods() {
        return Stream.of(
                        DecisionServiceProto.getDescriptor(),
                        PolicyServiceProto.getDescriptor(),
                        ApprovalServiceProto.getDescriptor(),
                        LedgerServiceProto.getDescriptor(),
                        AccessServiceProto.getDescriptor())
                .flatMap(file -> file.getServices().stream())
                .flatMap(service -> service.getMethods().stream())
                .map(method -> method.getService().getFullName() + "/" + method.getName())
                .collect(Collectors.toSet());
    }

    private static Set<String> named(Map<String, ?> config) {
        Set<String> names = new TreeSet<>(withPolicy(config, "retryPolicy"));
        names.addAll(withPolicy(config, "hedgingPolicy"));
        return names;
    }

    private static Set<String> withPolicy(Map<String, ?> config, String policy) {
        return objects(config, "methodConfig")
                .filter(it -> it.containsKey(policy))
                .flatMap(it -> objects(it, "name"))
                .map(it -> it.get("service") + "/" + it.get("method"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Stream<Map<?, ?>> objects(Map<?, ?> object, String member) {
        return ((List<?>) Objects.requireNonNull(object.get(member))).stream().map(it -> (Map<?, ?>) it);
    }

    /** gRPC wants every number as a double, which Gson makes of them. */
    private static Map<String, ?> config(Path file) throws IOException {
        return new Gson().fromJson(Files.readString(file), new TypeToken<Map<String, Object>>() {}.getType());
    }

    /** A client of gRPC's own, told nothing but the file. */
    private final class Client implements AutoCloseable {

        private final ManagedChannel channel;

        Client(Path file) throws IOException {
            channel = ManagedChannelBuilder.forAddress("127.0.0.1", server.getPort())
                    .usePlaintext()
                    .defaultServiceConfig(config(file))
                    .disableServiceConfigLookUp()
                    .build();
        }

        /** So that no check that counts waits for a connection, or for classes. */
        void practise() {
            assertUnavailable(() ->
                    LedgerServiceGrpc.newBlockingStub(channel).appendAudit(AppendAuditRequest.getDefaultInstance()));
            assertThat(check().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
            practising = false;
        }

        CheckResponse check() {
            return DecisionServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
                    .check(CheckRequest.getDefaultInstance());
        }

        @Override
        public void close() {
            channel.shutdownNow();
        }
    }

    /** Fails the first check or leaves it unanswered, and answers the others. */
    private final class Decisions extends DecisionServiceGrpc.DecisionServiceImplBase {

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
            if (!practising && checks.getAndIncrement() == 0) {
                if (failsFirst) {
                    observer.onError(Status.UNAVAILABLE.asRuntimeException());
                } else {
                    unanswered.add(observer);
                }
                return;
            }
            observer.onNext(CheckResponse.newBuilder()
                    .setDecision(Decision.DECISION_ALLOW)
                    .build());
            observer.onCompleted();
        }

        @Override
        public void checkAndAppend(CheckAndAppendRequest request, StreamObserver<CheckAndAppendResponse> observer) {
            appends.incrementAndGet();
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        }
    }

    private final class Ledger extends LedgerServiceGrpc.LedgerServiceImplBase {

        @Override
        public void appendAudit(AppendAuditRequest request, StreamObserver<AppendAuditResponse> observer) {
            appends.incrementAndGet();
            observer.onError(Status.UNAVAILABLE.asRuntimeException());
        }
    }
}

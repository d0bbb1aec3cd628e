package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Module;
import com.google.inject.Stage;
import com.google.inject.util.Modules;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceFutureStub;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceStub;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.Reason;
import dev.assize.server.administration.Bootstrap;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.Appender;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.PackingRecorder;
import dev.assize.server.storage.Database;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** That nothing waits on the event loop: every store of a real server is watched, and can be made to stand still. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EventLoopTest {

    private final TestDatabase database = TestDatabase.migrated();
    private final Watched stores = new Watched();
    private Injector beneath = Guice.createInjector();
    private Injector node = Guice.createInjector();
    private ManagedChannel channel = ManagedChannelBuilder.forTarget("unused").build();
    private String admin = "";

    @BeforeAll
    void start(@TempDir Path directory) {
        Module modules = ServedNode.modules(database, directory, 0);
        beneath = Guice.createInjector(Stage.PRODUCTION, modules);
        beneath.getInstance(Database.class).start();
        beneath.getInstance(Anchor.class).start();
        node = Guice.createInjector(Stage.PRODUCTION, Modules.override(modules).with(new AbstractModule() {
            @Override
            protected void configure() {
                bind(PolicySource.class).toInstance(watched(PolicySource.class));
                bind(HistorySource.class).toInstance(watched(HistorySource.class));
                bind(ApprovalSource.class).toInstance(watched(ApprovalSource.class));
                bind(ApiKeyRepository.class).toInstance(watched(ApiKeyRepository.class));
                bind(DecisionStore.class).toInstance(watched(DecisionStore.class));
                bind(AuthenticationConfig.class)
                        .toInstance(new AuthenticationConfig(
                                directory.resolve("pepper"), AuthenticationConfig.MAX_CACHE_TTL, 100));
            }
        }));
        node.getInstance(Database.class).start();
        node.getInstance(Anchor.class).start();
        node.getInstance(Bootstrap.class).run();
        node.getInstance(PolicyWatch.class).start();
        node.getInstance(GrpcServer.class).start();
        channel.shutdownNow();
        // One connection, and so one event loop for all calls.
        channel = ManagedChannelBuilder.forAddress(
                        "127.0.0.1", node.getInstance(GrpcServer.class).port())
                .usePlaintext()
                .build();
        admin = key();
    }

    private <P> P watched(Class<P> port) {
        return stores.watch(port, beneath.getInstance(port));
    }

    @AfterAll
    void stop() {
        stores.goOn();
        channel.shutdownNow();
        node.getInstance(GrpcServer.class).close();
        node.getInstance(PolicyWatch.class).close();
        node.getInstance(PackingRecorder.class).close();
        node.getInstance(Appender.class).close();
        node.getInstance(Anchor.class).close();
        node.getInstance(Database.class).close();
        beneath.getInstance(Anchor.class).close();
        beneath.getInstance(Database.class).close();
        database.close();
    }

    @Test
    void refusesToReachTheDatabaseInPromptWork() {
        ApiKeyRepository keys = beneath.getInstance(ApiKeyRepository.class);
        assertThatThrownBy(() -> Prompt.run(() -> keys.find("abcdefghijklmnop")))
                .isInstanceOf(WouldWaitException.class);
        assertThat(keys.find("abcdefghijklmnop")).isEmpty();
    }

    /** Everything that may have to ask a store, by each of the three RPCs. */
    @Test
    void asksNoStoreOnTheEventLoop() throws Exception {
        world("asking", "none");
        world("recording", "{mode: all, acknowledge: before}");
        world("recording-after", "{mode: all, acknowledge: after}");
        String revoked = key();
        for (CheckRequest request : List.of(
                request("asking", "create"),
                request("asking", "approve"),
                request("asking", "pay"),
                request("nowhere", "pay"),
                request("recording", "create"),
                request("recording-after", "create"),
                request("asking", "create").toBuilder().setExplain(true).build(),
                request("asking", "create").toBuilder().setMinRevision(1).build(),
                request("asking", "create").toBuilder().setMinRevision(2).build(),
                request("asking", "create").toBuilder().setAtRevision(1).build(),
                request("asking", "create").toBuilder()
                        .setAsOf(Timestamp.newBuilder().setSeconds(1_000))
                        .build())) {
            String key = key();
            quietly(() -> blocking(key).check(request));
            quietly(() -> blocking(key()).checkBatch(batch(request)));
            streamed(key(), request).poll(20, TimeUnit.SECONDS);
        }
        Refusal.of(() -> blocking(revoked.substring(0, revoked.length() - 1) + "-")
                        .check(request("asking", "pay")))
                .is(ErrorReason.CREDENTIALS_INVALID);

        assertThat(stores.asked).containsKeys("load", "firstPerformed", "find", "append");
        assertThat(stores.onLoop).isEmpty();
    }

    @Test
    void aStoreThatStandsStillDelaysNoCheckOfAWarmTenantByAKnownKey() throws Exception {
        world("warm", "none");
        world("cold", "none");
        String unknown = key();
        CheckRequest warm = request("warm", "read");
        assertThat(blocking(admin).check(warm).getReason()).isEqualTo(Reason.REASON_NO_GRANT);
        List<Future<?>> waiting = new ArrayList<>();
        BlockingQueue<CheckStreamResponse> coldStream;
        stores.standStill();
        try {
            waiting.add(future(admin).check(request("cold", "read")));
            waiting.add(future(admin).checkBatch(batch(request("cold", "read"))));
            waiting.add(future(unknown).check(warm));
            waiting.add(future(admin).check(request("warm", "create")));
            waiting.add(future(admin).check(request("warm", "pay")));
            coldStream = streamed(admin, request("cold", "read"));
            stores.awaitWaiting(4);

            BlockingQueue<CheckStreamResponse> answers = new LinkedBlockingQueue<>();
            StreamObserver<CheckStreamRequest> stream = stub(admin).checkStream(into(answers));
            for (int i = 0; i < 200; i++) {
                assertThat(hot().check(warm).getReason()).isEqualTo(Reason.REASON_NO_GRANT);
                assertThat(hot().checkBatch(batch(warm)).getResultsCount()).isEqualTo(2);
                stream.onNext(CheckStreamRequest.newBuilder().setCheck(warm).build());
                assertThat(answers.poll(20, TimeUnit.SECONDS)).isNotNull();
            }
            stream.onCompleted();
            assertThat(waiting).noneMatch(Future::isDone);
            assertThat(coldStream).isEmpty();
        } finally {
            stores.goOn();
        }
        for (Future<?> each : waiting) {
            assertThat(each.get(20, TimeUnit.SECONDS)).isNotNull();
        }
        assertThat(coldStream.poll(20, TimeUnit.SECONDS)).isNotNull();
        assertThat(stores.onLoop).isEmpty();
    }

    @Test
    void loadsAColdTenantOnceHoweverManyAskAndLetsNoneWaitBeyondItsDeadline() throws Exception {
        world("crowded", "none");
        CheckRequest request = request("crowded", "read");
        blocking(admin).check(request("warm-before-crowded", "read"));
        List<Future<CheckResponse>> waiting = new ArrayList<>();
        int loads = stores.times("load");
        stores.standStill();
        try {
            for (int i = 0; i < 100; i++) {
                waiting.add(future(admin).check(request));
            }
            stores.awaitWaiting(1);
            assertThatThrownBy(() -> blocking(admin)
                            .withDeadlineAfter(200, TimeUnit.MILLISECONDS)
                            .check(request))
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            late -> assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
        } finally {
            stores.goOn();
        }
        for (Future<CheckResponse> each : waiting) {
            assertThat(each.get(20, TimeUnit.SECONDS).getReason()).isEqualTo(Reason.REASON_NO_GRANT);
        }
        assertThat(stores.times("load")).isEqualTo(loads + 1);
    }

    private static void quietly(Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException refused) {
            // What is answered is not the point here, but where it is decided.
        }
    }

    private void world(String tenant, String decisionLog) {
        List<Document> documents = DocumentReader.read(
                        "p.yaml", 1, policy(tenant, decisionLog).getBytes(StandardCharsets.UTF_8))
                .documents();
        ChangeResult result = node.getInstance(PolicyAdministration.class)
                .apply(
                        new ChangeSet(documents, List.of(), List.of(), false, false, null),
                        Recorder.ASSIZE,
                        any -> true);
        assertThat(result).isInstanceOf(ChangeResult.Accepted.class);
    }

    private String key() {
        return beneath.getInstance(ApiKeys.class)
                .create(
                        new KeyGrant(
                                Subject.parse("user:admin"),
                                TenantId.ASSIZE,
                                true,
                                Set.of(),
                                Set.of(),
                                Set.of(),
                                "",
                                null),
                        Recorder.ASSIZE)
                .credential();
    }

    private static String policy(String tenant, String decisionLog) {
        return """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: %1$s}
                spec: {environments: [default], audit: {decisionLog: %2$s}}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: %1$s, name: clerk}
                spec: {permissions: [{resources: [order], actions: [create, approve, pay]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: %1$s, name: clerks}
                spec: {subjects: ["user:alice"], role: clerk}
                ---
                apiVersion: assize.dev/v1
                kind: SeparationOfDuty
                metadata: {tenant: %1$s, name: four-eyes}
                spec: {type: performed-actions, actions: [create, approve], resources: [order]}
                ---
                apiVersion: assize.dev/v1
                kind: ApprovalRule
                metadata: {tenant: %1$s, name: payments}
                spec: {resources: [order], actions: [pay], approvals: 1, approverRole: clerk, pendingTtl: 1h, ttl: 1h}
                """.formatted(tenant, decisionLog);
    }

    private static CheckRequest request(String tenant, String action) {
        return CheckRequest.newBuilder()
                .setTenant(tenant)
                .setSubject("user:alice")
                .setResource("order:1")
                .setAction(action)
                .build();
    }

    private static CheckBatchRequest batch(CheckRequest request) {
        return CheckBatchRequest.newBuilder()
                .setTenant(request.getTenant())
                .setDetail(Detail.DETAIL_MINIMAL)
                .addItems(request)
                .addItems(request)
                .build();
    }

    private DecisionServiceBlockingStub hot() {
        return blocking(admin).withDeadlineAfter(10, TimeUnit.SECONDS);
    }

    private DecisionServiceBlockingStub blocking(String key) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key);
    }

    private DecisionServiceFutureStub future(String key) {
        return with(DecisionServiceGrpc.newFutureStub(channel), key);
    }

    private DecisionServiceStub stub(String key) {
        return with(DecisionServiceGrpc.newStub(channel), key);
    }

    private BlockingQueue<CheckStreamResponse> streamed(String key, CheckRequest request) {
        BlockingQueue<CheckStreamResponse> answers = new LinkedBlockingQueue<>();
        StreamObserver<CheckStreamRequest> stream = stub(key).checkStream(into(answers));
        stream.onNext(CheckStreamRequest.newBuilder().setCheck(request).build());
        stream.onCompleted();
        return answers;
    }

    private static StreamObserver<CheckStreamResponse> into(BlockingQueue<CheckStreamResponse> answers) {
        return new StreamObserver<>() {
            @Override
            public void onNext(CheckStreamResponse answer) {
                answers.add(answer);
            }

            @Override
            public void onError(Throwable failure) {
                answers.add(CheckStreamResponse.getDefaultInstance());
            }

            @Override
            public void onCompleted() {}
        };
    }

    private static <S extends AbstractStub<S>> S with(S stub, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    /** Ports that tell who asks them and on what thread, and that can be made to wait. */
    private static final class Watched {

        private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
        private final Queue<String> onLoop = new ConcurrentLinkedQueue<>();
        private final Semaphore waiting = new Semaphore(0);
        private volatile CountDownLatch open = new CountDownLatch(0);

        <P> P watch(Class<P> port, P store) {
            return port.cast(Proxy.newProxyInstance(
                    port.getClassLoader(), new Class<?>[] {port}, (proxy, method, arguments) -> {
                        passed(port.getSimpleName() + "." + method.getName());
                        asked.computeIfAbsent(method.getName(), any -> new AtomicInteger())
                                .incrementAndGet();
                        return invoke(method, store, arguments);
                    }));
        }

        private static @Nullable Object invoke(Method method, Object store, Object @Nullable [] arguments)
                throws Throwable {
            try {
                return method.invoke(store, arguments);
            } catch (InvocationTargetException failed) {
                throw failed.getCause() == null ? failed : failed.getCause();
            }
        }

        private void passed(String what) throws InterruptedException {
            if (Thread.currentThread().getName().contains("ELG") || Prompt.isRequired()) {
                onLoop.add(what + " on " + Thread.currentThread());
            }
            CountDownLatch gate = open;
            if (gate.getCount() > 0) {
                waiting.release();
                gate.await();
            }
        }

        void standStill() {
            waiting.drainPermits();
            open = new CountDownLatch(1);
        }

        void awaitWaiting(int stores) throws InterruptedException {
            assertThat(waiting.tryAcquire(stores, 20, TimeUnit.SECONDS)).isTrue();
        }

        void goOn() {
            open.countDown();
        }

        int times(String method) {
            AtomicInteger times = asked.get(method);
            return times == null ? 0 : times.get();
        }
    }
}

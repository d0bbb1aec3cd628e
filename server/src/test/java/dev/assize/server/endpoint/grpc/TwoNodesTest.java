package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.server.administration.Bootstrap;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.ledger.Appender;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.Database;
import dev.assize.server.testing.ChangeCall;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Two servers as they are served, on one database: what one records the other knows. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TwoNodesTest {

    /** How many conflicting pairs are tried; more where a run has the time. */
    private static final int PAIRS = Integer.getInteger("assize.test.conflicting.pairs", 150);

    private static final int AT_A_TIME = 16;

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: clerk}
            spec: {permissions: [{resources: [order], actions: [create, approve]}]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: clerks}
            spec: {subjects: ["user:alice", "user:bob"], role: clerk}
            ---
            apiVersion: assize.dev/v1
            kind: SeparationOfDuty
            metadata: {tenant: acme, name: four-eyes}
            spec: {type: performed-actions, actions: [create, approve], resources: [order]}
            """;

    private final TestDatabase database = TestDatabase.migrated();
    private final List<Injector> nodes = new ArrayList<>();
    private final List<ManagedChannel> channels = new ArrayList<>();
    private String admin = "";
    private long revision;

    @BeforeAll
    void start(@TempDir Path directory) {
        for (int i = 0; i < 2; i++) {
            Injector node = Guice.createInjector(Stage.PRODUCTION, ServedNode.modules(database, directory, 0));
            node.getInstance(Database.class).start();
            node.getInstance(Anchor.class).start();
            node.getInstance(Bootstrap.class).run();
            node.getInstance(PolicyWatch.class).start();
            node.getInstance(GrpcServer.class).start();
            nodes.add(node);
            channels.add(ManagedChannelBuilder.forAddress(
                            "127.0.0.1", node.getInstance(GrpcServer.class).port())
                    .usePlaintext()
                    .build());
        }
        admin = nodes.getFirst()
                .getInstance(ApiKeys.class)
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
        revision = apply().getChanges(0).getRevision();
        // Both nodes know the policy from here on.
        check(0, "user:nobody", "create", "order:0");
        check(1, "user:nobody", "create", "order:0");
    }

    @AfterAll
    void stop() {
        channels.forEach(ManagedChannel::shutdownNow);
        nodes.forEach(node -> {
            node.getInstance(GrpcServer.class).close();
            node.getInstance(PolicyWatch.class).close();
            node.getInstance(Appender.class).close();
            node.getInstance(Anchor.class).close();
            node.getInstance(Database.class).close();
        });
        database.close();
    }

    @Test
    void whoCreatesDoesNotApproveAfterAnAppendThroughAnotherNode() {
        for (int i = 0; i < 20; i++) {
            String order = "order:appended-" + i;
            with(LedgerServiceGrpc.newBlockingStub(channels.get(i % 2)))
                    .appendAudit(AppendAuditRequest.newBuilder()
                            .setTenant("acme")
                            .addEvents(AuditEvent.newBuilder()
                                    .setType("order.created")
                                    .setActor("user:alice")
                                    .setAction("create")
                                    .setResource(order)
                                    .setOutcome(Outcome.OUTCOME_SUCCESS))
                            .build());

            CheckResponse denied = check((i + 1) % 2, "user:alice", "approve", order);
            assertThat(denied.getReason()).isEqualTo(Reason.REASON_SEPARATION_OF_DUTY);
            assertThat(denied.getDecidedBy().getSeparationOfDuty()).isEqualTo("four-eyes");
            assertThat(check((i + 1) % 2, "user:bob", "approve", order).getReason())
                    .isEqualTo(Reason.REASON_ALLOWED);
        }
    }

    @Test
    void ofTwoThatConflictExactlyOneIsAllowedWhicheverNodeIsAsked() {
        Semaphore free = new Semaphore(AT_A_TIME);
        List<List<CompletableFuture<CheckAndAppendResponse>>> pairs = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < PAIRS; i++) {
                String order = "order:raced-" + i;
                int node = i % 2;
                free.acquireUninterruptibly(2);
                pairs.add(List.of(
                        CompletableFuture.supplyAsync(() -> released(free, node, "create", order), executor),
                        CompletableFuture.supplyAsync(() -> released(free, 1 - node, "approve", order), executor)));
            }
        }
        for (List<CompletableFuture<CheckAndAppendResponse>> pair : pairs) {
            List<CheckAndAppendResponse> answers =
                    pair.stream().map(CompletableFuture::join).toList();
            assertThat(answers)
                    .extracting(answer -> answer.getResponse().getReason())
                    .containsExactlyInAnyOrder(Reason.REASON_ALLOWED, Reason.REASON_SEPARATION_OF_DUTY);
            assertThat(answers)
                    .allMatch(answer ->
                            answer.hasEntry() == (answer.getResponse().getDecision() == Decision.DECISION_ALLOW));
        }
    }

    @Test
    void aRetryThroughTheOtherNodeHasTheFirstAnswer() {
        CheckAndAppendResponse first = execute(0, "create", "order:retried", "once");
        CheckAndAppendResponse second = execute(1, "create", "order:retried", "once");

        assertThat(second.getReplayed()).isTrue();
        assertThat(second.getEntry()).isEqualTo(first.getEntry());
        assertThat(second.getResponse())
                .isEqualTo(first.getResponse().toBuilder().clearValidUntil().build());
    }

    @Test
    void tellsHowItWas() {
        CheckResponse past = with(DecisionServiceGrpc.newBlockingStub(channels.get(1)))
                .check(question("user:alice", "create", "order:past")
                        .setAtRevision(revision)
                        .build());
        assertThat(past.getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(past.getHistorical()).isTrue();
        assertThat(past.hasValidUntil()).isFalse();
        assertThat(past.getRevision()).isEqualTo(revision);
    }

    @Test
    void findsWhomItWouldAllow() {
        List<String> found = new ArrayList<>();
        with(DecisionServiceGrpc.newBlockingStub(channels.get(1)))
                .searchSubjects(SearchSubjectsRequest.newBuilder()
                        .setCheck(question("", "create", "order:sought"))
                        .setPageSize(1)
                        .build())
                .forEachRemaining((SearchSubjectsResponse page) -> found.addAll(page.getSubjectsList()));
        assertThat(found).containsExactly("user:alice", "user:bob");
    }

    private CheckAndAppendResponse released(Semaphore free, int node, String action, String order) {
        try {
            return execute(node, action, order, "");
        } finally {
            free.release();
        }
    }

    private CheckAndAppendResponse execute(int node, String action, String order, String key) {
        return with(DecisionServiceGrpc.newBlockingStub(channels.get(node)))
                .checkAndAppend(CheckAndAppendRequest.newBuilder()
                        .setCheck(question("user:alice", action, order))
                        .setEvent(AuditEvent.newBuilder().setType("order." + action))
                        .setIdempotencyKey(key)
                        .build());
    }

    private CheckResponse check(int node, String subject, String action, String order) {
        return with(DecisionServiceGrpc.newBlockingStub(channels.get(node)))
                .check(question(subject, action, order).setMinRevision(revision).build());
    }

    private static CheckRequest.Builder question(String subject, String action, String order) {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject(subject)
                .setAction(action)
                .setResource(order);
    }

    private ApplyPolicyResponse apply() {
        return ChangeCall.put(
                with(PolicyServiceGrpc.newStub(channels.getFirst())), ApplyPolicyHeader.getDefaultInstance(), POLICY);
    }

    private <S extends AbstractStub<S>> S with(S stub) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + admin);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
}

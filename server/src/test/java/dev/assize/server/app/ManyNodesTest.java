package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.server.app.RecordedAnswers.Answer;
import dev.assize.server.app.RecordedAnswers.Outage;
import dev.assize.server.app.RecordedAnswers.State;
import dev.assize.server.cli.Credentials;
import dev.assize.server.policy.replay.PolicyEntry;
import dev.assize.server.testing.CutNetwork;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three nodes on one database, each behind a network of its own that is cut and stalled, under a stream of freezes and of
 * changes that touch a tenant and the platform at once; and a record of every answer, which is held against what must be.
 *
 * <p>In the suite a few seconds within one process. As a proof of its own, with three processes as they are configured by
 * themselves, but for the bound of those that are cut off:
 *
 * <pre>{@code
 * mvn -pl server -am test -Dtest=ManyNodesTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dassize.test.nodes.seconds=120 -Dassize.test.nodes.processes=true
 * }</pre>
 */
@Timeout(600)
class ManyNodesTest {

    /** Nodes that are cut off in it answer for no longer than the shortest bound. */
    private static final String CUT_OFF = "cut-off";

    private static final int NODES = 3;
    private static final java.time.Duration BOUND = java.time.Duration.ofSeconds(2);
    private static final java.time.Duration RUN =
            java.time.Duration.ofSeconds(Integer.getInteger("assize.test.nodes.seconds", 5));
    private static final boolean PROCESSES = Boolean.getBoolean("assize.test.nodes.processes");
    private static final java.time.Duration PAUSE = java.time.Duration.ofMillis(PROCESSES ? 20 : 40);

    private final TestDatabase database = TestDatabase.migrated();
    private final List<CutNetwork> networks = new ArrayList<>();
    private final List<TestNode> nodes = new ArrayList<>();
    private final List<ManagedChannel> channels = new ArrayList<>();
    private final RecordedAnswers record = new RecordedAnswers();
    private String key = "";

    @BeforeEach
    void start(@TempDir Path directory, TestInfo test) throws Exception {
        URI url = URI.create(database.application().url().substring("jdbc:".length()));
        for (int i = 0; i < NODES; i++) {
            CutNetwork network = new CutNetwork(url.getHost(), url.getPort());
            networks.add(network);
            Map<String, String> environment = environment(directory, i);
            if (test.getTags().contains(CUT_OFF)) {
                environment.put("ASSIZE_DECISION_FRESHNESS_BOUND", BOUND.toSeconds() + "s");
            }
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
        environment.put("ASSIZE_DATABASE_USER", database.application().user());
        environment.put("ASSIZE_DATABASE_PASSWORD", database.application().password());
        environment.put("ASSIZE_DATABASE_OWNER_USER", database.owner().user());
        environment.put("ASSIZE_DATABASE_OWNER_PASSWORD", database.owner().password());
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

    @AfterEach
    void stop() {
        channels.forEach(ManagedChannel::shutdownNow);
        networks.forEach(CutNetwork::restore);
        nodes.forEach(TestNode::close);
        networks.forEach(CutNetwork::close);
        database.close();
    }

    @Test
    @Tag(CUT_OFF)
    void noAnswerIsOldTornOrFromBeforeItsTokenAndWhoIsCutOffStopsAndComesBack() {
        apply(0, "a");
        AtomicBoolean over = new AtomicBoolean();
        List<CompletableFuture<Void>> busy = new ArrayList<>();
        for (int i = 0; i < NODES; i++) {
            int node = i;
            busy.add(running(() -> ask(node, false, over)));
            busy.add(running(() -> ask(node, true, over)));
        }
        busy.add(running(() -> change(over)));
        awaitChangeElsewhere();
        long end = System.nanoTime() + RUN.toNanos();
        for (int round = 0; round == 0 || System.nanoTime() < end; round++) {
            rest(java.time.Duration.ofMillis(PROCESSES ? 5_000 : 700));
            trouble(round);
        }
        rest(java.time.Duration.ofMillis(500));
        over.set(true);
        busy.forEach(CompletableFuture::join);

        report();
        assertThat(record.violations(BOUND)).isEmpty();
        assertThat(record.unavailable()).isPositive();
        assertThat(changedElsewhere)
                .as("changes through other nodes than the first")
                .hasPositiveValue();
        if (!PROCESSES) {
            assertThat(snapshots())
                    .as("snapshots of its policy in its ledger, by the nodes themselves")
                    .isNotEmpty();
        } else {
            // Elsewhere the nodes share this process with the whole suite.
            for (int node = 0; node < NODES; node++) {
                long[] stops = record.stopNanos(node);
                assertThat(stops)
                        .as("freezes while node %d was connected", node)
                        .hasSizeGreaterThan((int) RUN.toSeconds() / 2);
                assertThat(quantile(stops, 0.99))
                        .as("ms from a freeze to the first deny by it on node %d while connected, p99", node)
                        .isLessThan(1_000);
            }
        }
    }

    /**
     * The brake: every node is connected and asked all the time, by nobody who names a revision, which would have a node look
     * for what it has not heard of.
     */
    @Test
    @EnabledIfSystemProperty(named = "assize.test.nodes.processes", matches = "true")
    void aFreezeStopsItsSubjectOnEveryConnectedNodeWithinASecond() {
        apply(0, "a");
        patienceSeconds = 60;
        AtomicBoolean over = new AtomicBoolean();
        List<CompletableFuture<Void>> busy = IntStream.range(0, NODES)
                .mapToObj(node -> running(() -> ask(node, false, over)))
                .toList();
        SplittableRandom random = new SplittableRandom(5);
        long end = System.nanoTime() + RUN.toNanos();
        for (int round = 1; System.nanoTime() < end; round++) {
            freezeAndLift(round, () -> rest(java.time.Duration.ofMillis(50 + random.nextInt(200))));
        }
        rest(java.time.Duration.ofSeconds(2));
        over.set(true);
        busy.forEach(CompletableFuture::join);

        report();
        long[] stops = record.stopEverywhereNanos(NODES);
        System.out.println("from the request for a freeze to a deny on every node: " + measured(stops));
        assertThat(record.violations(java.time.Duration.ofSeconds(60))).isEmpty();
        assertThat(stops).hasSizeGreaterThan((int) RUN.toSeconds());
        assertThat(quantile(stops, 0.99))
                .as("ms from a freeze to a deny by it on every connected node, p99")
                .isLessThan(1_000);
    }

    @Test
    @Tag(CUT_OFF)
    void aFreezeNamesTheNodeThatIsCutOff() {
        apply(0, "a");
        for (int node = 0; node < NODES; node++) {
            check(node, record.lastRevision());
        }
        FreezeResponse whole = freeze("first");
        assertThat(whole.getNodes().getConfirmed()).isEqualTo(NODES);
        assertThat(whole.getNodes().getUnconfirmedList()).isEmpty();
        for (int node = 0; node < NODES; node++) {
            assertThat(check(node, 0).getDecidedBy().getFreeze()).isEqualTo("first");
        }

        networks.get(2).stall();
        FreezeResponse broken = freeze("second");
        assertThat(broken.getNodes().getConfirmed()).isEqualTo(NODES - 1);
        assertThat(broken.getNodes().getUnconfirmedList()).singleElement().satisfies(node -> {
            assertThat(node.getName()).isEqualTo("node-2");
            assertThat(node.getFreshnessBound().getSeconds()).isEqualTo(BOUND.toSeconds());
        });
        networks.get(2).restore();
    }

    /** On a busy machine changes take their time, too. */
    private void awaitChangeElsewhere() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (changedElsewhere.get() == 0 && System.nanoTime() < deadline) {
            rest(java.time.Duration.ofMillis(20));
        }
    }

    /** One node is cut off and another stalled, for longer than the bound; then both are restored and come back. */
    private void trouble(int round) {
        int cut = 1 + round % 2;
        int stalled = 2 - round % 2;
        long from = System.nanoTime();
        inTrouble = true;
        networks.get(cut).cut();
        networks.get(stalled).stall();
        rest(BOUND.plusMillis(300));
        awaitSilence(cut, from);
        awaitSilence(stalled, from);
        long to = System.nanoTime();
        networks.get(cut).restore();
        networks.get(stalled).restore();
        record.add(new Outage(cut, from, to));
        record.add(new Outage(stalled, from, to));
        await(cut);
        await(stalled);
        inTrouble = false;
    }

    /** Until somebody has asked and was not answered: on a busy machine that may take its time. */
    private void awaitSilence(int node, long from) {
        long silentFrom = from + BOUND.plus(RecordedAnswers.BLUR).toNanos();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!record.wasSilent(node, silentFrom) && System.nanoTime() < deadline) {
            rest(java.time.Duration.ofMillis(20));
        }
    }

    private void await(int node) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < deadline) {
            try {
                check(node, 0);
                return;
            } catch (StatusRuntimeException notYet) {
                rest(java.time.Duration.ofMillis(20));
            }
        }
    }

    private void ask(int node, boolean withToken, AtomicBoolean over) {
        while (!over.get()) {
            long token = withToken ? record.lastRevision() : 0;
            long sentAt = System.nanoTime();
            try {
                CheckResponse response = check(node, token);
                record.add(new Answer(
                        node,
                        token,
                        sentAt,
                        System.nanoTime(),
                        true,
                        response.getRevision(),
                        response.getPlatformRevision(),
                        response.getDecision() == Decision.DECISION_ALLOW));
            } catch (StatusRuntimeException failure) {
                assertThat(failure.getStatus().getCode())
                        .as("%s", failure)
                        .isIn(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED);
                record.add(new Answer(node, token, sentAt, System.nanoTime(), false, 0, 0, false));
            }
            rest(java.time.Duration.ofMillis(PROCESSES ? 1 : 2));
        }
    }

    /** How long a change waits for another node than the first. */
    private int patienceSeconds = PROCESSES ? 1 : 5;

    /** Whether the other nodes than the first do not reach the database. */
    private volatile boolean inTrouble;

    /**
     * Through one node after the other, as far as they reach the database; where one is cut off in the middle of it, the same
     * is asked of the first, under the same key.
     */
    private <R> R through(int round, Function<PolicyServiceGrpc.PolicyServiceBlockingStub, R> change) {
        int node = inTrouble ? 0 : round % NODES;
        askedAt = System.nanoTime();
        atOnce = true;
        if (node != 0) {
            try {
                R made = change.apply(with(PolicyServiceGrpc.newBlockingStub(channels.get(node)))
                        .withDeadlineAfter(patienceSeconds, TimeUnit.SECONDS));
                changedElsewhere.incrementAndGet();
                return made;
            } catch (StatusRuntimeException cutOff) {
                assertThat(cutOff.getStatus().getCode())
                        .as("%s", cutOff)
                        .isIn(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED);
                atOnce = false;
            }
        }
        return patiently(() -> change.apply(with(PolicyServiceGrpc.newBlockingStub(channels.getFirst()))));
    }

    /** On a busy machine also a node that is not cut off may be late to confirm its policy, and says so. */
    private <R> R patiently(Supplier<R> change) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                return change.get();
            } catch (StatusRuntimeException late) {
                if (late.getStatus().getCode() != Status.Code.UNAVAILABLE || System.nanoTime() > deadline) {
                    throw late;
                }
                atOnce = false;
                rest(java.time.Duration.ofMillis(20));
            }
        }
    }

    /** When the last change was asked for, and whether whoever was asked first answered; of the thread that changes. */
    private long askedAt;

    private boolean atOnce = true;

    private final AtomicInteger changedElsewhere = new AtomicInteger();

    /** Freezes, lifts, and now and then changes tenant and platform at once, so that one without the other shows. */
    private void change(AtomicBoolean over) {
        for (int round = 1; !over.get(); round++) {
            freezeAndLift(round, () -> rest(PAUSE));
            apply(0, round % 2 == 0 ? "a" : "b");
            rest(PAUSE);
        }
    }

    private void freezeAndLift(int round, Runnable pause) {
        String name = "stop-" + round;
        FreezeResponse frozen = through(round, policies -> freeze(policies, name));
        committed(frozen.getCommit().getRevision(), false);
        pause.run();
        long lifted = through(
                        round + 1,
                        policies -> policies.unfreeze(UnfreezeRequest.newBuilder()
                                .setTenant("acme")
                                .setName(name)
                                .setIdempotencyKey("lift-" + name)
                                .setWait(Duration.getDefaultInstance())
                                .build()))
                .getCommit()
                .getRevision();
        committed(lifted, true);
        pause.run();
    }

    private void committed(long revision, boolean allowed) {
        record.add(new State(revision, platform, allowed, askedAt, System.nanoTime(), atOnce));
    }

    /** Of the thread that changes. */
    private long platform;

    private FreezeResponse freeze(String name) {
        return freeze(with(PolicyServiceGrpc.newBlockingStub(channels.getFirst())), name);
    }

    private static FreezeResponse freeze(PolicyServiceGrpc.PolicyServiceBlockingStub policies, String name) {
        return policies.freeze(FreezeRequest.newBuilder()
                .setTenant("acme")
                .setName(name)
                .setSubject("agent:x")
                .setReason("shown")
                .setIdempotencyKey(name)
                .setWait(Duration.newBuilder().setNanos(name.startsWith("stop") ? 0 : 999_999_999))
                .build());
    }

    /** The role is the platform's, and the tenant's binding names it: one without the other allows nothing. */
    private void apply(int node, String role) {
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {name: shared-%1$s}
                spec: {permissions: [{resources: [vault], actions: [read]}]}
                ---
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec: {environments: [default]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: agents}
                spec: {subjects: ["agent:x"], role: shared-%1$s}
                """.formatted(role);
        String other = role.equals("a") ? "b" : "a";
        List<ApplyPolicyRequest> parts = new ArrayList<>(List.of(
                ApplyPolicyRequest.newBuilder()
                        .setHeader(ApplyPolicyHeader.getDefaultInstance())
                        .build(),
                ApplyPolicyRequest.newBuilder()
                        .setPut(PolicySource.newBuilder().setFile("p.yaml").setYaml(ByteString.copyFromUtf8(yaml)))
                        .build()));
        if (platform > 0) {
            parts.add(ApplyPolicyRequest.newBuilder()
                    .setDelete(dev.assize.proto.v1.DocumentKey.newBuilder()
                            .setKind("Role")
                            .setName("shared-" + other))
                    .build());
        }
        askedAt = System.nanoTime();
        atOnce = true;
        ApplyPolicyResponse response = patiently(() -> applied(node, parts));
        platform = response.getChangesList().stream()
                .filter(change -> change.getTenant().isEmpty())
                .mapToLong(ScopeChange::getRevision)
                .findFirst()
                .orElseThrow();
        committed(
                response.getChangesList().stream()
                        .filter(change -> change.getTenant().equals("acme"))
                        .mapToLong(ScopeChange::getRevision)
                        .findFirst()
                        .orElseThrow(),
                true);
    }

    private ApplyPolicyResponse applied(int node, List<ApplyPolicyRequest> parts) {
        CompletableFuture<ApplyPolicyResponse> answer = new CompletableFuture<>();
        StreamObserver<ApplyPolicyRequest> call = with(PolicyServiceGrpc.newStub(channels.get(node)))
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
        parts.forEach(call::onNext);
        call.onCompleted();
        try {
            return answer.join();
        } catch (CompletionException refused) {
            throw refused.getCause() instanceof StatusRuntimeException status ? status : refused;
        }
    }

    private CheckResponse check(int node, long token) {
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

    private List<AuditEntry> snapshots() {
        return with(LedgerServiceGrpc.newBlockingStub(channels.getFirst()))
                .queryAudit(QueryAuditRequest.newBuilder()
                        .setTenant("acme")
                        .setType(PolicyEntry.SNAPSHOT)
                        .build())
                .getEntriesList();
    }

    private void report() {
        System.out.printf(
                "%d answers, %d unavailable; back after an outage in %s%n",
                record.count(), record.unavailable(), record.recoveries());
        for (int node = 0; node < NODES; node++) {
            System.out.printf(
                    "node %d, while connected: from the request for a change to its effect %s; for a freeze to a deny %s%n",
                    node, measured(record.effectNanos(node)), measured(record.stopNanos(node)));
        }
    }

    private static String measured(long[] sorted) {
        return String.format(
                Locale.ROOT,
                "%d times, p50 %.1f ms, p99 %.1f ms, max %.1f ms",
                sorted.length,
                quantile(sorted, 0.5),
                quantile(sorted, 0.99),
                quantile(sorted, 1));
    }

    private static double quantile(long[] sorted, double quantile) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.ceil(quantile * sorted.length) - 1] / 1e6;
    }

    private static CompletableFuture<Void> running(Runnable work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                work.run();
                done.complete(null);
            } catch (Throwable failure) {
                done.completeExceptionally(failure);
            }
        });
        return done;
    }

    private static void rest(java.time.Duration rest) {
        long end = System.nanoTime() + rest.toNanos();
        for (long left = rest.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private <S extends AbstractStub<S>> S with(S stub) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
}

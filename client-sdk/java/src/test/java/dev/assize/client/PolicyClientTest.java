package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.FreezeEntry;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.NodeConfirmations;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.proto.v1.UnconfirmedNode;
import dev.assize.proto.v1.UnfreezeRequest;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PolicyClientTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client =
            server.client(AssizeClient.builder().tenant("acme").appendDeadline(java.time.Duration.ofSeconds(3)));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void throwsWhatTheServerRefuses() {
        server.policyFailures.add(Status.NOT_FOUND.asRuntimeException());
        assertThatThrownBy(() -> client.policy().unfreeze("nothing", "")).isInstanceOf(AssizeException.class);
        assertThat(server.policyCalls).hasSize(1);
    }

    @Test
    void triesAgainUnderTheSameKey() {
        server.policyFailures.add(Status.UNAVAILABLE.asRuntimeException());
        client.policy().freeze(Freeze.of("agent:x", "runs wild"));
        server.policyFailures.add(Status.UNAVAILABLE.asRuntimeException());
        client.policy().grant(Grant.of("user:alice", "reader", ""));

        assertThat(server.policyCalls).hasSize(4);
        assertThat(server.policyCalls.get(0)).isEqualTo(server.policyCalls.get(1));
        assertThat(((FreezeRequest) server.policyCalls.get(0)).getIdempotencyKey())
                .isNotEmpty();
        assertThat(server.policyCalls.get(2)).isEqualTo(server.policyCalls.get(3));
    }

    @Test
    void appliesADocumentOfEachPartAndTriesAgainWithTheSame() {
        server.policyFailures.add(Status.UNAVAILABLE.asRuntimeException());
        server.applied = ApplyPolicyResponse.newBuilder()
                .addChanges(ScopeChange.newBuilder()
                        .setTenant("acme")
                        .setBaseRevision(4)
                        .setRevision(5)
                        .setSeq(17)
                        .addDocuments(DocumentChange.newBuilder().setType(ChangeType.CHANGE_TYPE_CREATED))
                        .addDocuments(DocumentChange.newBuilder().setType(ChangeType.CHANGE_TYPE_UNCHANGED)))
                .setReplayed(true)
                .build();
        PolicyChange change = PolicyChange.of(
                        List.of(
                                new PolicyChange.Put("a.yaml", 3, new byte[] {'a'}),
                                new PolicyChange.Delete("acme", "Role", "r")),
                        "why")
                .expecting("acme", 4);

        AppliedChange applied = client.policy().apply(change, "key");

        assertThat(applied)
                .isEqualTo(new AppliedChange(
                        List.of(new AppliedChange.Scope("acme", 4, 5, 1, OptionalLong.of(17))), true, "key"));
        assertThat(server.policyCalls).hasSize(2);
        assertThat(server.policyCalls.get(0)).isEqualTo(server.policyCalls.get(1));
        assertThat(server.policyCalls.get(0)).asString().contains("why", "key", "a.yaml", "Role");
    }

    @Test
    void doesNotTryAgainWhereTheRevisionMoved() {
        server.policyFailures.add(StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.ABORTED.value())
                .addDetails(Any.pack(
                        ErrorInfo.newBuilder().setReason("REVISION_MOVED").build()))
                .build()));
        assertThatThrownBy(() -> client.policy().apply(PolicyChange.of("x", "why")))
                .isInstanceOfSatisfying(
                        AssizeException.class,
                        refused -> assertThat(refused.reason()).isEqualTo("REVISION_MOVED"));
        assertThat(server.policyCalls).hasSize(1);
    }

    @Test
    void failsWhereAPartCannotBeRead() {
        Iterable<PolicyChange.Part> broken = () -> {
            throw new IllegalStateException("the file is gone");
        };
        assertThatThrownBy(() -> client.policy().apply(PolicyChange.of(broken, "why")))
                .isInstanceOf(IllegalStateException.class);
        assertThat(server.policyCalls).isEmpty();
    }

    /** However many there are: parts are asked for as the server takes them. */
    @Test
    void asksForPartsNoFasterThanTheyAreTaken() throws Exception {
        int parts = 2_000;
        Semaphore wanted = new Semaphore(0);
        server.partsWanted = wanted;
        AtomicInteger asked = new AtomicInteger();
        AtomicInteger ahead = new AtomicInteger();
        Iterable<PolicyChange.Part> documents = () -> IntStream.range(0, parts)
                .<PolicyChange.Part>mapToObj(i -> {
                    ahead.accumulateAndGet(asked.incrementAndGet() - server.partsTaken.get(), Math::max);
                    wanted.release();
                    return new PolicyChange.Put("", 1, new byte[64 * 1_024]);
                })
                .iterator();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<AppliedChange> applying =
                    thread.submit(() -> client.policy().apply(PolicyChange.of(documents, "many"), "key"));
            wanted.release();
            applying.get();
        }
        assertThat(asked).hasValue(parts);
        assertThat(ahead.get()).isLessThan(100);
    }

    @Test
    void throwsWhatTheServerRefusesOfThePast() {
        PolicyHistory history = client.policy().history();
        for (Runnable asking : List.<Runnable>of(
                () -> history.exportAt(3, _ -> {}),
                () -> history.diff(1, 2, _ -> {}),
                history::replay,
                () -> history.revisions().forEach(_ -> {}))) {
            server.policyFailures.add(Status.PERMISSION_DENIED.asRuntimeException());
            assertThatThrownBy(asking::run).isInstanceOf(AssizeException.class);
        }
    }

    @Test
    void asksHowPolicyWas() {
        PolicyHistory history = client.policy().history();
        List<PolicyDocument> documents = new ArrayList<>();
        List<PolicyDocumentChange> changes = new ArrayList<>();

        assertThat(history.revisions()).singleElement().satisfies(it -> {
            assertThat(it.origin()).isEqualTo("grant");
            assertThat(it.approvers()).containsExactly("user:bob");
        });
        assertThat(history.exportAt(2, documents::add)).isEqualTo(2);
        history.exportAsOf(NOON, documents::add);
        history.export(documents::add);
        history.ofPlatform().diff(1, 0, changes::add);
        PolicyReplay replay = history.replay(2, true);

        assertThat(documents).hasSize(3).contains(new PolicyDocument("Role", "reader", "yaml"));
        assertThat(changes).containsExactly(new PolicyDocumentChange("Role", "reader", "", "new"));
        assertThat(replay.equal()).isFalse();
        assertThat(replay.drifts())
                .extracting(PolicyReplay.Drift::message)
                .containsExactly("Role/reader is not stored");
        assertThat(server.policyCalls)
                .filteredOn(call -> !(call instanceof ListRevisionsRequest))
                .containsExactly(
                        ExportPolicyRequest.newBuilder()
                                .setTenant("acme")
                                .setAtRevision(2)
                                .build(),
                        ExportPolicyRequest.newBuilder()
                                .setTenant("acme")
                                .setAsOf(Timestamp.newBuilder().setSeconds(NOON.getEpochSecond()))
                                .build(),
                        ExportPolicyRequest.newBuilder().setTenant("acme").build(),
                        DiffRevisionsRequest.newBuilder().setFromRevision(1).build(),
                        ReplayPolicyRequest.newBuilder()
                                .setTenant("acme")
                                .setRevision(2)
                                .setWhole(true)
                                .build());
    }

    @Test
    void saysEverythingOfAFreeze() {
        client.policy()
                .inTenant("other")
                .freeze(
                        new Freeze(
                                "n", "agent:x", "r", "a", "vault:1", "vault", "prod", "run-1", true, "why", NOON, NOON),
                        "key");
        Timestamp noon =
                Timestamp.newBuilder().setSeconds(NOON.getEpochSecond()).build();
        assertThat(server.policyCalls)
                .containsExactly(FreezeRequest.newBuilder()
                        .setTenant("other")
                        .setName("n")
                        .setSubject("agent:x")
                        .setRole("r")
                        .setAction("a")
                        .setResource("vault:1")
                        .setResourceType("vault")
                        .setEnvironment("prod")
                        .setRun("run-1")
                        .setAll(true)
                        .setReason("why")
                        .setFrom(noon)
                        .setUntil(noon)
                        .setIdempotencyKey("key")
                        .build());
    }

    @Test
    void tellsWhichNodesDoNotActYet() {
        server.nodes = NodeConfirmations.newBuilder()
                .setConfirmed(2)
                .addUnconfirmed(UnconfirmedNode.newBuilder()
                        .setName("far")
                        .setInstanceId("i")
                        .setLastSeenAt(Timestamp.newBuilder().setSeconds(NOON.getEpochSecond()))
                        .setCutOff(true)
                        .setFreshnessBound(Duration.newBuilder().setSeconds(60)))
                .build();
        server.commit = PolicyCommit.newBuilder()
                .setRevision(7)
                .setSeq(12)
                .setCommittedAt(Timestamp.newBuilder().setSeconds(NOON.getEpochSecond()))
                .setReplayed(true)
                .build();

        PolicyChangeReceipt receipt = client.policy().freeze(Freeze.of("agent:x", "why"));

        assertThat(receipt)
                .isEqualTo(new PolicyChangeReceipt(
                        "made-up",
                        7,
                        12,
                        NOON,
                        true,
                        new PolicyChangeReceipt.Nodes(
                                2,
                                List.of(new PolicyChangeReceipt.Node(
                                        "far", "i", NOON, true, java.time.Duration.ofSeconds(60))),
                                true)));
        assertThat(receipt.nodes().complete()).isFalse();
    }

    @Test
    void grantsRevokesAndLifts() {
        client.policy()
                .grant(
                        Grant.of("user:alice", "reader", "audit")
                                .in("prod")
                                .on("vault:1")
                                .until(NOON),
                        "k1");
        client.policy().revoke("b", "user:alice", "done", "k2");
        client.policy().unfreeze("f", "over", "k3");

        assertThat(server.policyCalls)
                .containsExactly(
                        GrantRequest.newBuilder()
                                .setTenant("acme")
                                .addSubjects("user:alice")
                                .setRole("reader")
                                .addEnvironments("prod")
                                .addResources("vault:1")
                                .setNotAfter(Timestamp.newBuilder().setSeconds(NOON.getEpochSecond()))
                                .setReason("audit")
                                .setIdempotencyKey("k1")
                                .build(),
                        RevokeRequest.newBuilder()
                                .setTenant("acme")
                                .setBinding("b")
                                .setSubject("user:alice")
                                .setReason("done")
                                .setIdempotencyKey("k2")
                                .build(),
                        UnfreezeRequest.newBuilder()
                                .setTenant("acme")
                                .setName("f")
                                .setReason("over")
                                .setIdempotencyKey("k3")
                                .build());
    }

    @Test
    void listsFreezes() {
        server.freezes = List.of(FreezeEntry.newBuilder()
                .setName("f")
                .setRun("run-1")
                .setReason("why")
                .build());
        assertThat(client.policy().freezes())
                .containsExactly(new Freeze("f", "", "", "", "", "", "", "run-1", false, "why", null, null));
    }
}

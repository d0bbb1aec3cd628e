package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.rpc.ErrorInfo;
import dev.assize.client.ProposedChange.State;
import dev.assize.client.ProposedChange.Whole;
import dev.assize.proto.v1.AcceptProposalRequest;
import dev.assize.proto.v1.Proposal;
import dev.assize.proto.v1.ProposalAcceptance;
import dev.assize.proto.v1.ProposalComment;
import dev.assize.proto.v1.ProposalState;
import dev.assize.proto.v1.RejectProposalRequest;
import dev.assize.proto.v1.WithdrawProposalRequest;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProposalsClientTest {

    private static final ByteString DIGEST = ByteString.copyFrom(new byte[32]);

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client =
            server.client(AssizeClient.builder().tenant("acme").readDeadline(Duration.ofSeconds(3)));
    private final ProposalsClient proposals = client.policy().proposals();

    @BeforeEach
    void oneProposal() {
        server.proposal = Proposal.newBuilder()
                .setId("p1")
                .setTenant("acme")
                .setState(ProposalState.PROPOSAL_STATE_PENDING)
                .setProposer("user:alice")
                .setReason("why")
                .setProposedAt(Timestamp.newBuilder().setSeconds(100))
                .setExpiresAt(Timestamp.newBuilder().setSeconds(200))
                .setDigest(DIGEST)
                .setBaseRevision(7)
                .setAcceptancesNeeded(2)
                .addAcceptances(ProposalAcceptance.newBuilder().setAcceptor("user:bob"))
                .addComments(ProposalComment.newBuilder()
                        .setAuthor("user:carol")
                        .setSaidAt(Timestamp.newBuilder().setSeconds(150))
                        .setComment("why?"))
                .build();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void throwsWhatTheServerRefuses() {
        server.policyFailures.add(Status.NOT_FOUND.asRuntimeException());
        assertThatThrownBy(() -> proposals.get("nothing")).isInstanceOf(AssizeException.class);
        server.policyFailures.add(Status.PERMISSION_DENIED.asRuntimeException());
        assertThatThrownBy(() -> proposals.reject("p1", "")).isInstanceOf(AssizeException.class);
        assertThatThrownBy(
                        () -> proposals.propose(PolicyChange.of("x", "why").expecting("acme", 1), Duration.ofDays(1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void proposesUnderOneKeyHoweverOftenItTries() {
        server.policyFailures.add(Status.UNAVAILABLE.asRuntimeException());
        ProposedChange proposed = proposals.propose(PolicyChange.of("x", "why"), Duration.ofDays(1));
        assertThat(server.policyCalls).hasSize(2);
        assertThat(server.policyCalls.get(0)).isEqualTo(server.policyCalls.get(1));
        assertThat(server.policyCalls.get(0)).asString().contains("idempotency_key", "seconds: 86400", "acme");
        assertThat(proposed)
                .isEqualTo(new ProposedChange(
                        "p1",
                        "acme",
                        State.PENDING,
                        "user:alice",
                        "why",
                        Instant.ofEpochSecond(100),
                        Instant.ofEpochSecond(200),
                        "0".repeat(64),
                        7,
                        2,
                        List.of("user:bob"),
                        "",
                        null,
                        "",
                        0,
                        List.of(new ProposedChange.Comment("user:carol", "why?", Instant.ofEpochSecond(150)))));
    }

    @Test
    void saysSomethingUnderOneKeyHoweverOftenItTries() {
        server.policyFailures.add(Status.UNAVAILABLE.asRuntimeException());
        assertThat(proposals.comment("p1", "why?").comments()).hasSize(1);
        assertThat(server.policyCalls).hasSize(2);
        assertThat(server.policyCalls.get(0)).isEqualTo(server.policyCalls.get(1));
        assertThat(server.policyCalls.get(0)).asString().contains("idempotency_key", "why?", "acme");
    }

    @Test
    void acceptsWhatWasSeen() {
        Whole seen = proposals.get("p1");
        assertThat(seen.documents()).containsExactly(new ProposedChange.Document("Role", "r", "", "yaml"));
        server.policyFailures.add(Status.UNAVAILABLE.asRuntimeException());
        proposals.accept(seen.proposal(), "fine");
        assertThat(server.policyCalls.getLast())
                .isEqualTo(AcceptProposalRequest.newBuilder()
                        .setTenant("acme")
                        .setId("p1")
                        .setDigest(DIGEST)
                        .setBaseRevision(7)
                        .setComment("fine")
                        .build());
        assertThat(server.policyCalls).hasSize(3);
    }

    @Test
    void doesNotAcceptAgainWhatMoved() {
        ProposedChange seen = proposals.get("p1").proposal();
        server.policyFailures.add(StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.ABORTED.value())
                .addDetails(Any.pack(
                        ErrorInfo.newBuilder().setReason("PROPOSAL_MOVED").build()))
                .build()));
        assertThatThrownBy(() -> proposals.accept(seen, ""))
                .isInstanceOfSatisfying(
                        AssizeException.class,
                        refused -> assertThat(refused.reason()).isEqualTo("PROPOSAL_MOVED"));
        assertThat(server.policyCalls).hasSize(2);
    }

    @Test
    void listsRejectsAndWithdraws() {
        assertThat(proposals.list()).extracting(ProposedChange::id).containsExactly("p1");
        proposals.reject("p1", "no");
        proposals.withdraw("p1", "no more");
        assertThat(server.policyCalls.subList(1, 3))
                .containsExactly(
                        RejectProposalRequest.newBuilder()
                                .setTenant("acme")
                                .setId("p1")
                                .setComment("no")
                                .build(),
                        WithdrawProposalRequest.newBuilder()
                                .setTenant("acme")
                                .setId("p1")
                                .setComment("no more")
                                .build());
    }
}

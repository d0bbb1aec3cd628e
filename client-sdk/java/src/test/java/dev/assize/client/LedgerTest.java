package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.LineageAccess;
import dev.assize.proto.v1.LineageCut;
import dev.assize.proto.v1.LineageNode;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyProgress;
import dev.assize.proto.v1.VerifyResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LedgerTest {

    private static final AuditEvent EVENT = AuditEvent.ofType("replay.executed")
            .action("execute")
            .resource("replay:922")
            .build();

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client =
            server.client(AssizeClient.builder().tenant("acme").appendDeadline(Duration.ofSeconds(3)));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void triesAgainUnderTheSameKey() {
        server.appendFailures.add(Status.UNAVAILABLE.asRuntimeException());
        server.appendFailures.add(Status.INTERNAL.asRuntimeException());

        AppendReceipt receipt = client.appendAudit(EVENT);

        assertThat(server.appends).hasSize(3);
        assertThat(server.appends)
                .extracting(AppendAuditRequest::getIdempotencyKey)
                .containsOnly(receipt.idempotencyKey());
        assertThat(receipt.idempotencyKey()).isNotEmpty();
        assertThat(receipt.entries()).extracting(AppendReceipt.Entry::seq).containsExactly(7L);
        assertThat(receipt.replayed()).isTrue();
    }

    @Test
    void whatIsSpooledIsNoReceiptForWhoAskedForTheLedger() {
        server.appendAnswer = spooled("spool-1", 4).build();
        assertThatThrownBy(() -> client.appendAudit(EVENT)).hasMessageContaining("asked for the ledger");
        assertThat(server.appends.getFirst().getAcknowledgement())
                .isEqualTo(dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_UNSPECIFIED);
    }

    @Test
    void whatIsSpooledSaysWhere() {
        for (AppendAuditResponse.Builder answer : List.of(
                spooled("", 4),
                spooled("spool-1", 0),
                spooled("spool-1", 4).clearSpooled(),
                spooled("spool-1", 4).addEntries(AppendedEntry.getDefaultInstance()),
                spooled("spool-1", 4).setAcknowledgement(dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER),
                spooled("spool-1", 4).setAcknowledgementValue(77))) {
            server.appendAnswer = answer.build();
            assertThatThrownBy(() -> client.appendAudit(EVENT, Acknowledgement.SPOOLED))
                    .isInstanceOfSatisfying(
                            AssizeException.class, it -> assertThat(it.code()).isEqualTo("MALFORMED_ANSWER"));
        }
    }

    @Test
    void whoIsContentWithASpoolIsToldWhichItWas() {
        AppendReceipt inLedger = client.appendAudit(EVENT, Acknowledgement.SPOOLED);
        assertThat(inLedger.acknowledgement()).isEqualTo(Acknowledgement.IN_LEDGER);
        assertThat(inLedger.spooled()).isEmpty();

        server.appendAnswer = spooled("spool-1", 4).build();
        AppendReceipt receipt = client.appendAudit(EVENT, Acknowledgement.SPOOLED);
        assertThat(receipt.acknowledgement()).isEqualTo(Acknowledgement.SPOOLED);
        assertThat(receipt.spooled()).contains(new SpoolPosition("spool-1", 4));
        assertThat(receipt.entries()).isEmpty();
        assertThat(server.appends.getLast().getAcknowledgement())
                .isEqualTo(dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_SPOOLED);
    }

    private static AppendAuditResponse.Builder spooled(String spool, long number) {
        return AppendAuditResponse.newBuilder()
                .setAcknowledgement(dev.assize.proto.v1.Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                .setSpooled(dev.assize.proto.v1.SpoolPosition.newBuilder()
                        .setSpoolId(spool)
                        .setNumber(number));
    }

    @Test
    void anEventSaysWhoseItsActorIsAndForWhomItActed() {
        AuditEvent event = AuditEvent.ofType("replay.executed")
                .actor("agent:feed")
                .actorTenant("partner")
                .onBehalfOf("user:bob")
                .build();
        client.appendAudit(event);

        dev.assize.proto.v1.AuditEvent sent = server.appends.getFirst().getEvents(0);
        assertThat(sent.getActorTenant()).isEqualTo("partner");
        assertThat(sent.getOnBehalfOf()).isEqualTo("user:bob");

        server.queryAnswer = request -> QueryAuditResponse.newBuilder()
                .addEntries(AuditEntry.newBuilder().setEvent(sent))
                .build();
        assertThat(client.queryAudit(AuditQuery.ALL).iterator().next().event().onBehalfOf())
                .isEqualTo("user:bob");
    }

    @Test
    void lineageIsATreeAndAccessesComePageByPage() {
        LineageNode cycle = LineageNode.newBuilder()
                .setUri("db:a")
                .setReadSeq(1)
                .setWriteSeq(2)
                .setRunId("run-1")
                .setCut(LineageCut.LINEAGE_CUT_CYCLE)
                .build();
        server.lineageAnswer = request -> request.getPageToken().isEmpty()
                ? GetLineageResponse.newBuilder()
                        .addAccesses(LineageAccess.newBuilder()
                                .setSeq(9)
                                .setWritten(true)
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .setNextPageToken("next")
                        .setUpstream(LineageNode.newBuilder().setUri("db:a").addDerived(cycle))
                        .setTruncated(true)
                        .build()
                : GetLineageResponse.newBuilder()
                        .addAccesses(LineageAccess.newBuilder()
                                .setSeq(3)
                                .setRead(true)
                                .setOutcome(Outcome.OUTCOME_DENIED))
                        .build();

        Lineage lineage = client.lineage(
                LineageQuery.of("db:a").to(LineageQuery.Direction.UPSTREAM).withDepth(2));

        assertThat(lineage.accesses()).extracting(Lineage.Access::seq).containsExactly(9L, 3L);
        assertThat(lineage.downstream()).isNull();
        assertThat(lineage.truncated()).isTrue();
        assertThat(lineage.upstream())
                .isEqualTo(new Lineage.Node(
                        "db:a",
                        null,
                        Lineage.Cut.NONE,
                        false,
                        List.of(new Lineage.Node(
                                "db:a", new Lineage.Link(1, 2, "run-1"), Lineage.Cut.CYCLE, false, List.of()))));
        assertThat(server.lineages.getFirst().getTenant()).isEqualTo("acme");
        assertThat(server.lineages.getFirst().getDepth()).isEqualTo(2);
    }

    @Test
    void twoAppendsHaveTwoKeys() {
        client.appendAudit(EVENT);
        client.appendAudit(EVENT);

        assertThat(server.appends)
                .extracting(AppendAuditRequest::getIdempotencyKey)
                .doesNotHaveDuplicates();
    }

    @Test
    void aSilentServerIsAskedAgainWithinTheDeadline() {
        server.appendFailures.add(Status.OK.asRuntimeException());

        client.appendAudit(EVENT);

        assertThat(server.appends).hasSize(2);
    }

    @Test
    void waitsAsLongAsTheServerAsks() {
        server.appendFailures.add(busyFor(Duration.ofMillis(300)));
        long begin = System.nanoTime();

        client.appendAudit(EVENT);

        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }

    @Test
    void givesUpWhereTheServerAsksForMoreThanTheDeadline() {
        server.appendFailures.add(busyFor(Duration.ofMinutes(1)));

        assertThatThrownBy(() -> client.appendAudit(EVENT))
                .isInstanceOfSatisfying(
                        AssizeException.class,
                        error -> assertThat(error.retryDelay()).contains(Duration.ofMinutes(1)));
        assertThat(server.appends).hasSize(1);
    }

    @Test
    void doesNotTryAgainWhatTheServerRefuses() {
        server.appendFailures.add(Status.ALREADY_EXISTS.asRuntimeException());

        assertThatThrownBy(() -> client.appendAudit(EVENT))
                .isInstanceOfSatisfying(
                        AssizeException.class, error -> assertThat(error.code()).isEqualTo("ALREADY_EXISTS"));
        assertThat(server.appends).hasSize(1);
    }

    @Test
    void verificationReportsProgressAndTheFirstBadEntry() {
        server.verification = List.of(
                progress(1, 3),
                progress(2, 3),
                VerifyChainResponse.newBuilder()
                        .setResult(VerifyResult.newBuilder()
                                .setVerified(2)
                                .setFirstBadSeq(2)
                                .setFault(ChainFault.CHAIN_FAULT_ENTRY_HASH)
                                .setMessage("the stored hash is not the frame's"))
                        .build());
        List<String> heard = new ArrayList<>();

        Verification verification = client.verifyChain((verified, total) -> heard.add(verified + "/" + total));

        assertThat(heard).containsExactly("1/3", "2/3");
        assertThat(verification.valid()).isFalse();
        assertThat(verification.firstBadSeq()).hasValue(2);
        assertThat(verification.fault()).isEqualTo("ENTRY_HASH");
    }

    @Test
    void aVerificationWithoutResultIsAnError() {
        server.verification = List.of(progress(1, 3));

        assertThatThrownBy(() -> client.verifyChain((verified, total) -> {}))
                .isInstanceOf(AssizeException.class)
                .hasMessageContaining("without a result");
    }

    @Test
    void aQueryFetchesPageByPage() {
        server.queryAnswer = request -> request.getPageToken().isEmpty() ? page("more", 3, 2) : page("", 1);

        assertThat(StreamSupport.stream(
                                client.queryAudit(AuditQuery.ALL.byActor("user:alice"))
                                        .spliterator(),
                                false)
                        .map(dev.assize.client.AuditEntry::seq))
                .containsExactly(3L, 2L, 1L);
        assertThat(server.queries).extracting(QueryAuditRequest::getActor).containsExactly("user:alice", "user:alice");
        assertThat(server.queries).extracting(QueryAuditRequest::getPageToken).containsExactly("", "more");
    }

    private static VerifyChainResponse progress(long verified, long total) {
        return VerifyChainResponse.newBuilder()
                .setProgress(VerifyProgress.newBuilder().setVerified(verified).setTotal(total))
                .build();
    }

    private static QueryAuditResponse page(String next, long... seqs) {
        QueryAuditResponse.Builder page = QueryAuditResponse.newBuilder().setNextPageToken(next);
        for (long seq : seqs) {
            page.addEntries(AuditEntry.newBuilder().setSeq(seq));
        }
        return page.build();
    }

    @Test
    void onlyWhatIsAboutToBeSignedIsAskedForAgain() {
        server.checkpointFailures.addAll(
                List.of(notSigned(), Status.PERMISSION_DENIED.asRuntimeException(), notSigned()));

        assertThatThrownBy(() -> client.verifierKeys())
                .isInstanceOfSatisfying(
                        AssizeException.class, error -> assertThat(error.code()).isEqualTo("PERMISSION_DENIED"));
        assertThat(server.checkpointFailures).hasSize(1);
    }

    private static StatusRuntimeException notSigned() {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(9)
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason("LEDGER_NOT_SIGNED")
                        .setDomain("assize.dev")
                        .build()))
                .build());
    }

    private static StatusRuntimeException busyFor(Duration delay) {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(8)
                .setMessage("the queue is full")
                .addDetails(Any.pack(RetryInfo.newBuilder()
                        .setRetryDelay(com.google.protobuf.Duration.newBuilder()
                                .setSeconds(delay.toSeconds())
                                .setNanos(delay.toNanosPart()))
                        .build()))
                .build());
    }
}

package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.EraseActorRequest;
import dev.assize.proto.v1.EraseActorResponse;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.EraseAuditResponse;
import dev.assize.proto.v1.Erasure;
import dev.assize.proto.v1.Hold;
import dev.assize.proto.v1.HoldScope;
import dev.assize.proto.v1.IdentifiedActor;
import dev.assize.proto.v1.IdentifyActorsRequest;
import dev.assize.proto.v1.IdentifyActorsResponse;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceImplBase;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListHoldsResponse;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.PlaceHoldResponse;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPart;
import dev.assize.proto.v1.ReleaseHoldRequest;
import dev.assize.proto.v1.ReleaseHoldResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What `audit erase`, `identify`, `hold` and `prune` ask of a server, and what they make of its answers. */
class RetentionCommandsTest {

    private static final AppendedEntry ENTRY =
            AppendedEntry.newBuilder().setSeq(12).build();

    @TempDir
    Path home;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final List<Message> asked = new ArrayList<>();
    private final Ledger ledger = new Ledger();
    private final Server server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(ledger)
            .build();

    @BeforeEach
    void start() throws IOException {
        server.start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
    }

    @Test
    void refusesWhatSaysTooLittleOrTooMuch() {
        for (String line : List.of(
                "erase --basis b",
                "erase --seq 1",
                "erase --seq 1 --actor user:ann --basis b",
                "erase --actor user:ann --field payload --basis b",
                "identify --reason r",
                "identify user:ann",
                "hold place",
                "hold release --reason r",
                "hold release h5",
                "prune --reason r",
                "prune --to 256",
                "prune --to 256 --dry-run --reason r",
                "prune --agree p5 --to 256",
                "prune --agree p5 --reason r",
                "prune --agree p5 --dry-run")) {
            assertThat(run(line.split(" "))).as(line).isEqualTo(ExitCodes.USAGE);
        }
        assertThat(asked).isEmpty();
    }

    @Test
    void saysWhatTheServerRefuses() {
        ledger.refusal = Status.FAILED_PRECONDITION.withDescription("entry 7 is under legal hold h5");
        for (String line : List.of(
                "erase --seq 7 --basis b",
                "erase --actor user:ann --basis b",
                "identify user:ann --reason r",
                "hold place --reason r",
                "hold release h5 --reason r",
                "hold list",
                "prune --to 256 --dry-run",
                "prune --agree p5")) {
            err.getBuffer().setLength(0);
            assertThat(run(line.split(" "))).as(line).isEqualTo(ExitCodes.ERROR);
            assertThat(err.toString())
                    .as(line)
                    .contains("entry 7 is under legal hold h5")
                    .hasLineCount(1);
        }
    }

    @Test
    void erasesValues() {
        assertThat(run("erase", "--seq", "7,9", "--field", "payload", "--basis", "request 7"))
                .as(err::toString)
                .isZero();
        assertThat(asked)
                .containsExactly(EraseAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addSeqs(7)
                        .addSeqs(9)
                        .addFields("payload")
                        .setBasis("request 7")
                        .build());
        assertThat(out.toString()).contains("7", "payload", "12", "9", "before");
        assertThat(run("erase", "--seq", "7", "--basis", "b", "--output", "json"))
                .isZero();
        assertThat(out.toString()).contains("\"recordedSeq\" : 12");
    }

    @Test
    void identifiesAndErasesNames() {
        assertThat(run("identify", "user:ann", "pseudonym:ab", "--reason", "case 12"))
                .isZero();
        assertThat(asked.getLast())
                .isEqualTo(IdentifyActorsRequest.newBuilder()
                        .setTenant("acme")
                        .addActors("user:ann")
                        .addActors("pseudonym:ab")
                        .setReason("case 12")
                        .build());
        assertThat(out.toString()).contains("user:ann", "pseudonym:ab");
        assertThat(run("identify", "user:ann", "--reason", "r", "--output", "json"))
                .isZero();
        assertThat(out.toString()).contains("\"salt\" : \"0102\"", "\"recordedSeq\" : 12");
        assertThat(run("erase", "--actor", "user:ann", "--basis", "request 7")).isZero();
        assertThat(out.toString()).contains("erased the name behind pseudonym:ab, recorded as entry 12");
    }

    @Test
    void placesReleasesAndListsHolds() {
        assertThat(run(
                        "hold",
                        "place",
                        "--actor",
                        "user:ann",
                        "--resource",
                        "vault:a",
                        "--from",
                        "2026-03-01T00:00:00Z",
                        "--to",
                        "2026-04-01T00:00:00Z",
                        "--reason",
                        "case 12"))
                .as(err::toString)
                .isZero();
        assertThat(asked)
                .containsExactly(PlaceHoldRequest.newBuilder()
                        .setTenant("acme")
                        .setScope(HoldScope.newBuilder()
                                .setActor("user:ann")
                                .setResource("vault:a")
                                .setFrom(time("2026-03-01T00:00:00Z"))
                                .setTo(time("2026-04-01T00:00:00Z")))
                        .setReason("case 12")
                        .build());
        assertThat(out.toString()).contains("h5", "actor user:ann", "case 12");
        assertThat(run("hold", "release", "h5", "--reason", "closed")).isZero();
        assertThat(asked.getLast())
                .isEqualTo(ReleaseHoldRequest.newBuilder()
                        .setTenant("acme")
                        .setHoldId("h5")
                        .setReason("closed")
                        .build());
        out.getBuffer().setLength(0);
        assertThat(run("hold", "list", "--all")).isZero();
        assertThat(out.toString()).as("two pages").contains("h5", "h6");
        assertThat(run("hold", "list", "--output", "json")).isZero();
        assertThat(out.toString()).contains("\"holds\"");
    }

    @Test
    void proposesToPruneAndAgreesUntilNothingRemains() {
        assertThat(run("prune", "--to", "512", "--dry-run")).as(err::toString).isZero();
        assertThat(out.toString()).contains("would go  512 entries, 0 to 511", "not more  entry 512 stays");
        assertThat(run("prune", "--before", "2026-03-01T00:00:00Z", "--reason", "old"))
                .isZero();
        assertThat(asked.getLast())
                .isEqualTo(PruneLedgerRequest.newBuilder()
                        .setTenant("acme")
                        .setBefore(time("2026-03-01T00:00:00Z"))
                        .setReason("old")
                        .build());
        assertThat(out.toString()).contains("proposed  p5", "assize audit prune --tenant acme --agree p5");
        asked.clear();
        assertThat(run("prune", "--agree", "p5")).isZero();
        assertThat(asked).as("until nothing remains").hasSize(2);
        assertThat(out.toString()).contains("pruned    entries 0 to 255", "pruned    entries 256 to 511");
        assertThat(run("prune", "--agree", "p5", "--output", "json")).isZero();
        assertThat(out.toString()).contains("\"archiveObject\" : \"object-256\"");
    }

    private static Timestamp time(String text) {
        return Timestamp.newBuilder()
                .setSeconds(Instant.parse(text).getEpochSecond())
                .build();
    }

    private int run(String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        Surroundings surroundings = new Surroundings(
                Map.of(
                        "ASSIZE_HOME",
                        home.toString(),
                        "ASSIZE_SERVER",
                        "127.0.0.1:" + server.getPort(),
                        "ASSIZE_KEY",
                        "a key",
                        "ASSIZE_TENANT",
                        "acme"),
                false,
                InstantSource.system());
        return CommandErrors.install(new CommandLine(new AuditCommand(), new CommandFactory(surroundings)))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(line.toArray(String[]::new));
    }

    /** Answers as a server would, and keeps what it was asked. */
    private final class Ledger extends LedgerServiceImplBase {

        private Status refusal = Status.OK;

        private <T> void answer(Message request, T response, StreamObserver<T> observer) {
            if (!refusal.isOk()) {
                observer.onError(refusal.asRuntimeException());
                return;
            }
            asked.add(request);
            observer.onNext(response);
            observer.onCompleted();
        }

        @Override
        public void eraseAudit(EraseAuditRequest request, StreamObserver<EraseAuditResponse> observer) {
            EraseAuditResponse response = EraseAuditResponse.newBuilder()
                    .addErasures(
                            Erasure.newBuilder().setSeq(7).addFields("payload").setEntry(ENTRY))
                    .addErasures(Erasure.newBuilder().setSeq(9).setEntry(ENTRY))
                    .build();
            answer(request, response, observer);
        }

        @Override
        public void identifyActors(IdentifyActorsRequest request, StreamObserver<IdentifyActorsResponse> observer) {
            IdentifyActorsResponse response = IdentifyActorsResponse.newBuilder()
                    .addActors(IdentifiedActor.newBuilder()
                            .setSubject("user:ann")
                            .setPseudonym("pseudonym:ab")
                            .setSalt(ByteString.copyFrom(new byte[] {1, 2})))
                    .setEntry(ENTRY)
                    .build();
            answer(request, response, observer);
        }

        @Override
        public void eraseActor(EraseActorRequest request, StreamObserver<EraseActorResponse> observer) {
            EraseActorResponse response = EraseActorResponse.newBuilder()
                    .setPseudonym("pseudonym:ab")
                    .setEntry(ENTRY)
                    .build();
            answer(request, response, observer);
        }

        @Override
        public void placeHold(PlaceHoldRequest request, StreamObserver<PlaceHoldResponse> observer) {
            Hold hold = hold("h5").setScope(request.getScope()).build();
            answer(request, PlaceHoldResponse.newBuilder().setHold(hold).build(), observer);
        }

        @Override
        public void releaseHold(ReleaseHoldRequest request, StreamObserver<ReleaseHoldResponse> observer) {
            answer(request, ReleaseHoldResponse.newBuilder().setHold(hold("h5")).build(), observer);
        }

        @Override
        public void listHolds(ListHoldsRequest request, StreamObserver<ListHoldsResponse> observer) {
            boolean first = request.getPageToken().isEmpty();
            ListHoldsResponse page = ListHoldsResponse.newBuilder()
                    .addHolds(hold(first ? "h5" : "h6"))
                    .setNextPageToken(first ? "more" : "")
                    .build();
            answer(request, page, observer);
        }

        private static Hold.Builder hold(String id) {
            return Hold.newBuilder().setHoldId(id).setReason("case 12").setPlacedBy("user:bob");
        }

        @Override
        public void pruneLedger(PruneLedgerRequest request, StreamObserver<PruneLedgerResponse> observer) {
            PruneLedgerResponse.Builder response = PruneLedgerResponse.newBuilder();
            if (request.getPruningId().isEmpty()) {
                response.setToSeq(512).setLimit("entry 512 stays");
                if (!request.getDryRun()) {
                    response.setPruningId("p5").setProposed(ENTRY);
                }
            } else {
                long from = asked.size() % 2 == 0 ? 0 : 256;
                response.setPruned(PrunedPart.newBuilder()
                                .setFromSeq(from)
                                .setToSeq(from + 256)
                                .setArchiveObject("object-" + from)
                                .setEntry(ENTRY))
                        .setRemaining(256 - from);
            }
            answer(request, response.build(), observer);
        }
    }
}

package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.client.ledger.Checkpoint;
import dev.assize.client.ledger.LedgerHead;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.ExportProgress;
import dev.assize.proto.v1.ExportResult;
import dev.assize.proto.v1.ExportedFrames;
import dev.assize.proto.v1.GetCheckpointRequest;
import dev.assize.proto.v1.GetCheckpointResponse;
import dev.assize.proto.v1.GetConsistencyProofRequest;
import dev.assize.proto.v1.GetConsistencyProofResponse;
import dev.assize.proto.v1.GetInclusionProofRequest;
import dev.assize.proto.v1.GetInclusionProofResponse;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceImplBase;
import dev.assize.proto.v1.MetaCheckpoint;
import dev.assize.server.ledger.note.SignatureType;
import dev.assize.server.ledger.note.SigningKey;
import dev.assize.server.testing.SignedLedger;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What the commands that keep proofs make of a server that lies. */
class ProofCommandsTest {

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private SignedLedger shown = SignedLedger.golden().append(5);
    private List<byte[]> frames = shown.frames();
    private int staleAnswers;
    private boolean isCutShort;
    private boolean seesAll = true;
    private String keys = "";
    private final Server server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(new Ledger())
            .build();

    @BeforeEach
    void start() throws Exception {
        keys = shown.verifierKey().toString();
        server.start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
    }

    @Test
    void keepsWhatIsTrue() throws Exception {
        Path bundle = directory.resolve("true.tar");
        assertThat(run("export", "--format", "bundle", "--output", bundle.toString(), "--vkey", keys))
                .as(err::toString)
                .isZero();
        assertThat(Files.readAllBytes(bundle)).isEqualTo(shown.bundle());
        assertThat(err.toString()).isEmpty();
        assertThat(run("verify", bundle.toString(), "--vkey", keys)).isZero();
    }

    @Test
    void refusesEntriesThatWereNotSigned() throws Exception {
        frames = SignedLedger.golden().append(2).append(3, "other-").frames();
        refusesBundle("the entries have another root than the checkpoint");
        frames = new ArrayList<>(shown.frames());
        frames.remove(2);
        refusesBundle("first bad entry 2", "entry 2 is missing");
        frames = shown.frames().subList(0, 4);
        refusesBundle("first bad entry 4", "the checkpoint has 5 entries, and here are 4");
        frames = SignedLedger.golden().append(6).frames();
        refusesBundle("the checkpoint has no entry 5");
    }

    @Test
    void refusesTheKeysOfOthers() throws Exception {
        SignedLedger honest = shown;
        shown = new SignedLedger("acme", SigningKey.generate(SignedLedger.DEPLOYMENT, SignatureType.NOTE)).append(5);
        frames = shown.frames();
        keys = honest.verifierKey().toString();
        refusesBundle("no signature of a known key");
        assertThat(run("checkpoint", "--vkey", keys)).isEqualTo(3);
        assertThat(out.toString()).startsWith("NOT AS RECORDED").contains("no signature of a known key");
        // Whoever takes the server's word for its keys is told so.
        assertThat(run("checkpoint")).isZero();
        assertThat(err.toString()).contains("verified with the keys that the server itself names");
    }

    @Test
    void waitsForAHeadThatIsBeingPublishedButNotForEver() {
        staleAnswers = 2;
        assertThat(run("checkpoint", "--vkey", keys)).isZero();
        staleAnswers = Integer.MAX_VALUE;
        assertThat(run("checkpoint", "--vkey", keys)).isEqualTo(3);
        assertThat(out.toString()).contains("is not the ledger's head in the log of heads");
    }

    @Test
    void refusesAProofOfAnotherEntry() {
        Path proof = directory.resolve("3.tlog-proof");
        assertThat(run("proof", "3", "--output", proof.toString(), "--vkey", keys))
                .isZero();
        frames = SignedLedger.golden().append(3).append(2, "other-").frames();
        assertThat(run("proof", "3", "--output", proof.toString(), "--vkey", keys, "--force"))
                .isEqualTo(3);
        assertThat(out.toString()).contains("the path leads to another root");
    }

    @Test
    void refusesToCallAForkAContinuation() throws Exception {
        Path kept = Files.writeString(
                directory.resolve("kept"),
                SignedLedger.golden()
                        .append(2)
                        .append(1, "other-")
                        .head()
                        .checkpoint()
                        .toString());
        assertThat(run("checkpoint", "--vkey", keys, "--continues", kept.toString()))
                .isEqualTo(3);
        assertThat(out.toString()).contains("NOT AS RECORDED");
        Files.writeString(kept, "no checkpoint");
        assertThat(run("checkpoint", "--vkey", keys, "--continues", kept.toString()))
                .isEqualTo(1);
    }

    @Test
    void writesNothingOfAStreamThatIsNotWhole() throws Exception {
        isCutShort = true;
        Path csv = directory.resolve("acme.csv");
        assertThat(run("export", "--format", "csv", "--output", csv.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("ended the export without a result");
        seesAll = false;
        Path bundle = directory.resolve("acme.tar");
        assertThat(run("export", "--format", "bundle", "--output", bundle.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("this key sees some environments only");
        assertNothingWritten();
    }

    private void refusesBundle(String... why) throws Exception {
        Path bundle = directory.resolve("false.tar");
        assertThat(run("export", "--format", "bundle", "--output", bundle.toString(), "--vkey", keys))
                .isEqualTo(3);
        assertThat(out.toString()).startsWith("NOT AS RECORDED").contains(why);
        assertNothingWritten();
    }

    private void assertNothingWritten() throws IOException {
        try (Stream<Path> written = Files.list(directory)) {
            assertThat(written).isEmpty();
        }
    }

    private int run(String... command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        Surroundings surroundings = new Surroundings(
                Map.of(
                        "ASSIZE_HOME",
                        directory.resolve("nobody").toString(),
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
                .execute(command);
    }

    /** Says what the test wants it to say, with proofs of the ledger that it shows. */
    private final class Ledger extends LedgerServiceImplBase {

        @Override
        public void getCheckpoint(GetCheckpointRequest request, StreamObserver<GetCheckpointResponse> answer) {
            try {
                LedgerHead head = shown.head();
                answer.onNext(GetCheckpointResponse.newBuilder()
                        .setCheckpoint(head.checkpoint().toString())
                        .setMeta(MetaCheckpoint.newBuilder()
                                .setCheckpoint(head.place().checkpoint().toString())
                                .setLeafIndex(head.place().index())
                                .setLeaf(
                                        staleAnswers-- > 0
                                                ? "another\n"
                                                : head.checkpoint().text())
                                .addAllInclusionProof(bytes(shown.placeHashes())))
                        .addVerifierKeys(shown.verifierKey().toString())
                        .build());
                answer.onCompleted();
            } catch (NotProvenException e) {
                answer.onError(e);
            }
        }

        @Override
        public void getInclusionProof(
                GetInclusionProofRequest request, StreamObserver<GetInclusionProofResponse> answer) {
            try {
                answer.onNext(GetInclusionProofResponse.newBuilder()
                        .setSeq(request.getSeq())
                        .addAllHashes(bytes(shown.inclusion((int) request.getSeq())))
                        .setCheckpoint(shown.head().checkpoint().toString())
                        .build());
                answer.onCompleted();
            } catch (NotProvenException e) {
                answer.onError(e);
            }
        }

        @Override
        public void getConsistencyProof(
                GetConsistencyProofRequest request, StreamObserver<GetConsistencyProofResponse> answer) {
            try {
                assertThat(Checkpoint.parse(shown.head().checkpoint().text()).size())
                        .isGreaterThanOrEqualTo(request.getFromSize());
                answer.onNext(GetConsistencyProofResponse.newBuilder()
                        .addAllHashes(bytes(shown.consistency((int) request.getFromSize())))
                        .setCheckpoint(shown.head().checkpoint().toString())
                        .build());
                answer.onCompleted();
            } catch (NotProvenException e) {
                answer.onError(e);
            }
        }

        @Override
        public void exportAudit(ExportAuditRequest request, StreamObserver<ExportAuditResponse> answer) {
            ExportProgress.Builder progress = ExportProgress.newBuilder();
            if (seesAll) {
                progress.setTotal(frames.size());
            }
            answer.onNext(ExportAuditResponse.newBuilder().setProgress(progress).build());
            int from = (int) request.getFromSeq();
            List<byte[]> wanted = from == 0 ? frames : frames.subList(from, (int) request.getToSeq() + 1);
            answer.onNext(
                    request.getFormat() == ExportFormat.EXPORT_FORMAT_FRAMES
                            ? ExportAuditResponse.newBuilder()
                                    .setFrames(ExportedFrames.newBuilder().addAllFrames(bytes(wanted)))
                                    .build()
                            : ExportAuditResponse.newBuilder()
                                    .setText(ByteString.copyFromUtf8("seq\r\n"))
                                    .build());
            if (!isCutShort) {
                answer.onNext(ExportAuditResponse.newBuilder()
                        .setResult(ExportResult.newBuilder().setExported(wanted.size()))
                        .build());
            }
            answer.onCompleted();
        }

        private static List<ByteString> bytes(List<byte[]> hashes) {
            return hashes.stream().map(ByteString::copyFrom).toList();
        }
    }
}

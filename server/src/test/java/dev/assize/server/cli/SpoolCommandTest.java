package dev.assize.server.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.DeclareSpoolLossRequest;
import dev.assize.proto.v1.DeclareSpoolLossResponse;
import dev.assize.proto.v1.LedgerServiceGrpc.LedgerServiceImplBase;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.ListSpoolsResponse;
import dev.assize.proto.v1.SpoolStanding;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.Spool;
import dev.assize.server.spool.SpoolConfig;
import dev.assize.server.spool.SpoolQueue;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class SpoolCommandTest {

    private static final String ID = "0123456789abcdef0123456789abcdef";

    @TempDir
    Path home;

    private final InstantSource clock = InstantSource.fixed(Instant.parse("2026-03-01T10:00:00Z"));
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void refusesAPlaceWithoutASpool() {
        assertThat(run(0, "show")).isEqualTo(ExitCodes.ERROR);
        assertThat(err.toString()).contains("there is no spool in");
        assertThat(run(0, "lost", ID, "--recorded-by", "service:sidecar", "--through", "7"))
                .isEqualTo(ExitCodes.USAGE);
    }

    @Test
    void showsWhatLiesOnDiskAndLeavesIt() throws IOException {
        String id = spool();
        Map<Path, byte[]> before = files();

        assertThat(run(0, "show")).isZero();
        assertThat(out.toString()).contains("acme", id, "1 to 3", "2026-03-01T10:00:00Z");
        out.getBuffer().setLength(0);
        assertThat(run(0, "show", home.resolve("spool").toString(), "--output", "json"))
                .isZero();
        assertThat(out.toString()).contains("\"waiting\" : 2", "\"forwarded\" : 1");
        Map<Path, byte[]> after = files();
        assertThat(after.keySet()).isEqualTo(before.keySet());
        before.forEach((path, bytes) -> assertThat(after.get(path)).isEqualTo(bytes));
    }

    @Test
    void saysWhatIsDamaged() throws IOException {
        spool();
        Path records = files().keySet().stream()
                .filter(path -> path.toString().endsWith(".spool"))
                .findFirst()
                .orElseThrow();
        byte[] bytes = Files.readAllBytes(records);
        bytes[90] ^= 1;
        Files.write(records, bytes);

        assertThat(run(0, "show")).isEqualTo(ExitCodes.NO);
        assertThat(out.toString()).contains("DAMAGED").contains("is damaged at byte 68");
        assertThat(Files.readAllBytes(records)).isEqualTo(bytes);
    }

    @Test
    void listsAndSettlesWhatIsMissing() throws IOException {
        List<DeclareSpoolLossRequest> declared = new ArrayList<>();
        Server server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new Ledger(declared))
                .build()
                .start();
        try {
            assertThat(run(server.getPort(), "list")).as(err::toString).isZero();
            assertThat(out.toString()).contains("service:sidecar", ID, "MISSING", "5");
            assertThat(run(
                            server.getPort(),
                            "lost",
                            ID,
                            "--recorded-by",
                            "service:sidecar",
                            "--through",
                            "7",
                            "--reason",
                            "disk broke"))
                    .isZero();
            assertThat(out.toString()).contains("LOST 3 to 7  recorded as entry 12");
            assertThat(declared).singleElement().satisfies(request -> {
                assertThat(request.getThroughNumber()).isEqualTo(7);
                assertThat(request.getReason()).isEqualTo("disk broke");
            });
        } finally {
            server.shutdownNow();
        }
    }

    /** Three records, of which one is forwarded; returns the spool's id. */
    private String spool() {
        try (Spool spool = Spool.open(SpoolConfig.defaults(home), clock)) {
            SpoolQueue queue = spool.queue(new TenantId("acme"), () -> {});
            for (String text : List.of("a", "b", "c")) {
                queue.append(text.getBytes(UTF_8), null, Digest.sha256(text.getBytes(UTF_8)))
                        .join();
            }
            queue.forwarded(1);
            return queue.id();
        }
    }

    private Map<Path, byte[]> files() throws IOException {
        Map<Path, byte[]> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(home.resolve("spool"))) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                files.put(file, Files.readAllBytes(file));
            }
        }
        return files;
    }

    private int run(int port, String... command) {
        Surroundings surroundings = new Surroundings(
                Map.of(
                        "ASSIZE_HOME",
                        home.toString(),
                        "ASSIZE_SERVER",
                        "127.0.0.1:" + port,
                        "ASSIZE_KEY",
                        "a key",
                        "ASSIZE_TENANT",
                        "acme"),
                false,
                clock);
        return CommandErrors.install(new CommandLine(new SpoolCommand(), new CommandFactory(surroundings)))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(command);
    }

    private static final class Ledger extends LedgerServiceImplBase {

        private final List<DeclareSpoolLossRequest> declared;

        Ledger(List<DeclareSpoolLossRequest> declared) {
            this.declared = declared;
        }

        @Override
        public void listSpools(ListSpoolsRequest request, StreamObserver<ListSpoolsResponse> answer) {
            answer.onNext(ListSpoolsResponse.newBuilder()
                    .addSpools(SpoolStanding.newBuilder()
                            .setRecordedBy("service:sidecar")
                            .setSpoolId(ID)
                            .setNextNumber(3)
                            .setHighestNumber(7)
                            .setMissing(5))
                    .build());
            answer.onCompleted();
        }

        @Override
        public void declareSpoolLoss(DeclareSpoolLossRequest request, StreamObserver<DeclareSpoolLossResponse> answer) {
            declared.add(request);
            answer.onNext(DeclareSpoolLossResponse.newBuilder()
                    .setFromNumber(3)
                    .setThroughNumber(7)
                    .setEntry(AppendedEntry.newBuilder().setSeq(12))
                    .build());
            answer.onCompleted();
        }
    }
}

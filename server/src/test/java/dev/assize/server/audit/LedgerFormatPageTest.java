package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.client.ledger.ChainVerifier;
import dev.assize.client.ledger.DecisionField;
import dev.assize.client.ledger.FrameField;
import dev.assize.client.ledger.FrameReader;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Holds `docs/ledger-format.md` to what the code does. */
class LedgerFormatPageTest {

    private static final Path PAGE = Path.of("..", "docs", "ledger-format.md");
    private static final Pattern ORIGIN = Pattern.compile("(?m)^origin: (\\S+)$");
    private static final Pattern GENESIS = Pattern.compile("(?m)^genesis: (\\S+)$");
    private static final Pattern FRAME = Pattern.compile("(?m)^frame:\n([0-9a-f\n]+)\nentry_hash: (\\S+)$");
    private static final Pattern FIELD =
            Pattern.compile("(?m)^\\| (\\d+) \\| `([a-z_]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]*\\|$");
    private static final Pattern COMMITMENT =
            Pattern.compile("(?m)^\\| (\\d+) \\| `([^`]+)` \\| `([0-9a-f]{64})` \\| `([0-9a-f]{64})` \\|$");
    private static final Pattern CHANGE =
            Pattern.compile("(?m)^\\| (\\d+) \\| (?:`([0-9a-f]+)`|-) \\| (?:`([0-9a-f]+)`|-) \\| [^|]+ \\|$");
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    @TempDir
    private Path directory;

    private final String page = read();
    private final String origin = first(ORIGIN);
    private final List<byte[]> frames = FRAME.matcher(page)
            .results()
            .map(match -> bytes(match.group(1).replace("\n", "")))
            .toList();
    private final List<String> hashes =
            FRAME.matcher(page).results().map(match -> match.group(2)).toList();

    @Test
    void givesFramesThatTheIndependentVerifierAccepts() {
        ChainVerifier verifier = ChainVerifier.fromTheBeginning(origin);
        assertThat(hex(verifier.lastHash())).isEqualTo(first(GENESIS));
        assertThat(frames).hasSize(3);
        for (int i = 0; i < frames.size(); i++) {
            assertThat(verifier.accept(frames.get(i), bytes(hashes.get(i)))).isEmpty();
        }
    }

    @Test
    void givesFramesThatTheServerReads() {
        AuditCodec codec = new AuditCodec();
        assertThat(frames).allSatisfy(frame -> assertThat(codec.project(frame)).containsKey("action"));
        assertThat(Envelope.of(FrameFields.read(frames.get(2))).recordedAt()).isEqualTo(NOON.plusSeconds(1));
    }

    @Test
    void givesTheFramesThatTheServerWrites() {
        AuditCodec codec = new AuditCodec();
        Recorder recorder = new Recorder(new Subject("service", "replay"), new TenantId("acme"));
        List<SequencedEntry> entries = Sequencer.sequence(
                        Sequencer.genesis(origin),
                        List.of(
                                codec.encode(shortest(), recorder),
                                codec.encode(whole(), recorder, recorder.home(), "order-7")),
                        NOON)
                .entries();
        for (int i = 0; i < entries.size(); i++) {
            assertThat(hex(entries.get(i).frame())).isEqualTo(hex(frames.get(i)));
            assertThat(entries.get(i).entryHash().toString()).isEqualTo(hashes.get(i));
            assertThat(page).contains("\n" + frames.get(i).length + " bytes, recorded");
        }
    }

    @Test
    void givesTheCommitmentsThatStandInItsFrame() throws Exception {
        List<MatchResult> rows = COMMITMENT.matcher(page).results().toList();
        assertThat(FrameReader.read(frames.get(2)).commitments()).hasSize(2).zipSatisfy(rows, (commitment, row) -> {
            assertThat(commitment.fieldNumber()).isEqualTo(Integer.parseInt(row.group(1)));
            assertThat(hex(commitment.hash())).isEqualTo(row.group(4));
            assertThat(commitment.isOf(bytes(row.group(3)), row.group(2).getBytes(StandardCharsets.UTF_8)))
                    .isTrue();
        });
    }

    @Test
    void givesFramesThatEveryReaderRefuses() throws Exception {
        List<byte[]> refused = changed("### Frames that must be refused");
        assertThat(refused).hasSizeGreaterThan(20);
        refused.add(withReason(65_242));
        boolean python = hasPython();
        for (byte[] frame : refused) {
            assertThat(serverRefuses(frame)).as(hex(frame)).isTrue();
            assertThat(clientRefuses(frame)).as(hex(frame)).isTrue();
            assertThat(python ? python(origin, List.of(frame)) : "")
                    .as(hex(frame))
                    .isEmpty();
        }
    }

    @Test
    void givesFramesAtTheEdgeThatEveryReaderAccepts() {
        List<byte[]> accepted = changed("These, in turn, are sound frames");
        assertThat(accepted).hasSizeGreaterThan(3);
        accepted.add(withReason(65_241));
        for (byte[] frame : accepted) {
            assertThat(serverRefuses(frame)).as(hex(frame)).isFalse();
            assertThat(clientRefuses(frame)).as(hex(frame)).isFalse();
        }
    }

    /** Entry 0 with the changes in the table behind those words. */
    private List<byte[]> changed(String words) {
        String from = page.substring(page.indexOf(words));
        String table = from.substring(from.indexOf("| at |"));
        return CHANGE.matcher(table.substring(0, table.indexOf("\n\n")))
                .results()
                .map(row -> {
                    int at = 2 * Integer.parseInt(row.group(1));
                    String there = row.group(2) == null ? "" : row.group(2);
                    String place = row.group(3) == null ? "" : row.group(3);
                    String whole = hex(frames.getFirst());
                    assertThat(whole.substring(at)).startsWith(there);
                    return bytes(whole.substring(0, at) + place + whole.substring(at + there.length()));
                })
                .collect(Collectors.toCollection(ArrayList::new));
    }

    private byte[] withReason(int length) {
        byte[] whole = frames.getFirst();
        return ByteBuffer.allocate(whole.length + 6 + length)
                .put(whole)
                .putShort((short) 28)
                .putInt(length)
                .put("x".repeat(length).getBytes(StandardCharsets.US_ASCII))
                .array();
    }

    private static boolean serverRefuses(byte[] frame) {
        try {
            return new AuditCodec().project(frame).isEmpty();
        } catch (MalformedFrameException e) {
            return true;
        }
    }

    private static boolean clientRefuses(byte[] frame) {
        try {
            return FrameReader.read(frame).commitments().size() > 9;
        } catch (dev.assize.client.ledger.MalformedFrameException e) {
            return true;
        }
    }

    @Test
    void namesEveryField() {
        Stream<String> frames = Arrays.stream(FrameField.values())
                .map(field -> field.number() + " " + field.name().toLowerCase(Locale.ROOT));
        Stream<String> decisions = Arrays.stream(DecisionField.values())
                .map(field -> field.number() + " " + field.name().toLowerCase(Locale.ROOT));
        assertThat(FIELD.matcher(page).results().map(row -> row.group(1) + " " + row.group(2)))
                .containsExactlyElementsOf(Stream.concat(frames, decisions).toList());
    }

    /** A third reading of the page, in another language. */
    @Test
    @Timeout(60)
    void letsAPythonProgramVerifyWhatTheServerWrites() throws Exception {
        assumeTrue(hasPython(), "python3 is not installed");
        assertThat(python(origin, frames)).isEqualTo(hashes.getLast());

        AuditEventGenerator generator = new AuditEventGenerator(new SplittableRandom(11));
        List<EntryDraft> drafts = Stream.generate(
                        () -> new AuditCodec().encode(generator.event(), generator.recorder()))
                .limit(300)
                .toList();
        List<SequencedEntry> entries =
                Sequencer.sequence(Sequencer.genesis(origin), drafts, NOON).entries();
        List<byte[]> written = entries.stream().map(SequencedEntry::frame).toList();
        assertThat(python(origin, written))
                .isEqualTo(entries.getLast().entryHash().toString());
        written.get(150)[written.get(150).length - 1] ^= 1;
        assertThat(python(origin, written)).isEmpty();
    }

    private static AuditEvent shortest() {
        return EventBuilder.event(
                        "replay.executed",
                        Subject.parse("user:alice@fund.com"),
                        new Action("replay"),
                        ResourcePath.parse("vault:company/agent:feed-monitor"))
                .build();
    }

    private static AuditEvent whole() {
        return new AuditEvent(
                "replay.executed",
                "replay",
                Subject.parse("user:bob@fund.com"),
                "operator",
                new Action("replay"),
                ResourcePath.parse("vault:company/agent:feed-monitor"),
                new Environment("production"),
                Outcome.PARTIAL,
                Instant.parse("2026-03-01T11:59:57.5Z"),
                "run-7",
                "decision-42",
                "für den Abschluss",
                true,
                "{\"frames\":3}",
                List.of("s3://in/a", "s3://in/b"),
                List.of("s3://out/c"),
                null,
                null);
    }

    private static boolean hasPython() throws InterruptedException {
        try {
            return new ProcessBuilder("python3", "--version").start().waitFor(20, TimeUnit.SECONDS);
        } catch (IOException e) {
            return false;
        }
    }

    /** What the program printed: the last hash, or nothing where it refused. */
    private String python(String origin, List<byte[]> frames) throws IOException, InterruptedException {
        Path input = directory.resolve("frames");
        Files.write(input, frames.stream().map(LedgerFormatPageTest::hex).toList());
        String script = Path.of("src", "test", "resources", "ledger", "verify_frames.py")
                .toString();
        Process process = new ProcessBuilder("python3", script, origin)
                .redirectInput(input.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return output;
    }

    private String first(Pattern pattern) {
        return pattern.matcher(page).results().findFirst().orElseThrow().group(1);
    }

    private static String read() {
        try {
            return Files.readString(PAGE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}

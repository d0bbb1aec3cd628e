package dev.assize.server.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.ChainFault;
import dev.assize.client.ledger.ChainVerifier;
import dev.assize.client.ledger.Commitment;
import dev.assize.client.ledger.Frame;
import dev.assize.client.ledger.FrameField;
import dev.assize.client.ledger.FrameReader;
import dev.assize.client.ledger.MalformedFrameException;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameBody;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plays the server's writer against the client's verifier: they share the format page and no code. */
class IndependentVerifierTest {

    private static final String ORIGIN = "assize.local/0123456789abcdef0123456789abcdef/acme";
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private final long seed = System.nanoTime();
    private final RandomGenerator random = new SplittableRandom(seed);
    private final AuditCodec codec = new AuditCodec();

    @Test
    void findsEveryFlippedByte() {
        List<byte[]> frames = frames(4);
        for (int i = 0; i < frames.size(); i++) {
            for (int at = 0; at < frames.get(i).length; at++) {
                byte[] flipped = frames.get(i).clone();
                flipped[at] ^= (byte) (1 + random.nextInt(255));
                List<byte[]> tampered = new ArrayList<>(frames);
                tampered.set(i, flipped);
                assertFaulty(tampered, frames, "byte " + at + " of frame " + i);
            }
        }
    }

    @Test
    void findsEveryDroppedSwappedRepeatedAndTruncatedFrame() {
        for (int round = 0; round < 50; round++) {
            List<byte[]> frames = frames(2 + random.nextInt(8));
            int i = random.nextInt(frames.size());
            int j = (i + 1 + random.nextInt(frames.size() - 1)) % frames.size();

            List<byte[]> dropped = new ArrayList<>(frames);
            dropped.remove(i);
            assertFaulty(dropped, frames, "dropped " + i);

            List<byte[]> swapped = new ArrayList<>(frames);
            Collections.swap(swapped, i, j);
            assertFaulty(swapped, frames, "swapped " + i + " and " + j);

            List<byte[]> repeated = new ArrayList<>(frames);
            repeated.add(i, frames.get(i));
            assertFaulty(repeated, frames, "repeated " + i);

            assertFaulty(frames.subList(0, i), frames, "cut at " + i);

            List<byte[]> torn = new ArrayList<>(frames);
            torn.set(i, Arrays.copyOf(frames.get(i), random.nextInt(frames.get(i).length)));
            assertFaulty(torn, frames, "torn " + i);
        }
    }

    @Test
    void findsInsertedAndRewrittenFrames() {
        for (int round = 0; round < 50; round++) {
            List<byte[]> frames = frames(2 + random.nextInt(8));
            List<byte[]> other = frames(frames.size());
            int i = random.nextInt(frames.size());

            List<byte[]> inserted = new ArrayList<>(frames);
            inserted.add(i, other.get(i));
            assertFaulty(inserted, frames, "inserted at " + i);

            List<byte[]> rewritten = new ArrayList<>(frames.subList(0, i));
            rewritten.addAll(other.subList(i, other.size()));
            assertFaulty(rewritten, frames, "another tail from " + i);
            assertFaulty(other, frames, "another chain");
        }
    }

    @Test
    void findsHashesThatAreNotTheFrames() {
        byte[] frame = frames(1).getFirst();
        byte[] hash = ChainVerifier.entryHash(frame);
        hash[random.nextInt(hash.length)] ^= 1;
        assertThat(ChainVerifier.fromTheBeginning(ORIGIN).accept(frame, hash))
                .hasValueSatisfying(fault -> assertThat(fault.kind()).isEqualTo(ChainFault.Kind.ENTRY_HASH));
    }

    @Test
    void findsFramesOfAnotherLedger() {
        assertThat(ChainVerifier.fromTheBeginning(ORIGIN + "2").accept(frames(1).getFirst()))
                .hasValueSatisfying(fault -> assertThat(fault.kind()).isEqualTo(ChainFault.Kind.ORIGIN));
    }

    @Test
    void findsTimesAndIncarnationsThatFallBack() {
        SequencedEntry first = sequence(Sequencer.genesis(ORIGIN), 1).getFirst();
        LedgerHead earlier = new LedgerHead(ORIGIN, 1, 1, first.entryHash(), NOON.minusSeconds(10_000));
        byte[] late = Sequencer.sequence(earlier, List.of(draft()), NOON.minusSeconds(9_000))
                .entries()
                .getFirst()
                .frame();
        assertFault(ChainFault.Kind.SEQUENCE, first.frame(), late);
        LedgerHead second =
                new LedgerHead(ORIGIN, 2, 0, Sequencer.genesis(ORIGIN).lastHash(), null);
        SequencedEntry newer = sequence(second, 1).getFirst();
        LedgerHead ended = new LedgerHead(ORIGIN, 1, 1, newer.entryHash(), newer.recordedAt());
        assertFault(
                ChainFault.Kind.ORIGIN,
                newer.frame(),
                sequence(ended, 1).getFirst().frame());
        LedgerHead zeroth =
                new LedgerHead(ORIGIN, 0, 0, Sequencer.genesis(ORIGIN).lastHash(), null);
        assertFault(ChainFault.Kind.FRAME, sequence(zeroth, 1).getFirst().frame());
    }

    @Test
    void remembersTheFirstFault() {
        List<byte[]> frames = frames(2);
        ChainVerifier verifier = ChainVerifier.fromTheBeginning(ORIGIN);
        Optional<ChainFault> fault = verifier.accept(frames.get(1));
        assertThat(fault).isPresent().isEqualTo(verifier.accept(frames.get(0)));
        assertThat(verifier.endsAt(1, ChainVerifier.entryHash(frames.get(1)))).isEqualTo(fault);
    }

    @Test
    void acceptsWhatTheServerWrites() {
        for (int round = 0; round < 100; round++) {
            List<byte[]> frames = frames(random.nextInt(20));
            assertThat(verify(frames, frames)).as("seed %d", seed).isEmpty();
        }
    }

    @Test
    void goesOnBehindAnyEntry() {
        List<byte[]> frames = frames(6);
        for (int seq = 0; seq < frames.size(); seq++) {
            ChainVerifier verifier = ChainVerifier.startingAfter(ORIGIN, seq, ChainVerifier.entryHash(frames.get(seq)));
            for (byte[] frame : frames.subList(seq + 1, frames.size())) {
                assertThat(verifier.accept(frame)).isEmpty();
            }
            assertThat(verifier.size()).isEqualTo(frames.size());
            assertThat(verifier.lastHash()).isEqualTo(ChainVerifier.entryHash(frames.getLast()));
        }
        ChainVerifier misled = ChainVerifier.startingAfter(ORIGIN, 2, new byte[32]);
        assertThat(misled.accept(frames.get(3)))
                .hasValueSatisfying(fault -> assertThat(fault.kind()).isEqualTo(ChainFault.Kind.LINK));
    }

    @Test
    void readsTheSameAsTheServer() throws MalformedFrameException {
        for (SequencedEntry entry : sequence(Sequencer.genesis(ORIGIN), 500)) {
            RecordedEvent recorded = codec.decode(entry.frame(), entry.entryHash());
            AuditEvent event = recorded.event();
            Frame frame = FrameReader.read(entry.frame());
            assertThat(frame.seq()).isEqualTo(recorded.seq());
            assertThat(frame.recordedAt()).isEqualTo(recorded.recordedAt());
            assertThat(frame.text(FrameField.RECORDED_BY))
                    .hasValue(recorded.recorder().caller().toString());
            assertThat(frame.text(FrameField.RECORDED_BY_TENANT))
                    .hasValue(recorded.recorder().home().value());
            assertThat(frame.text(FrameField.TYPE)).hasValue(event.type());
            assertThat(frame.text(FrameField.CATEGORY)).isEqualTo(Optional.ofNullable(event.category()));
            assertThat(frame.text(FrameField.ACTOR)).hasValue(event.actor().toString());
            assertThat(frame.text(FrameField.ROLE)).isEqualTo(Optional.ofNullable(event.role()));
            assertThat(frame.text(FrameField.ACTION)).hasValue(event.action().value());
            assertThat(frame.text(FrameField.RESOURCE))
                    .hasValue(event.resource().value());
            assertThat(frame.text(FrameField.ENV)).hasValue(event.env().value());
            assertThat(frame.number(FrameField.OUTCOME))
                    .hasValue(event.outcome().number());
            assertThat(frame.occurredAt()).isEqualTo(Optional.ofNullable(event.occurredAt()));
            assertThat(frame.text(FrameField.RUN_ID)).isEqualTo(Optional.ofNullable(event.runId()));
            assertThat(frame.text(FrameField.DECISION_ID)).isEqualTo(Optional.ofNullable(event.decisionId()));
            assertThat(frame.text(FrameField.REASON)).isEqualTo(Optional.ofNullable(event.reason()));
            assertThat(frame.has(FrameField.OVERRIDE)).isEqualTo(event.override());
            assertThat(frame.text(FrameField.PAYLOAD)).isEqualTo(Optional.ofNullable(event.payload()));
            assertThat(frame.texts(FrameField.READS)).isEqualTo(event.reads());
            assertThat(frame.texts(FrameField.WRITES)).isEqualTo(event.writes());
            assertThat(frame.commitments()).isEmpty();
        }
    }

    /** Both readers refuse the same mutilated frames: neither is the laxer door. */
    @Test
    void refusesWhatTheServerRefuses() {
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] frame = mutilate(frames(1).getFirst());
            boolean server = accepts(() -> codec.project(frame));
            boolean client = accepts(() -> FrameReader.read(frame));
            assertThat(client)
                    .as("seed %d, round %d: %s", seed, round, HexFormat.of().formatHex(frame))
                    .isEqualTo(server);
            refused += client ? 0 : 1;
        }
        assertThat(refused).isGreaterThan(1_000);
    }

    @Test
    void checksCommitments() throws MalformedFrameException {
        byte[] salt = new byte[32];
        Arrays.fill(salt, (byte) 'k');
        byte[] value = "reason to be erased".getBytes(StandardCharsets.UTF_8);
        byte[] committed = ByteBuffer.allocate(1 + 32 + 2 + 4 + value.length)
                .put((byte) 2)
                .put(salt)
                .putShort((short) 28)
                .putInt(value.length)
                .put(value)
                .array();
        Commitment commitment = new Commitment(28, Digest.sha256(committed).bytes());
        assertThat(commitment.isOf(salt, value)).isTrue();
        assertThat(commitment.isOf(salt, new byte[0])).isFalse();
        assertThat(commitment.isOf(new byte[32], value)).isFalse();
        assertThat(commitment.isOf(new byte[31], value)).isFalse();
        assertThat(new Commitment(26, commitment.hash()).isOf(salt, value)).isFalse();

        byte[] body = new FrameBody()
                .text(17, "user:a")
                .text(21, "read")
                .text(22, "vault")
                .text(23, "default")
                .u8(24, 1)
                .text(36, "\0\u001c" + "c".repeat(32))
                .toBytes();
        byte[] frame = Sequencer.sequence(
                        Sequencer.genesis(ORIGIN), List.of(new EntryDraft(Recorder.ASSIZE, "t", body)), NOON)
                .entries()
                .getFirst()
                .frame();
        assertThat(FrameReader.read(frame).commitments()).singleElement().satisfies(read -> {
            assertThat(read.fieldNumber()).isEqualTo(28);
            assertThat(read.hash()).asString().isEqualTo("c".repeat(32));
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 31, 33})
    void refusesStartsWithoutAHash(int length) {
        assertThatThrownBy(() -> ChainVerifier.startingAfter(ORIGIN, 0, new byte[length]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private void assertFaulty(List<byte[]> tampered, List<byte[]> original, String what) {
        assertThat(verify(tampered, original)).as("seed %d: %s", seed, what).isPresent();
    }

    private static void assertFault(ChainFault.Kind kind, byte[]... frames) {
        ChainVerifier verifier = ChainVerifier.fromTheBeginning(ORIGIN);
        Optional<ChainFault> last = Optional.empty();
        for (byte[] frame : frames) {
            assertThat(last).isEmpty();
            last = verifier.accept(frame);
        }
        assertThat(last).hasValueSatisfying(fault -> assertThat(fault.kind()).isEqualTo(kind));
    }

    /** Verifies against the receipt of the last entry, which the caller kept. */
    private static Optional<ChainFault> verify(List<byte[]> frames, List<byte[]> original) {
        ChainVerifier verifier = ChainVerifier.fromTheBeginning(ORIGIN);
        frames.forEach(verifier::accept);
        byte[] lastHash = original.isEmpty() ? verifier.lastHash() : ChainVerifier.entryHash(original.getLast());
        return verifier.endsAt(original.size() - 1L, lastHash);
    }

    private List<byte[]> frames(int count) {
        return sequence(Sequencer.genesis(ORIGIN), count).stream()
                .map(SequencedEntry::frame)
                .toList();
    }

    private List<SequencedEntry> sequence(LedgerHead head, int count) {
        List<EntryDraft> drafts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            drafts.add(draft());
        }
        return Sequencer.sequence(head, drafts, NOON).entries();
    }

    private EntryDraft draft() {
        AuditEventGenerator generator = new AuditEventGenerator(random);
        return codec.encode(generator.event(), generator.recorder());
    }

    /** Sets bytes at random, mostly where numbers and lengths are small and so often meet something. */
    private byte[] mutilate(byte[] frame) {
        byte[] mutilated = frame.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(mutilated.length);
            mutilated[at] = (byte) (random.nextBoolean() ? random.nextInt(40) : random.nextInt(256));
        }
        return mutilated;
    }

    private static boolean accepts(Reading reading) {
        try {
            reading.read();
            return true;
        } catch (MalformedFrameException | dev.assize.server.ledger.MalformedFrameException e) {
            return false;
        }
    }

    /** Reads a frame for its exceptions. */
    @FunctionalInterface
    private interface Reading {

        Object read() throws MalformedFrameException;
    }
}

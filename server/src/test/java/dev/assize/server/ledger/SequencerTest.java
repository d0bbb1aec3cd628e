package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.Sequencer.Sequenced;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SequencerTest {

    private static final String ORIGIN = "assize.local/0123456789abcdef0123456789abcdef/acme";
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00.123456789Z");
    private static final LedgerHead EMPTY = Sequencer.genesis(ORIGIN);

    /** Bytes of a frame of this origin and recorder, and of type `t`, beside its body. */
    private static final int ENVELOPE_BYTES = Frame.write(EMPTY, NOW, draft(new byte[0])).length;

    @Test
    void refusesFramesThatAU16CannotCount() {
        EntryDraft tooLong = draft(oneField(Frame.MAX_BYTES - ENVELOPE_BYTES + 1));
        assertThatThrownBy(() -> Sequencer.sequence(EMPTY, List.of(draft(new byte[0]), tooLong), NOW))
                .isInstanceOf(FrameTooLargeException.class)
                .hasMessageContaining("65536")
                .hasMessageContaining("65535");
    }

    @Test
    void acceptsTheLongestFrame() {
        EntryDraft longest = draft(oneField(Frame.MAX_BYTES - ENVELOPE_BYTES));
        SequencedEntry entry =
                Sequencer.sequence(EMPTY, List.of(longest), NOW).entries().getFirst();
        assertThat(entry.frame()).hasSize(Frame.MAX_BYTES);
        assertThat(FrameFields.read(entry.frame()).bodyNumbers()).containsExactly(16);
    }

    @Test
    void derivesTheFirstLinkFromTheOrigin() {
        assertThat(EMPTY.size()).isZero();
        assertThat(EMPTY.lastRecordedAt()).isNull();
        assertThat(EMPTY.lastHash())
                .isEqualTo(Digest.sha256(
                        "assize/v1/genesis".getBytes(StandardCharsets.UTF_8),
                        new byte[1],
                        ORIGIN.getBytes(StandardCharsets.UTF_8)))
                .isNotEqualTo(Sequencer.genesis(ORIGIN + "2").lastHash());
    }

    @Test
    void linksEachEntryToTheOneBefore() {
        Sequenced first = Sequencer.sequence(EMPTY, drafts(3), NOW);
        Sequenced second = Sequencer.sequence(first.head(), drafts(2), NOW.plusSeconds(1));
        Digest link = EMPTY.lastHash();
        long seq = 0;
        for (SequencedEntry entry : concat(first.entries(), second.entries())) {
            Envelope envelope = Envelope.of(FrameFields.read(entry.frame()));
            assertThat(envelope)
                    .isEqualTo(new Envelope(ORIGIN, 1, seq, link, entry.recordedAt(), "service:assize", "assize", "t"));
            assertThat(entry.seq()).isEqualTo(seq++);
            assertThat(entry.entryHash()).isEqualTo(Digest.sha256(new byte[] {0}, entry.frame()));
            link = entry.entryHash();
        }
        assertThat(second.head())
                .isEqualTo(new LedgerHead(
                        ORIGIN, 1, 5, link, second.entries().getLast().recordedAt()));
    }

    @Test
    void keepsTimeRisingWhenTheClockFallsBack() {
        Sequenced first = Sequencer.sequence(EMPTY, drafts(2), NOW);
        Sequenced second = Sequencer.sequence(first.head(), drafts(1), NOW.minusSeconds(3_600));
        assertThat(first.entries())
                .extracting(SequencedEntry::recordedAt)
                .containsExactly(
                        Instant.parse("2026-03-01T12:00:00.123456Z"), Instant.parse("2026-03-01T12:00:00.123457Z"));
        assertThat(second.entries().getFirst().recordedAt()).isEqualTo(Instant.parse("2026-03-01T12:00:00.123458Z"));
    }

    @Test
    void sequencesNothingToTheSameHead() {
        assertThat(Sequencer.sequence(EMPTY, List.of(), NOW)).isEqualTo(new Sequenced(List.of(), EMPTY));
    }

    private static List<SequencedEntry> concat(List<SequencedEntry> first, List<SequencedEntry> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    private static List<EntryDraft> drafts(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> draft(new FrameBody().text(16, "n" + i).toBytes()))
                .toList();
    }

    private static EntryDraft draft(byte[] body) {
        return new EntryDraft(Recorder.ASSIZE, "t", body);
    }

    private static byte[] oneField(int length) {
        return new FrameBody()
                .text(16, "x".repeat(length - Frame.FIELD_HEADER_BYTES))
                .toBytes();
    }
}

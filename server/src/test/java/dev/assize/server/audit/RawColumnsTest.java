package dev.assize.server.audit;

import static dev.assize.server.testing.EventBuilder.event;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Comparing bytes says no more than comparing the texts that they stand for. */
class RawColumnsTest {

    private static final AuditCodec CODEC = new AuditCodec();

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private static final List<byte[]> FRAMES = List.of(
            frame("payment", "operator", "run-1", "decision-1", NOON, List.of("a:1", "a:2\nb\\"), List.of("c:3")),
            frame(null, null, null, null, null, List.of(), List.of()),
            frame("Zürich", "öffentlich", "run\u0000", null, null, List.of(), List.of()));

    @Test
    void fitsOnlyWhatTheFrameMustHave() {
        int sure = 0;
        for (byte[] frame : FRAMES) {
            SortedMap<String, String> right = CODEC.project(frame);
            assertThat(raw(right)).isEqualTo(right);
            sure += fits(frame, right) ? 1 : 0;
            for (String column : names()) {
                String value = right.get(column);
                for (String other : others(column, value)) {
                    SortedMap<String, String> wrong = with(right, column, other);
                    assertThat(raw(wrong)).isEqualTo(wrong);
                    assertThat(fits(frame, wrong)).as("%s %s", column, other).isFalse();
                }
                if (value != null && !column.equals(AuditColumns.RECORDED_AT)) {
                    assertThat(fits(frame, with(right, column, null)))
                            .as(column)
                            .isFalse();
                }
            }
        }
        assertThat(sure).as("what is ASCII is recognised").isEqualTo(2);
    }

    @Test
    void bytesOfAFrameAreTheTextsThatItHas() {
        for (byte[] frame : FRAMES) {
            SortedMap<String, String> texts = CODEC.project(FrameFields.read(frame));
            RawColumns bytes = (RawColumns) CODEC.project(frame);
            assertThat(bytes).isEqualTo(texts);
            for (int place = 0; place < RawColumns.TEXTS.size(); place++) {
                ByteBuffer text = bytes.bytes(place);
                assertThat(text == null ? null : UTF_8.decode(text).toString())
                        .as(RawColumns.TEXTS.get(place))
                        .isEqualTo(texts.get(RawColumns.TEXTS.get(place)));
            }
        }
    }

    @Test
    void saysWhetherTextsCanBeStored() {
        RawColumns plain = (RawColumns) CODEC.project(FRAMES.get(1));
        int longest = plain.values().stream().mapToInt(String::length).max().orElseThrow();
        assertThat(plain.areTextsWithin(longest)).isTrue();
        assertThat(plain.areTextsWithin(longest - 1)).isFalse();
        assertThat(((RawColumns) CODEC.project(FRAMES.getLast())).areTextsWithin(2_000))
                .as("one has a zero")
                .isFalse();
    }

    private static List<String> names() {
        return Stream.concat(
                        RawColumns.TEXTS.stream(),
                        Stream.of(AuditColumns.RECORDED_AT, AuditColumns.OUTCOME, AuditColumns.OCCURRED_AT))
                .toList();
    }

    private static List<String> others(String column, @Nullable String value) {
        boolean number = List.of(AuditColumns.RECORDED_AT, AuditColumns.OUTCOME, AuditColumns.OCCURRED_AT)
                .contains(column);
        if (value == null) {
            return number ? List.of("0", "1") : List.of("", "x");
        }
        return number
                ? List.of(Long.toString(Long.parseLong(value) + 1))
                : List.of(value + "x", "", "x" + value.substring(1), value.substring(0, value.length() - 1));
    }

    private static SortedMap<String, String> with(
            SortedMap<String, String> columns, String name, @Nullable String value) {
        SortedMap<String, String> other = new TreeMap<>(columns);
        if (value == null) {
            other.remove(name);
        } else {
            other.put(name, value);
        }
        return other;
    }

    private static boolean fits(byte[] frame, SortedMap<String, String> columns) {
        FrameFields fields = FrameFields.read(frame);
        return CODEC.fits(fields, Envelope.of(fields), raw(columns));
    }

    /** As a row brings them. */
    private static RawColumns raw(SortedMap<String, String> columns) {
        ByteArrayOutputStream row = new ByteArrayOutputStream();
        int[] offsets = new int[RawColumns.TEXTS.size()];
        int[] lengths = new int[RawColumns.TEXTS.size()];
        for (int i = 0; i < offsets.length; i++) {
            String text = columns.get(RawColumns.TEXTS.get(i));
            row.write(0);
            offsets[i] = row.size();
            lengths[i] = text == null ? -1 : text.getBytes(UTF_8).length;
            row.writeBytes(text == null ? new byte[0] : text.getBytes(UTF_8));
        }
        return new RawColumns(
                row.toByteArray(),
                Long.parseLong(columns.get(AuditColumns.RECORDED_AT)),
                number(columns.get(AuditColumns.OUTCOME)),
                number(columns.get(AuditColumns.OCCURRED_AT)),
                offsets,
                lengths);
    }

    private static @Nullable Long number(@Nullable String text) {
        return text == null ? null : Long.valueOf(text);
    }

    private static byte[] frame(
            @Nullable String category,
            @Nullable String role,
            @Nullable String runId,
            @Nullable String decisionId,
            @Nullable Instant occurredAt,
            List<String> reads,
            List<String> writes) {
        AuditEvent event = event(
                        "payment.made", Subject.parse("user:alice"), new Action("pay"), ResourcePath.parse("payment:1"))
                .env(new Environment("prod"))
                .category(category)
                .role(role)
                .occurredAt(occurredAt)
                .runId(runId)
                .decisionId(decisionId)
                .reads(reads)
                .writes(writes)
                .build();
        return Sequencer.sequence(
                        Sequencer.genesis("x/acme"), List.of(CODEC.encode(event, Recorder.ASSIZE)), Instant.EPOCH)
                .entries()
                .getFirst()
                .frame();
    }
}

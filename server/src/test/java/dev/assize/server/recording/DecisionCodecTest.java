package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Reason;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DecisionCodecTest {

    private final DecisionCodec codec = new DecisionCodec();

    @Test
    void refusesWhatIsNoRecord() {
        // Without anything optional at its end, which could be torn off.
        byte[] record = codec.encode(Decisions.made("d-1", Reason.ALLOWED));
        assertThatThrownBy(() -> DecisionCodec.decode(new byte[0])).isInstanceOf(MalformedRecordException.class);
        for (int length = 1; length < record.length; length++) {
            byte[] torn = Arrays.copyOf(record, length);
            assertThatThrownBy(() -> DecisionCodec.decode(torn)).isInstanceOf(MalformedRecordException.class);
        }
        byte[] longer = Arrays.copyOf(record, record.length + 1);
        assertThatThrownBy(() -> DecisionCodec.decode(longer)).isInstanceOf(MalformedRecordException.class);
        byte[] frame = record.clone();
        frame[0] = 1;
        assertThatThrownBy(() -> DecisionCodec.decode(frame)).isInstanceOf(MalformedRecordException.class);
    }

    @Test
    void refusesADecisionThatContradictsItsReason() {
        byte[] record = codec.encode(Decisions.made("d-1", Reason.ALLOWED));
        byte[] field = HexFormat.of().parseHex("000f0000000101");
        for (int at = 0; ; at++) {
            if (Arrays.equals(record, at, at + field.length, field, 0, field.length)) {
                record[at + field.length - 1] = 2;
                break;
            }
        }
        assertThatThrownBy(() -> DecisionCodec.decode(record)).hasMessageContaining("contradict");
    }

    /** The id of a decision is the text that a test may choose. */
    @Test
    void refusesTextThatIsNotUtf8AndReadsWhatIs() {
        for (String id : List.of("d-\u00e9\u20ac\ud83d\ude00", "d-\ufffd")) {
            assertThat(DecisionCodec.decode(codec.encode(Decisions.made(id, Reason.ALLOWED)))
                            .decisionId())
                    .isEqualTo(id);
        }
        byte[] record = codec.encode(Decisions.made("dddddd", Reason.ALLOWED));
        int at = 0;
        while (!Arrays.equals(record, at, at + 6, "dddddd".getBytes(StandardCharsets.US_ASCII), 0, 6)) {
            at++;
        }
        // A byte that is none, a sequence cut short, one too long for what it says, half of a pair.
        for (String wrong : List.of("ff", "c3", "c0af", "eda080", "efbfbe80")) {
            byte[] broken = record.clone();
            byte[] bytes = HexFormat.of().parseHex(wrong);
            System.arraycopy(bytes, 0, broken, at, bytes.length);
            assertThatThrownBy(() -> DecisionCodec.decode(broken))
                    .as(wrong)
                    .isInstanceOf(MalformedRecordException.class)
                    .hasMessageContaining("is not UTF-8");
        }
    }

    @Test
    void saysWhatWasDecided() {
        SplittableRandom dice = new SplittableRandom(7);
        for (int i = 0; i < 500; i++) {
            DecisionMade made = Decisions.random(dice, "d-" + i);
            DecisionRecord read = DecisionCodec.decode(codec.encode(made));
            CheckQuery query = made.query();
            assertThat(read.decisionId()).isEqualTo(made.id());
            assertThat(read.decidedAt()).isEqualTo(made.decidedAt());
            assertThat(read.caller()).isEqualTo(made.caller().caller().toString());
            assertThat(read.callerTenant()).isEqualTo(made.caller().home().value());
            assertThat(read.subject()).isEqualTo(query.subject().toString());
            assertThat(read.subjectTenant()).isEqualTo(query.subjectTenant().value());
            assertThat(read.onBehalfOf())
                    .isEqualTo(
                            query.onBehalfOf() == null
                                    ? null
                                    : query.onBehalfOf().subject().toString());
            assertThat(read.action()).isEqualTo(query.action().value());
            assertThat(read.resource()).isEqualTo(query.resource().value());
            assertThat(read.env()).isEqualTo(query.env().value());
            assertThat(read.runId()).isEqualTo(query.runId());
            assertThat(read.activeRoles()).isEqualTo(query.activeRoles());
            assertThat(read.reason()).isEqualTo(made.answer().reason());
            assertThat(read.delegatorReason()).isEqualTo(made.answer().delegatorReason());
            assertThat(read.decidedBy()).isEqualTo(made.answer().decidedBy());
            assertThat(read.revision()).isEqualTo(made.answer().revision().value());
            assertThat(read.platformRevision())
                    .isEqualTo(made.answer().platformRevision().value());
            assertThat(read.approvalId()).isEqualTo(made.answer().approvalId());
            assertThat(read.obligations())
                    .isEqualTo(made.answer().obligations().stream()
                            .map(obligation -> obligation.id())
                            .toList());
            assertThat(read.attributesDigest().length > 0)
                    .isEqualTo(!query.subjectAttributes().isEmpty()
                            || !query.context().isEmpty());
            assertThat(read.traceContext()).isEqualTo(made.traceContext());
        }
    }

    /** Two records of one decision by two processes share neither salt nor digest, and attributes are told apart. */
    @Test
    void hidesAttributesBehindASaltedDigest() {
        CheckQuery query = Decisions.made("d", Reason.ALLOWED).query();
        byte[] salt = new byte[16];
        assertThat(AttributesDigest.of(salt, query)).isNull();
        List<Map<String, AttributeValue>> different = List.of(
                Map.of("a", new AttributeValue.Whole(1)),
                Map.of("a", new AttributeValue.Fraction(1)),
                Map.of("a", new AttributeValue.Text("1")),
                Map.of("a", new AttributeValue.Truth(true)),
                Map.of("a", new AttributeValue.Many(List.of(new AttributeValue.Whole(1)))),
                Map.of("b", new AttributeValue.Whole(1)));
        assertThat(different.stream()
                        .flatMap(map ->
                                List.of(withAttributes(query, map, Map.of()), withAttributes(query, Map.of(), map))
                                        .stream())
                        .map(asked -> HexFormat.of().formatHex(AttributesDigest.of(salt, asked))))
                .doesNotHaveDuplicates()
                .hasSize(12);
        CheckQuery asked = withAttributes(query, different.getFirst(), Map.of());
        assertThat(AttributesDigest.of(salt, asked)).isEqualTo(AttributesDigest.of(salt, asked));
        byte[] other = salt.clone();
        other[0] = 1;
        assertThat(AttributesDigest.of(other, asked)).isNotEqualTo(AttributesDigest.of(salt, asked));
        assertThat(codec.encode(Decisions.made("d", Reason.ALLOWED)))
                .isNotEqualTo(new DecisionCodec().encode(Decisions.made("d", Reason.ALLOWED)));
    }

    private static CheckQuery withAttributes(
            CheckQuery query, Map<String, AttributeValue> subject, Map<String, AttributeValue> context) {
        return new CheckQuery(
                query.subject(),
                query.resource(),
                query.action(),
                query.tenant(),
                query.env(),
                query.subjectTenant(),
                subject,
                Map.of(),
                context,
                List.of(),
                null,
                null);
    }
}

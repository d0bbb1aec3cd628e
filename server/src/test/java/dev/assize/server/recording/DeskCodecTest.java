package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.DeskDecision;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DeskCodecTest {

    /** Behind the version, the field's number and its length. */
    private static final int SALT_OFFSET = 1 + Short.BYTES + Integer.BYTES;

    private final DecisionCodec plain = new DecisionCodec();
    private final DeskCodec desk = new DeskCodec();

    @Test
    void encodesWhatACodecOfMessagesDoes() {
        SplittableRandom dice = new SplittableRandom(11);
        for (int i = 0; i < 500; i++) {
            DecisionMade made = atDesk(Decisions.random(dice, "d-é-" + i), dice.nextInt(3));
            byte[] expected = plain.encode(made);
            byte[] encoded = desk.encode(new DeskDecision(
                    made.id(),
                    made.decidedAt(),
                    made.caller(),
                    made.query().tenant(),
                    CheckBytes.of(made.query()),
                    made.answer(),
                    made.traceContext()));
            assertThat(saltless(encoded)).isEqualTo(saltless(expected));
        }
    }

    @Test
    void saltsNoTwoRecordsAlike() {
        DecisionMade made = atDesk(Decisions.random(new SplittableRandom(1), "d"), 0);
        DeskDecision decision = new DeskDecision(
                made.id(),
                made.decidedAt(),
                made.caller(),
                made.query().tenant(),
                CheckBytes.of(made.query()),
                made.answer(),
                null);
        List<DeskCodec> desks = List.of(desk, new DeskCodec());
        List<String> salts = IntStream.range(0, 1_000)
                .mapToObj(i -> desks.get(i % 2).encode(decision))
                .map(record -> HexFormat.of().formatHex(record, SALT_OFFSET, SALT_OFFSET + Salts.BYTES))
                .toList();
        assertThat(salts).doesNotHaveDuplicates().doesNotContain("0".repeat(2 * Salts.BYTES));
    }

    /** The same decision as one that is made at a desk, which asks for nothing but names of its own tenant. */
    private static DecisionMade atDesk(DecisionMade made, int caller) {
        CheckQuery query = made.query();
        Answer answer = made.answer();
        return new DecisionMade(
                made.id(),
                made.decidedAt(),
                new Recorder(new Subject("service", "caller-" + caller), Decisions.ACME),
                new CheckQuery(
                        query.subject(), query.resource(), query.action(), query.tenant(), query.env(), query.tenant()),
                new Answer(
                        answer.reason(),
                        answer.decidedBy(),
                        answer.revision(),
                        answer.platformRevision(),
                        answer.validUntil(),
                        answer.obligations()),
                made.traceContext());
    }

    private static byte[] saltless(byte[] record) {
        byte[] copy = record.clone();
        Arrays.fill(copy, SALT_OFFSET, SALT_OFFSET + Salts.BYTES, (byte) 0);
        return copy;
    }
}

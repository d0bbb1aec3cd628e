package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.model.Reason;
import dev.assize.server.recording.DecisionTerms.Kind;
import dev.assize.server.recording.DecisionTerms.Term;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is told from the records' bytes is what texts and maps of them would tell. */
class DecisionTermsTest {

    private final DecisionCodec codec = new DecisionCodec();

    @Test
    void findsByWhatTextsWouldFindBy() {
        SplittableRandom dice = new SplittableRandom(17);
        for (int size : new int[] {1, 2, 31, 32, 33, 100, 700, DecisionPack.MAX_DECISIONS}) {
            List<byte[]> records = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                // Some pages are of more than a second, and then no id is left out.
                records.add(record(dice, size > 100 ? dice.nextInt(900) : 0));
            }
            Map<Term, Positions> expected = plain(records);
            assertThat(DecisionTerms.of(records)).isEqualTo(expected);
            Map<Term, Positions> written = new HashMap<>();
            DecisionTerms.found(records)
                    .forEach(found -> assertThat(written.put(
                                    new Term(
                                            found.kind(),
                                            StandardCharsets.UTF_8
                                                    .decode(found.value())
                                                    .toString()),
                                    found.positions()))
                            .isNull());
            assertThat(written).isEqualTo(expected);
        }
    }

    private byte[] record(SplittableRandom dice, int laterMillis) {
        DecisionMade made = Decisions.random(dice, "d");
        Instant decidedAt = made.decidedAt().plusMillis(laterMillis);
        return codec.encode(new DecisionMade(
                id(dice, decidedAt.toEpochMilli()),
                decidedAt,
                made.caller(),
                made.query(),
                made.answer(),
                made.traceContext()));
    }

    /** Some tell the time, some another one, and some nothing. */
    private static String id(SplittableRandom dice, long millis) {
        String digits = HexFormat.of().toHexDigits(dice.nextLong());
        return switch (dice.nextInt(6)) {
            case 0 -> "ü-" + digits;
            case 1 -> HexFormat.of().toHexDigits(millis + 101 + dice.nextInt(9), 12) + digits;
            case 2 -> HexFormat.of().toHexDigits(millis - dice.nextInt(100), 12);
            case 3 -> HexFormat.of().toHexDigits(millis, 12).toUpperCase(Locale.ROOT) + "é";
            default -> HexFormat.of().toHexDigits(millis, 12) + digits;
        };
    }

    private static Map<Term, Positions> plain(List<byte[]> records) {
        Map<Term, Positions> terms = new HashMap<>();
        for (int from = 0; from < records.size(); from += DecisionPage.DECISIONS) {
            int to = Math.min(records.size(), from + DecisionPage.DECISIONS);
            LongSummaryStatistics times = records.subList(from, to).stream()
                    .mapToLong(record -> RecordFields.read(record).requiredI64(RecordField.DECIDED_AT))
                    .summaryStatistics();
            boolean isBrief = times.getMax() - IdTime.PAGE_MICROS <= times.getMin();
            for (int i = from; i < to; i++) {
                add(terms, i, RecordFields.read(records.get(i)), isBrief);
            }
        }
        return terms;
    }

    private static void add(Map<Term, Positions> terms, int position, RecordFields record, boolean isOfBriefPage) {
        String id = record.requiredText(RecordField.DECISION_ID);
        if (!isOfBriefPage || !isTold(id, record.requiredI64(RecordField.DECIDED_AT))) {
            add(terms, position, Kind.ID, id);
        }
        add(terms, position, Kind.SUBJECT, record.requiredText(RecordField.SUBJECT));
        add(terms, position, Kind.ACTION, record.requiredText(RecordField.ACTION));
        add(terms, position, Kind.ENV, record.requiredText(RecordField.ENV));
        String resource = record.requiredText(RecordField.RESOURCE);
        for (int end = resource.indexOf('/'); end >= 0; end = resource.indexOf('/', end + 1)) {
            add(terms, position, Kind.RESOURCE, resource.substring(0, end));
        }
        add(terms, position, Kind.RESOURCE, resource);
        String reason = record.requiredText(RecordField.REASON);
        boolean allows = reason.equals(Reason.ALLOWED.name());
        add(terms, position, Kind.OUTCOME, allows ? DecisionTerms.ALLOW : DecisionTerms.DENY);
        if (!allows) {
            add(terms, position, Kind.REASON, reason);
        }
    }

    private static void add(Map<Term, Positions> terms, int position, Kind kind, String value) {
        terms.computeIfAbsent(new Term(kind, value), _ -> new Positions()).add(position);
    }

    private static boolean isTold(String id, long decidedAtMicros) {
        OptionalLong told = IdTime.micros(id);
        return told.isPresent() && Math.abs(decidedAtMicros - told.getAsLong()) <= IdTime.SLACK_MICROS;
    }
}

package dev.assize.server.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.model.Reason;
import dev.assize.server.recording.DecisionTerms.Kind;
import dev.assize.server.recording.DecisionTerms.Term;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
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
            Map<Term, BitSet> expected = plain(records);
            Map<Term, BitSet> written = new HashMap<>();
            DecisionTerms.found(records)
                    .forEach(found -> assertThat(
                                    written.put(found.term(), found.positions().toSet()))
                            .isNull());
            assertThat(written).isEqualTo(expected);
            isFoundInBuckets(expected, TermBucket.of(records));
        }
    }

    /** Each in one of its two buckets, and nothing else in any. */
    private static void isFoundInBuckets(Map<Term, BitSet> terms, List<TermBucket> buckets) {
        assertThat(buckets).extracting(TermBucket::number).isSorted().doesNotHaveDuplicates();
        assertThat(buckets).allMatch(bucket -> bucket.number() < 64 == terms.size() > 256);
        terms.forEach((term, positions) -> {
            TermHash hash = TermHash.of(term);
            assertThat(buckets.stream()
                            .filter(bucket -> hash.buckets().contains(bucket.number()))
                            .map(bucket -> hash.positions(bucket.terms())))
                    .containsExactly(positions);
        });
        assertThat(buckets.stream().mapToInt(bucket -> bucket.terms().length).sum())
                .isEqualTo(terms.values().stream()
                        .mapToInt(positions -> 6 + 2 * positions.cardinality())
                        .sum());
    }

    /** The hash is of {@code printf '\002user:ann' | sha256sum}; what is written once is looked for by it ever after. */
    @Test
    void aBucketStaysWhatItIs() {
        TermHash hash = TermHash.of(new Term(Kind.SUBJECT, "user:ann"));
        assertThat(HexFormat.of().formatHex(hash.bytes())).isEqualTo("476d24fd");
        assertThat(hash.buckets()).containsExactly(17, 18349);
        assertThat(hash.positions(
                        HexFormat.of().parseHex("00000001" + "0001" + "0009" + "476d24fd" + "0002" + "00030105")))
                .isEqualTo(BitSet.valueOf(new long[] {1L << 3, 0, 0, 0, 1L << 5}));
    }

    /** Whatever somebody made of a bucket. */
    @Test
    void whatIsNoBucketIsReadAsFarAsItGoes() {
        TermHash hash = TermHash.of(new Term(Kind.SUBJECT, "user:ann"));
        for (String terms : List.of("", "476d24fd", "476d24fd00", "476d24fd0000", "476d24fd000100", "00000000ffff")) {
            assertThat(hash.positions(HexFormat.of().parseHex(terms)).cardinality())
                    .isZero();
        }
        assertThat(hash.positions(HexFormat.of().parseHex("476d24fdffff000200")).cardinality())
                .isEqualTo(1);
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

    private static Map<Term, BitSet> plain(List<byte[]> records) {
        Map<Term, BitSet> terms = new HashMap<>();
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

    private static void add(Map<Term, BitSet> terms, int position, RecordFields record, boolean isOfBriefPage) {
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

    private static void add(Map<Term, BitSet> terms, int position, Kind kind, String value) {
        terms.computeIfAbsent(new Term(kind, value), _ -> new BitSet()).set(position);
    }

    private static boolean isTold(String id, long decidedAtMicros) {
        OptionalLong told = IdTime.micros(id);
        return told.isPresent() && Math.abs(decidedAtMicros - told.getAsLong()) <= IdTime.SLACK_MICROS;
    }
}

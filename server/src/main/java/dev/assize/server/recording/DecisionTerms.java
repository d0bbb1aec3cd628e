package dev.assize.server.recording;

import dev.assize.server.model.Reason;
import java.util.HashMap;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Map;

/**
 * What the decisions of a pack are found by: for each value that one of them has, which of them have it. Of a resource, also
 * what it lies under, so that a whole subtree is found by one value.
 */
public final class DecisionTerms {

    /** What an allow has as its outcome. */
    public static final String ALLOW = "ALLOW";

    /** What a deny has. */
    public static final String DENY = "DENY";

    /** What a value is of. Its number is final. */
    public enum Kind {
        ID(1),
        SUBJECT(2),
        ACTION(3),
        RESOURCE(4),
        ENV(5),
        OUTCOME(6),
        REASON(7);

        private final short number;

        Kind(int number) {
            this.number = (short) number;
        }

        /** As stores have it. */
        public short number() {
            return number;
        }
    }

    /** A value of a kind. */
    public record Term(Kind kind, String value) {}

    private final Map<Term, Positions> positions = new HashMap<>();

    private DecisionTerms() {}

    /**
     * The terms of records, each with the positions of those that have it. An id that tells when its decision was made is
     * none: its page is found by that.
     *
     * @throws MalformedRecordException where one is none
     */
    public static Map<Term, Positions> of(List<byte[]> records) {
        DecisionTerms terms = new DecisionTerms();
        for (int from = 0; from < records.size(); from += DecisionPage.DECISIONS) {
            int to = Math.min(records.size(), from + DecisionPage.DECISIONS);
            terms.add(
                    from,
                    records.subList(from, to).stream().map(RecordFields::read).toList());
        }
        return terms.positions;
    }

    private void add(int firstPosition, List<RecordFields> page) {
        LongSummaryStatistics times = page.stream()
                .mapToLong(record -> record.requiredI64(RecordField.DECIDED_AT))
                .summaryStatistics();
        boolean isBrief = times.getMax() - IdTime.PAGE_MICROS <= times.getMin();
        for (int i = 0; i < page.size(); i++) {
            add(firstPosition + i, page.get(i), isBrief);
        }
    }

    private void add(int position, RecordFields record, boolean isOfBriefPage) {
        String id = record.requiredText(RecordField.DECISION_ID);
        if (!isOfBriefPage || !IdTime.isTold(id, record.requiredI64(RecordField.DECIDED_AT))) {
            add(position, Kind.ID, id);
        }
        add(position, Kind.SUBJECT, record.requiredText(RecordField.SUBJECT));
        add(position, Kind.ACTION, record.requiredText(RecordField.ACTION));
        add(position, Kind.ENV, record.requiredText(RecordField.ENV));
        String resource = record.requiredText(RecordField.RESOURCE);
        for (int end = resource.indexOf('/'); end >= 0; end = resource.indexOf('/', end + 1)) {
            add(position, Kind.RESOURCE, resource.substring(0, end));
        }
        add(position, Kind.RESOURCE, resource);
        String reason = record.requiredText(RecordField.REASON);
        boolean allows = reason.equals(Reason.ALLOWED.name());
        add(position, Kind.OUTCOME, allows ? ALLOW : DENY);
        if (!allows) {
            add(position, Kind.REASON, reason);
        }
    }

    private void add(int position, Kind kind, String value) {
        positions.computeIfAbsent(new Term(kind, value), _ -> new Positions()).add(position);
    }
}

package dev.assize.server.recording;

import dev.assize.server.decision.evaluate.NameBytes;
import dev.assize.server.model.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the decisions of a pack are found by: for each value that one of them has, which of them have it. Of a resource, also
 * what it lies under, so that a whole subtree is found by one value.
 *
 * <p>Values are the bytes that stand in the records, found again by a hash table with open addressing, at most half full:
 * of the thousands that a pack has a text would be made of each otherwise, to be made bytes again by whoever stores it.
 */
public final class DecisionTerms {

    /** What an allow has as its outcome. */
    public static final String ALLOW = "ALLOW";

    /** What a deny has. */
    public static final String DENY = "DENY";

    private static final byte[] ALLOW_BYTES = utf8(ALLOW);
    private static final byte[] DENY_BYTES = utf8(DENY);
    private static final byte[] ALLOWED_BYTES = utf8(Reason.ALLOWED.name());

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

        /** A part of what is hashed. */
        short number() {
            return number;
        }
    }

    /** A value of a kind. */
    public record Term(Kind kind, String value) {}

    /** A value of a kind, among other bytes, with the positions of those that have it; ordered by kind and value. */
    static final class Found implements Comparable<Found> {

        private final Kind kind;
        private final byte[] bytes;
        private final int offset;
        private final int length;
        private final int hash;
        private final Positions positions = new Positions();

        private Found(Kind kind, byte[] bytes, int offset, int length, int hash) {
            this.kind = kind;
            this.bytes = bytes;
            this.offset = offset;
            this.length = length;
            this.hash = hash;
        }

        Kind kind() {
            return kind;
        }

        /** The value in UTF-8. */
        ByteBuffer value() {
            return ByteBuffer.wrap(bytes, offset, length);
        }

        Positions positions() {
            return positions;
        }

        Term term() {
            return new Term(kind, new String(bytes, offset, length, StandardCharsets.UTF_8));
        }

        @Override
        public int compareTo(Found other) {
            int byKind = Short.compare(kind.number, other.kind.number);
            return byKind != 0
                    ? byKind
                    : Arrays.compareUnsigned(
                            bytes, offset, offset + length, other.bytes, other.offset, other.offset + other.length);
        }

        private boolean is(Kind other, byte[] others, int start, int size, int otherHash) {
            return hash == otherHash
                    && kind == other
                    && length == size
                    && NameBytes.isSame(bytes, offset, others, start, size);
        }
    }

    private final List<byte[]> records;
    private final RecordFields fields = new RecordFields();
    private final List<Found> found = new ArrayList<>();

    /** Places in what was found, from 1; 0 for none. */
    private int[] slots = new int[256];

    private DecisionTerms(List<byte[]> records) {
        this.records = records;
    }

    /**
     * The terms of records, in the order in which they were met, each with the positions of those that have it. An id that tells
     * when its decision was made is none: its page is found by that.
     *
     * @throws MalformedRecordException where one is none
     */
    static List<Found> found(List<byte[]> records) {
        DecisionTerms terms = new DecisionTerms(records);
        for (int from = 0; from < records.size(); from += DecisionPage.DECISIONS) {
            terms.addPage(from, Math.min(records.size(), from + DecisionPage.DECISIONS));
        }
        return terms.found;
    }

    private void addPage(int from, int to) {
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (int i = from; i < to; i++) {
            long at = RecordFields.decidedAt(records.get(i));
            first = Math.min(first, at);
            last = Math.max(last, at);
        }
        boolean isBrief = last - IdTime.PAGE_MICROS <= first;
        for (int i = from; i < to; i++) {
            add(i, records.get(i), isBrief);
        }
    }

    private void add(int position, byte[] record, boolean isOfBriefPage) {
        fields.over(record);
        if (!isOfBriefPage || !isIdOfItsTime(record)) {
            add(position, Kind.ID, record, RecordField.DECISION_ID);
        }
        add(position, Kind.SUBJECT, record, RecordField.SUBJECT);
        add(position, Kind.ACTION, record, RecordField.ACTION);
        add(position, Kind.ENV, record, RecordField.ENV);
        addResource(position, record);
        if (isAllowed(record)) {
            add(position, Kind.OUTCOME, ALLOW_BYTES, 0, ALLOW_BYTES.length);
        } else {
            add(position, Kind.OUTCOME, DENY_BYTES, 0, DENY_BYTES.length);
            add(position, Kind.REASON, record, RecordField.REASON);
        }
    }

    private boolean isIdOfItsTime(byte[] record) {
        int offset = fields.required(RecordField.DECISION_ID);
        return IdTime.isTold(
                record, offset, fields.length(RecordField.DECISION_ID), fields.requiredI64(RecordField.DECIDED_AT));
    }

    private void addResource(int position, byte[] record) {
        int start = fields.required(RecordField.RESOURCE);
        int end = start + fields.length(RecordField.RESOURCE);
        for (int i = start; i < end; i++) {
            if (record[i] == '/') {
                add(position, Kind.RESOURCE, record, start, i - start);
            }
        }
        add(position, Kind.RESOURCE, record, start, end - start);
    }

    private boolean isAllowed(byte[] record) {
        int offset = fields.required(RecordField.REASON);
        int end = offset + fields.length(RecordField.REASON);
        return Arrays.equals(record, offset, end, ALLOWED_BYTES, 0, ALLOWED_BYTES.length);
    }

    private void add(int position, Kind kind, byte[] record, int field) {
        add(position, kind, record, fields.required(field), fields.length(field));
    }

    private void add(int position, Kind kind, byte[] bytes, int offset, int length) {
        int hash = NameBytes.hash(bytes, offset, length) + kind.number;
        int slot = hash & slots.length - 1;
        while (slots[slot] != 0) {
            Found met = found.get(slots[slot] - 1);
            if (met.is(kind, bytes, offset, length, hash)) {
                met.positions.add(position);
                return;
            }
            slot = slot + 1 & slots.length - 1;
        }
        Found met = new Found(kind, bytes, offset, length, hash);
        met.positions.add(position);
        found.add(met);
        slots[slot] = found.size();
        if (2 * found.size() > slots.length) {
            enlarge();
        }
    }

    private void enlarge() {
        slots = new int[2 * slots.length];
        for (int i = 0; i < found.size(); i++) {
            int slot = found.get(i).hash & slots.length - 1;
            while (slots[slot] != 0) {
                slot = slot + 1 & slots.length - 1;
            }
            slots[slot] = i + 1;
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

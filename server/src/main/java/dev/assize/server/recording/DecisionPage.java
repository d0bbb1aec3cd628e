package dev.assize.server.recording;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A part of a pack, as stores keep it: small enough that one decision is read without its whole pack, and large enough that
 * a decision costs a small part of a row.
 *
 * @param firstPosition of its first record
 * @param bytes the records, each behind its length in two bytes
 * @param firstAt when the earliest of its decisions was made, in microseconds since 1970
 * @param lastAt when the latest was
 */
public record DecisionPage(int firstPosition, byte[] bytes, long firstAt, long lastAt) {

    /** Of a page that another one follows. */
    public static final int DECISIONS = 32;

    /**
     * A pack's pages.
     *
     * @throws MalformedRecordException where a record is none
     */
    public static List<DecisionPage> of(List<byte[]> records) {
        List<DecisionPage> pages = new ArrayList<>();
        for (int from = 0; from < records.size(); from += DECISIONS) {
            pages.add(page(from, records.subList(from, Math.min(records.size(), from + DECISIONS))));
        }
        return pages;
    }

    private static DecisionPage page(int firstPosition, List<byte[]> records) {
        int size =
                records.stream().mapToInt(record -> Short.BYTES + record.length).sum();
        ByteBuffer bytes = ByteBuffer.allocate(size);
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (byte[] record : records) {
            bytes.putShort((short) record.length).put(record);
            long at = RecordFields.decidedAt(record);
            first = Math.min(first, at);
            last = Math.max(last, at);
        }
        return new DecisionPage(firstPosition, bytes.array(), first, last);
    }

    /** Its records; of a page that was altered those that can still be told from each other. */
    public List<byte[]> records() {
        List<byte[]> records = new ArrayList<>(DECISIONS);
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        while (rest.remaining() >= Short.BYTES) {
            byte[] record = new byte[Math.min(Short.toUnsignedInt(rest.getShort()), rest.remaining())];
            rest.get(record);
            records.add(record);
        }
        return records;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DecisionPage that
                && firstPosition == that.firstPosition
                && firstAt == that.firstAt
                && lastAt == that.lastAt
                && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }
}

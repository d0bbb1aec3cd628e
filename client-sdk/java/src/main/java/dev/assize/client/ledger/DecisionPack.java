package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an entry says of the decisions that were recorded with it.
 *
 * @param seq of the entry
 * @param count how many there are
 * @param root of the Merkle tree over their records (RFC 6962)
 * @param firstMicros when the earliest of them was made, in microseconds since 1970
 * @param lastMicros the latest
 */
record DecisionPack(long seq, int count, byte[] root, long firstMicros, long lastMicros) {

    static final String ENTRY_TYPE = "assize.decisions.recorded";
    static final int MAX_DECISIONS = 1_024;

    private static final byte[] LEAF = {0};
    private static final Pattern PAYLOAD = Pattern.compile(
            "\\{\"decisions\":([1-9][0-9]{0,3}),\"root\":\"([0-9a-f]{64})\",\"first\":(0|-?[1-9][0-9]{0,18}),"
                    + "\"last\":(0|-?[1-9][0-9]{0,18})}");

    /** The file of a bundle in which its records stand. */
    static String fileName(long seq) {
        return "decisions/" + LogArchive.place(seq);
    }

    /** The records as that file has them: each behind its u16 length. */
    static byte[] file(List<byte[]> records) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        for (byte[] record : records) {
            file.write(record.length >>> Byte.SIZE);
            file.write(record.length);
            file.writeBytes(record);
        }
        return file.toByteArray();
    }

    /** Requires a file to hold its records. */
    void requireFile(byte[] file) throws NotProvenException {
        List<byte[]> records = new ArrayList<>();
        ByteBuffer rest = ByteBuffer.wrap(file);
        while (rest.hasRemaining()) {
            int length = rest.remaining() < Short.BYTES ? Integer.MAX_VALUE : Short.toUnsignedInt(rest.getShort());
            require(seq, length <= rest.remaining(), "the decisions of entry " + seq + " are torn");
            byte[] record = new byte[length];
            rest.get(record);
            records.add(record);
        }
        requireRecords(records);
    }

    /** What the entry says; empty where it is not of that type. */
    static Optional<DecisionPack> of(Frame frame) throws NotProvenException {
        if (!frame.text(FrameField.TYPE).orElse("").equals(ENTRY_TYPE)) {
            return Optional.empty();
        }
        Matcher matcher = PAYLOAD.matcher(frame.text(FrameField.PAYLOAD).orElse(""));
        require(frame.seq(), matcher.matches(), "entry " + frame.seq() + " does not say which decisions it is about");
        int count = Integer.parseInt(matcher.group(1));
        require(frame.seq(), count <= MAX_DECISIONS, "entry " + frame.seq() + " is about too many decisions");
        return Optional.of(new DecisionPack(
                frame.seq(),
                count,
                HexFormat.of().parseHex(matcher.group(2)),
                micros(frame.seq(), matcher.group(3)),
                micros(frame.seq(), matcher.group(4))));
    }

    private static long micros(long seq, String digits) throws NotProvenException {
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            throw new NotProvenException(seq, "`" + digits + "` is no time");
        }
    }

    /** Requires these to be its records, all of them and in their order. */
    void requireRecords(List<byte[]> records) throws NotProvenException {
        require(
                seq,
                records.size() == count,
                "entry " + seq + " vouches for " + count + " decisions, and here are " + records.size());
        List<byte[]> hashes = new ArrayList<>();
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (byte[] record : records) {
            long at = read(record).number(DecisionField.DECIDED_AT).orElseThrow();
            first = Math.min(first, at);
            last = Math.max(last, at);
            hashes.add(leaf(record));
        }
        require(
                seq,
                first == firstMicros && last == lastMicros && MessageDigest.isEqual(rootOf(hashes), root),
                "entry " + seq + " vouches for other decisions than these");
    }

    /** Requires a record to be among them, at that position. */
    DecisionRecord requireRecord(byte[] record, int position, List<byte[]> path) throws NotProvenException {
        DecisionRecord read = read(record);
        long at = read.number(DecisionField.DECIDED_AT).orElseThrow();
        require(
                seq,
                at >= firstMicros && at <= lastMicros,
                "the decision was made at another time than entry " + seq + " says");
        MerkleProof.requireInclusion(leaf(record), position, count, root, path);
        return read;
    }

    private DecisionRecord read(byte[] record) throws NotProvenException {
        try {
            return DecisionRecord.read(record);
        } catch (NotProvenException unreadable) {
            throw new NotProvenException(
                    seq, "a decision of entry " + seq + " cannot be read: " + unreadable.getMessage());
        }
    }

    private static byte[] leaf(byte[] record) {
        return Sha256.of(LEAF, record);
    }

    private static byte[] rootOf(List<byte[]> hashes) {
        if (hashes.size() == 1) {
            return hashes.getFirst();
        }
        int left = Integer.highestOneBit(hashes.size() - 1);
        return MerkleProof.node(rootOf(hashes.subList(0, left)), rootOf(hashes.subList(left, hashes.size())));
    }
}

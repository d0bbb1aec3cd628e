package dev.assize.server.recording;

import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Decisions that go on record together: the root of the Merkle tree over them stands in one entry of the ledger, so that
 * each can be proven without showing the others.
 */
public final class DecisionPack {

    /** The type of the entry. */
    public static final String ENTRY_TYPE = "assize.decisions.recorded";

    /** Decisions of a pack at most: a whole batch of checks, and a path of ten hashes. */
    public static final int MAX_DECISIONS = 1_024;

    private static final Pattern PAYLOAD =
            Pattern.compile("\\{\"decisions\":([1-9][0-9]{0,3}),\"root\":\"([0-9a-f]{64})\","
                    + "\"first\":(-?[0-9]{1,18}),\"last\":(-?[0-9]{1,18})}");

    private final List<byte[]> records;
    private final List<byte[]> leaves;

    /** A pack of records, in their order. */
    public DecisionPack(List<byte[]> records) {
        if (records.isEmpty() || records.size() > MAX_DECISIONS) {
            throw new IllegalArgumentException(records.size() + " decisions in a pack");
        }
        TreeHash hash = new TreeHash();
        this.records = List.copyOf(records);
        this.leaves = records.stream().map(hash::leaf).toList();
    }

    public List<byte[]> records() {
        return records;
    }

    /** The hash over all. */
    public Digest root() {
        return Digest.of(hash(new TreeHash(), 0, leaves.size()));
    }

    /** The hashes that lead from a record to the root (RFC 6962, 2.1.1), from the record's sibling on. */
    public List<byte[]> path(int position) {
        List<byte[]> path = new ArrayList<>();
        addPath(new TreeHash(), position, 0, leaves.size(), path);
        return path;
    }

    private void addPath(TreeHash tree, int position, int from, int to, List<byte[]> path) {
        if (to - from == 1) {
            return;
        }
        int middle = from + Integer.highestOneBit(to - from - 1);
        if (position < middle) {
            addPath(tree, position, from, middle, path);
            path.add(hash(tree, middle, to));
        } else {
            addPath(tree, position, middle, to, path);
            path.add(hash(tree, from, middle));
        }
    }

    private byte[] hash(TreeHash tree, int from, int to) {
        if (to - from == 1) {
            return leaves.get(from);
        }
        int middle = from + Integer.highestOneBit(to - from - 1);
        byte[] left = hash(tree, from, middle);
        return tree.node(left, hash(tree, middle, to));
    }

    /** What the entry says of it, in the one way in which it is written. */
    String payload() {
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (byte[] record : records) {
            long at = RecordFields.decidedAt(record);
            first = Math.min(first, at);
            last = Math.max(last, at);
        }
        return "{\"decisions\":" + records.size() + ",\"root\":\"" + root() + "\",\"first\":" + first + ",\"last\":"
                + last + "}";
    }

    /**
     * How many decisions an entry vouches for.
     *
     * @throws MalformedRecordException where the payload is not that of a pack
     */
    static int count(String payload) {
        Matcher matcher = PAYLOAD.matcher(payload);
        int count = matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
        if (count == 0 || count > MAX_DECISIONS) {
            throw new MalformedRecordException("its payload is not that of decisions on record");
        }
        return count;
    }
}

package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Holds the values beside a ledger's entries to what the entries committed to. A value that is gone must have been
 * erased, as a later entry says; and one that was erased must be gone. Not for two threads.
 */
final class KeptValues {

    /** The first entry that is held to anything. */
    private final long from;

    /** Fields whose values are gone, by position, until an entry says that they were erased. */
    private final SortedMap<Long, Set<Integer>> missing = new TreeMap<>();

    /** Fields whose values are gone, as entries say. */
    private final Map<Long, Set<Integer>> erased = new HashMap<>();

    KeptValues(long from) {
        this.from = from;
    }

    /** Takes the next entry, with the values beside it. */
    void accept(Frame frame, List<KeptValue> beside) throws NotProvenException {
        Map<Integer, Commitment> unopened = frame.commitments().stream()
                .collect(Collectors.toMap(Commitment::fieldNumber, it -> it, (a, b) -> a, TreeMap::new));
        for (KeptValue value : beside) {
            Commitment commitment = unopened.remove(value.field());
            require(
                    frame.seq(),
                    commitment != null && commitment.isOf(value.salt(), value.value()),
                    "entry " + frame.seq() + " did not commit to the value of field " + value.field() + " beside it");
            requireForm(value);
        }
        if (!unopened.isEmpty()) {
            missing.put(frame.seq(), new TreeSet<>(unopened.keySet()));
        }
        ErasureNotice notice = ErasureNotice.of(frame).orElse(null);
        if (notice != null && notice.of() >= from) {
            excuse(notice);
        }
    }

    private static void requireForm(KeptValue value) throws NotProvenException {
        try {
            FrameReader.requireForm(FrameField.ofNumber(value.field()).orElseThrow(), value.value());
        } catch (MalformedFrameException e) {
            throw new NotProvenException(
                    value.seq(), "a value beside entry " + value.seq() + " cannot be read: " + e.getMessage());
        }
    }

    private void excuse(ErasureNotice notice) throws NotProvenException {
        Set<Integer> gone = missing.getOrDefault(notice.of(), new TreeSet<>());
        Set<Integer> before = erased.getOrDefault(notice.of(), new HashSet<>());
        for (FrameField field : notice.fields()) {
            require(
                    notice.of(),
                    gone.remove(field.number()) || before.contains(field.number()),
                    "entry " + notice.seq() + " says that field " + field.number() + " of entry " + notice.of()
                            + " was erased, and it is not gone");
            before.add(field.number());
        }
        erased.put(notice.of(), before);
        if (gone.isEmpty()) {
            missing.remove(notice.of());
        }
    }

    /** Ends the ledger: whatever is still missing was not erased. */
    void end() throws NotProvenException {
        var first = missing.firstEntry();
        if (first != null) {
            throw new NotProvenException(
                    first.getKey(),
                    "entry " + first.getKey() + " has lost the value of field "
                            + first.getValue().iterator().next() + ", and no entry says that it was erased");
        }
    }

    /** Entries of which values are gone, as others say. */
    long redacted() {
        return erased.size();
    }

    /** Entries of which values are gone, and none has said so yet. */
    long missing() {
        return missing.size();
    }
}

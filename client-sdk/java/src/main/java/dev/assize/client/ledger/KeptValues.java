package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Holds the values beside a ledger's entries to what the entries committed to. A value that is gone must have been
 * erased, as a later entry says. Not for two threads.
 */
final class KeptValues {

    private static final String ERASED = "assize.ledger.erased";
    private static final Pattern NOTICE =
            Pattern.compile("\\{\"seq\":(0|[1-9][0-9]{0,17}),\"fields\":\\[(\"[a-z_]+\"(?:,\"[a-z_]+\"){0,9})]}");

    /** Fields whose values are gone, by position, until an entry says that they were erased. */
    private final SortedMap<Long, Set<Integer>> missing = new TreeMap<>();

    private final Set<Long> redacted = new HashSet<>();

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
        }
        if (!unopened.isEmpty()) {
            missing.put(frame.seq(), new TreeSet<>(unopened.keySet()));
        }
        if (frame.text(FrameField.TYPE).orElse("").equals(ERASED)) {
            excuse(frame.text(FrameField.PAYLOAD).orElse(""));
        }
    }

    private void excuse(String notice) {
        Matcher matcher = NOTICE.matcher(notice);
        if (!matcher.matches()) {
            return;
        }
        long seq = Long.parseLong(matcher.group(1));
        Set<Integer> fields = missing.get(seq);
        if (fields == null) {
            return;
        }
        for (String name : matcher.group(2).replace("\"", "").split(",", -1)) {
            FrameField.ofName(name).ifPresent(field -> {
                if (fields.remove(field.number())) {
                    redacted.add(seq);
                }
            });
        }
        if (fields.isEmpty()) {
            missing.remove(seq);
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
        return redacted.size();
    }

    /** Entries of which values are gone, and none has said so yet. */
    long missing() {
        return missing.size();
    }
}

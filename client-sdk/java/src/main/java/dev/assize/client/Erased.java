package dev.assize.client;

import java.util.List;

/**
 * What was erased of an entry.
 *
 * @param fields empty where all of it had been erased before
 * @param recordedSeq the entry that records it
 */
public record Erased(long seq, List<String> fields, long recordedSeq) {

    public Erased {
        fields = List.copyOf(fields);
    }
}

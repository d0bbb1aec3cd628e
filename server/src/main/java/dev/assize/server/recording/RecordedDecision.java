package dev.assize.server.recording;

/**
 * A decision on record, with its place.
 *
 * @param seq of the entry that vouches for it
 * @param position among the decisions recorded with it, from 0
 * @param bytes of the record, from which the rest is read
 */
public record RecordedDecision(long seq, int position, byte[] bytes, DecisionRecord content) {

    /** What stands there. */
    public static RecordedDecision of(long seq, int position, byte[] bytes) {
        return new RecordedDecision(seq, position, bytes, DecisionCodec.decode(bytes));
    }
}

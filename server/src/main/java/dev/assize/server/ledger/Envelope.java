package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.time.Instant;

/**
 * What the ledger itself says in a frame: the place of the entry, and who had it recorded. Names are as they stand
 * in the frame, believed to be well-formed by nobody.
 *
 * @param recordedBy the caller, `type:id`
 * @param recordedByTenant the caller's home
 * @param type of the entry
 */
public record Envelope(
        String origin,
        int incarnation,
        long seq,
        Digest prevHash,
        Instant recordedAt,
        String recordedBy,
        String recordedByTenant,
        String type) {

    /** The envelope of a frame. */
    public static Envelope of(FrameFields fields) {
        return new Envelope(
                fields.requiredText(Frame.ORIGIN),
                fields.requiredU32(Frame.INCARNATION, Sequencer.FIRST_INCARNATION),
                fields.requiredU64(Frame.SEQ, 0),
                fields.requiredDigest(Frame.PREV_HASH),
                Frame.instant(fields.requiredI64(Frame.RECORDED_AT)),
                fields.requiredText(Frame.RECORDED_BY),
                fields.requiredText(Frame.RECORDED_BY_TENANT),
                fields.requiredText(Frame.TYPE));
    }
}

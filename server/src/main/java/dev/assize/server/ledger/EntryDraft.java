package dev.assize.server.ledger;

import dev.assize.server.model.Recorder;
import java.util.List;

/**
 * An entry before it has a place: what the frame will say beyond its position, link and time.
 *
 * @param type of the entry, frame field 8
 * @param body encoded frame fields numbered 16 and above, in ascending order; opaque to the ledger
 * @param beside values to be kept beside the frame, whose commitments are in the body
 */
public record EntryDraft(Recorder recorder, String type, byte[] body, List<ErasableValue> beside) {

    public EntryDraft {
        beside = List.copyOf(beside);
    }

    /** One that has all of its values in its frame. */
    public EntryDraft(Recorder recorder, String type, byte[] body) {
        this(recorder, type, body, List.of());
    }
}

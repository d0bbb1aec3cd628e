package dev.assize.server.audit;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.time.Instant;
import java.util.List;

/**
 * An event with its place in the ledger.
 *
 * @param frame the exact bytes that were hashed; everything else here is read from them, but for the hash and for what is
 *     kept beside them
 * @param masked where something was masked before it was written, see {@link Masking}
 * @param erased which of its erasable parts are no longer there, by name
 */
public record RecordedEvent(
        long seq,
        Digest entryHash,
        Instant recordedAt,
        Recorder recorder,
        AuditEvent event,
        byte[] frame,
        List<String> masked,
        List<String> erased) {

    /** One of which nothing was masked, and nothing erased. */
    public RecordedEvent(
            long seq, Digest entryHash, Instant recordedAt, Recorder recorder, AuditEvent event, byte[] frame) {
        this(seq, entryHash, recordedAt, recorder, event, frame, List.of(), List.of());
    }
}

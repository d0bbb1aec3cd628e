package dev.assize.server.audit;

import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Projector;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.util.SortedMap;

/** The one encoding of audit events into frames, and back. */
@SuppressWarnings("DoNotCallSuggester")
public final class AuditCodec implements Projector {

    /** The event as a draft. */
    public EntryDraft encode(AuditEvent event, Recorder recorder) {
        throw new UnsupportedOperationException(event.toString() + recorder);
    }

    /** The event a frame holds. */
    public RecordedEvent decode(byte[] frame, Digest entryHash) {
        throw new UnsupportedOperationException(frame.length + entryHash.toString());
    }

    @Override
    public SortedMap<String, String> project(byte[] frame) {
        throw new UnsupportedOperationException(Integer.toString(frame.length));
    }
}

package dev.assize.server.audit;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.time.Instant;

/**
 * An event with its place in the ledger.
 *
 * @param frame the exact bytes that were hashed; everything else here is read from them, but for the hash
 */
public record RecordedEvent(
        long seq, Digest entryHash, Instant recordedAt, Recorder recorder, AuditEvent event, byte[] frame) {}

package dev.assize.client;

import java.time.Instant;
import java.util.List;

/**
 * An event as it was recorded.
 *
 * @param seq position, from 0
 * @param entryHash as 64 hexadecimal digits
 * @param recordedBy the caller that recorded it, which no request can set
 * @param recordedByTenant that caller's home
 * @param masked what was masked before it was written: {@code reason}, {@code payload}, or JSON pointers into the payload
 * @param erased which of the event's erasable fields are no longer there
 * @param traceContext W3C {@code traceparent} of the call that brought it; empty where that had none
 */
public record AuditEntry(
        long seq,
        String entryHash,
        Instant recordedAt,
        String recordedBy,
        String recordedByTenant,
        AuditEvent event,
        List<String> masked,
        List<String> erased,
        String traceContext) {

    public AuditEntry {
        masked = List.copyOf(masked);
        erased = List.copyOf(erased);
    }
}

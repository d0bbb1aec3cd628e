package dev.assize.client;

import java.time.Instant;

/**
 * An event as it was recorded.
 *
 * @param seq position, from 0
 * @param entryHash as 64 hexadecimal digits
 * @param recordedBy the caller that recorded it, which no request can set
 * @param recordedByTenant that caller's home
 */
public record AuditEntry(
        long seq, String entryHash, Instant recordedAt, String recordedBy, String recordedByTenant, AuditEvent event) {}

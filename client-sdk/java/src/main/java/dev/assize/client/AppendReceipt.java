package dev.assize.client;

import java.time.Instant;
import java.util.List;

/**
 * Proof of receipt: the events are durable, at these positions.
 *
 * @param entries one for each event, in their order
 * @param replayed whether an earlier try with the same idempotency key had already recorded them
 * @param idempotencyKey the key that was used
 */
public record AppendReceipt(List<Entry> entries, boolean replayed, String idempotencyKey) {

    public AppendReceipt {
        entries = List.copyOf(entries);
    }

    /**
     * Where an event stands.
     *
     * @param seq position, from 0
     * @param entryHash SHA-256(0x00 || frame), as 64 hexadecimal digits
     */
    public record Entry(long seq, String entryHash, Instant recordedAt) {}
}

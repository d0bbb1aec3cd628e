package dev.assize.client;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Proof of receipt: the events are durable, at these positions of the ledger, or in a sidecar's spool.
 *
 * @param entries one for each event, in their order; none where they are spooled, which have no position and no hash yet
 * @param replayed whether an earlier try with the same idempotency key had already recorded them
 * @param idempotencyKey the key that was used
 * @param spooled where they are spooled; empty where they are in the ledger
 */
public record AppendReceipt(
        List<Entry> entries, boolean replayed, String idempotencyKey, Optional<SpoolPosition> spooled) {

    public AppendReceipt {
        entries = List.copyOf(entries);
    }

    /** Of events that are in the ledger. */
    public AppendReceipt(List<Entry> entries, boolean replayed, String idempotencyKey) {
        this(entries, replayed, idempotencyKey, Optional.empty());
    }

    /** Which it was: only {@link Acknowledgement#IN_LEDGER} unless the other was asked for. */
    public Acknowledgement acknowledgement() {
        return spooled.isPresent() ? Acknowledgement.SPOOLED : Acknowledgement.IN_LEDGER;
    }

    /**
     * Where an event stands.
     *
     * @param seq position, from 0
     * @param entryHash SHA-256(0x00 || frame), as 64 hexadecimal digits
     */
    public record Entry(long seq, String entryHash, Instant recordedAt) {}
}

package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The end of a tenant's chain.
 *
 * @param origin names the ledger among all ledgers
 * @param incarnation from 1; a higher one continues a chain whose tail was lost
 * @param size how many entries there are; the next has this seq
 * @param lastHash hash of the last entry, or what the first one's `prev_hash` must be
 * @param lastRecordedAt null while empty
 */
public record LedgerHead(
        String origin,
        int incarnation,
        long size,
        Digest lastHash,
        @Nullable Instant lastRecordedAt) {}

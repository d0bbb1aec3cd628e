package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.time.Instant;

/**
 * Where a ledger begins whose first entries were pruned, as somebody vouches for it.
 *
 * @param seq of the first entry that is left
 * @param lastHash of the entry before it
 * @param lastRecordedAt when that was recorded
 */
public record Beginning(long seq, Digest lastHash, Instant lastRecordedAt) {}

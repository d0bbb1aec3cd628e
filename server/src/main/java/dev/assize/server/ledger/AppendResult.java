package dev.assize.server.ledger;

import java.util.List;

/** How an append ended, where the surroundings were whole. */
public sealed interface AppendResult {

    /** Durable. One receipt for each draft, in their order. */
    record Appended(List<Receipt> receipts) implements AppendResult {}

    /** The key had been used before with the same content: the first answer. */
    record Replayed(List<Receipt> receipts) implements AppendResult {}

    /** The key had been used before with other content; nothing was appended. */
    record KeyReused(String key) implements AppendResult {}

    /** The precondition did not hold; nothing was appended, and the key may be used again. */
    record Refused() implements AppendResult {}
}

package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.time.Instant;
import java.util.List;

/** Gives drafts their place: position, time, link and hash. Pure; whoever calls it holds the head's lock. */
@SuppressWarnings("DoNotCallSuggester")
public final class Sequencer {

    private Sequencer() {}

    /** The head of a ledger without entries. */
    public static LedgerHead genesis(String origin) {
        throw new UnsupportedOperationException(origin);
    }

    /** The drafts as entries behind the head, and the head behind them. */
    public static Sequenced sequence(LedgerHead head, List<EntryDraft> drafts, Instant now) {
        throw new UnsupportedOperationException(head + " " + drafts + now);
    }

    /** Entries with their places, and the head they lead to. */
    public record Sequenced(List<SequencedEntry> entries, LedgerHead head) {}

    /** An entry ready to be stored. */
    public record SequencedEntry(long seq, byte[] frame, Digest entryHash, Instant recordedAt) {}
}

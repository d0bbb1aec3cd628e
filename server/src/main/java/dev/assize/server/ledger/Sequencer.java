package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Gives drafts their place: position, time, link and hash. Pure; whoever calls it holds the head's lock. */
public final class Sequencer {

    static final int FIRST_INCARNATION = 1;

    private Sequencer() {}

    /** The head of a ledger without entries. */
    public static LedgerHead genesis(String origin) {
        return new LedgerHead(origin, FIRST_INCARNATION, 0, Frame.genesisHash(origin), null);
    }

    /** The drafts as entries behind the head, and the head behind them. */
    public static Sequenced sequence(LedgerHead head, List<EntryDraft> drafts, Instant now) {
        List<SequencedEntry> entries = new ArrayList<>(drafts.size());
        LedgerHead end = head;
        for (EntryDraft draft : drafts) {
            Instant recordedAt = after(end.lastRecordedAt(), now);
            byte[] frame = Frame.write(end, recordedAt, draft);
            Digest hash = Frame.hash(frame);
            entries.add(new SequencedEntry(end.size(), frame, hash, recordedAt, draft.beside()));
            end = new LedgerHead(end.origin(), end.incarnation(), end.size() + 1, hash, recordedAt);
        }
        return new Sequenced(List.copyOf(entries), end);
    }

    /** Time within a chain only rises, whatever the clock does: a time then names at most one position. */
    private static Instant after(@Nullable Instant last, Instant now) {
        long micros = Frame.micros(now);
        return Frame.instant(last == null ? micros : Math.max(micros, Frame.micros(last) + 1));
    }

    /** Entries with their places, and the head they lead to. */
    public record Sequenced(List<SequencedEntry> entries, LedgerHead head) {

        /** What callers are told, in the order of the entries. */
        public List<Receipt> receipts() {
            return entries.stream().map(SequencedEntry::receipt).toList();
        }
    }

    /** An entry ready to be stored. */
    public record SequencedEntry(
            long seq, byte[] frame, Digest entryHash, Instant recordedAt, List<ErasableValue> beside) {

        public Receipt receipt() {
            return new Receipt(seq, entryHash, recordedAt);
        }
    }
}

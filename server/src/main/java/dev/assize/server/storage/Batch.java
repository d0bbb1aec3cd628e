package dev.assize.server.storage;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.Sequencer.Sequenced;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.storage.KeptAnswers.Answer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What one call adds to a ledger, put together in memory while the head is locked, or as if it were. */
final class Batch {

    private final Instant now;
    final List<SequencedEntry> entries = new ArrayList<>();
    final List<PendingResult> pending = new ArrayList<>();

    /** As they came: keys that rise with time then go to the end of their index, one behind the other. */
    final Map<KeptAnswers.Key, Answer> answers = new LinkedHashMap<>();

    private final Map<KeptAnswers.Key, List<Receipt>> receipts = new HashMap<>();
    private final Map<KeptAnswers.Key, List<EntryDraft>> written = new HashMap<>();
    LedgerHead head;

    Batch(LedgerHead head, Instant now) {
        this.head = head;
        this.now = now;
    }

    void add(AppendCommand command, Map<KeptAnswers.Key, Answer> known) {
        KeptAnswers.Key key = KeptAnswers.Key.of(command).orElse(null);
        Idempotency idempotency = command.idempotency();
        if (key == null || idempotency == null) {
            pending.add(new PendingResult.Ready(
                    command.mayAppend() ? new AppendResult.Appended(write(command)) : new AppendResult.Refused()));
            return;
        }
        Answer first = known.containsKey(key) ? known.get(key) : answers.get(key);
        if (first == null && !command.mayAppend()) {
            pending.add(new PendingResult.Ready(new AppendResult.Refused()));
        } else if (first == null) {
            pending.add(new PendingResult.Ready(new AppendResult.Appended(write(command, key, idempotency))));
        } else if (!first.contentHash().equals(idempotency.contentHash())) {
            pending.add(
                    known.containsKey(key)
                            ? new PendingResult.Other(new PendingResult.Stored(first, command, idempotency.key()))
                            : new PendingResult.Ready(new AppendResult.KeyReused(idempotency.key())));
        } else {
            List<Receipt> ours = receipts.get(key);
            pending.add(
                    ours == null
                            ? new PendingResult.Stored(first, command, idempotency.key())
                            : new PendingResult.Ready(
                                    PendingResult.isSame(command.drafts(), written.getOrDefault(key, List.of()))
                                            ? new AppendResult.Replayed(ours)
                                            : new AppendResult.KeyReused(idempotency.key())));
        }
    }

    private List<Receipt> write(AppendCommand command, KeptAnswers.Key key, Idempotency idempotency) {
        long firstSeq = head.size();
        List<Receipt> receipt = write(command);
        Instant recordedAt = receipt.isEmpty()
                ? now.truncatedTo(ChronoUnit.MICROS)
                : receipt.getFirst().recordedAt();
        answers.put(key, new Answer(idempotency.contentHash(), firstSeq, receipt.size(), recordedAt));
        receipts.put(key, receipt);
        written.put(key, command.drafts());
        return receipt;
    }

    private List<Receipt> write(AppendCommand command) {
        Sequenced sequenced = Sequencer.sequence(head, command.drafts(), now);
        entries.addAll(sequenced.entries());
        head = sequenced.head();
        return sequenced.receipts();
    }
}

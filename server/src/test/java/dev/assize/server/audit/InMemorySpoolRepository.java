package dev.assize.server.audit;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Spools of ledgers that are forgotten at the end of the test. */
public final class InMemorySpoolRepository implements SpoolRepository {

    private final LedgerStore ledger;
    private final AuditCodec codec = new AuditCodec();
    private final InstantSource clock;
    private final Map<Name, Row> rows = new HashMap<>();

    public InMemorySpoolRepository(LedgerStore ledger, InstantSource clock) {
        this.ledger = ledger;
        this.clock = clock;
    }

    private record Name(TenantId tenant, Recorder recorder, String spoolId) {}

    private record Row(long next, @Nullable Digest lastHash, long highest, boolean hasEntries, String begunByKey) {}

    @Override
    public synchronized Reception append(
            TenantId tenant, Sender sender, SpooledBatch batch, Digest begins, List<EntryDraft> drafts) {
        Recorder recorder = sender.recorder();
        Name name = new Name(tenant, recorder, batch.spoolId());
        Row row = rows.getOrDefault(name, new Row(1, begins, 0, false, sender.keyId()));
        if (!row.hasEntries && hasEntries(tenant, batch.spoolId())) {
            return new Reception(Verdict.OF_ANOTHER_RECORDER, 1, begins);
        }
        Verdict verdict = verdict(batch, row);
        boolean isNew = !rows.containsKey(name);
        long begun = isNew ? begunWith(tenant, sender.keyId()).count() + 1 : 0;
        if ((verdict == Verdict.APPENDED || batch.highestNumber() > 0) && begun > MOST_OF_KEY) {
            return new Reception(Verdict.FULL, 1, begins);
        }
        if (verdict == Verdict.APPENDED) {
            ledger.append(tenant, List.of(new AppendCommand(recorder, drafts, null)));
            rows.put(name, new Row(batch.lastNumber() + 1, batch.after(), batch.highestNumber(), true, row.begunByKey));
            List<Standing> left = !row.hasEntries
                    ? list(tenant).stream()
                            .filter(it -> it.recorder().equals(recorder)
                                    && !it.spoolId().equals(batch.spoolId())
                                    && it.missing() > 0)
                            .toList()
                    : List.of();
            return new Reception(verdict, batch.lastNumber() + 1, batch.after(), left, begun);
        }
        boolean isTooMany = isNew
                && begunWith(tenant, sender.keyId())
                                .filter(it -> !it.hasEntries && it.highest >= it.next)
                                .count()
                        >= MOST_HEARD_OF;
        if (isTooMany && batch.highestNumber() > 0) {
            return new Reception(verdict == Verdict.ASKED ? Verdict.UNNOTED : verdict, 1, begins);
        }
        if (batch.highestNumber() > row.highest) {
            rows.put(name, new Row(row.next, row.lastHash, batch.highestNumber(), row.hasEntries, row.begunByKey));
        }
        return new Reception(verdict, row.next, row.lastHash, List.of(), rows.containsKey(name) ? begun : 0);
    }

    /** As if somebody had begun so many, of each of which it had taken one record. */
    public synchronized void fill(TenantId tenant, Sender sender, int spools) {
        for (int i = 0; i < spools; i++) {
            rows.put(
                    new Name(tenant, sender.recorder(), "%032x".formatted(i)),
                    new Row(2, null, 1, true, sender.keyId()));
        }
    }

    private Stream<Row> begunWith(TenantId tenant, String key) {
        return rows.entrySet().stream()
                .filter(it -> it.getKey().tenant.equals(tenant))
                .map(Map.Entry::getValue)
                .filter(it -> it.begunByKey.equals(key));
    }

    private boolean hasEntries(TenantId tenant, String spoolId) {
        return rows.entrySet().stream()
                .anyMatch(it -> it.getKey().tenant.equals(tenant)
                        && it.getKey().spoolId.equals(spoolId)
                        && it.getValue().hasEntries);
    }

    private static Verdict verdict(SpooledBatch batch, Row row) {
        if (batch.records().isEmpty()) {
            return Verdict.ASKED;
        }
        if (batch.firstNumber() != row.next) {
            return batch.firstNumber() < row.next ? Verdict.KNOWN : Verdict.MISSING;
        }
        return row.lastHash == null || row.lastHash.equals(batch.before()) ? Verdict.APPENDED : Verdict.FORKED;
    }

    @Override
    public synchronized List<Standing> list(TenantId tenant) {
        List<Standing> standings = new ArrayList<>();
        rows.forEach((name, row) -> {
            if (name.tenant.equals(tenant)) {
                standings.add(new Standing(name.recorder, name.spoolId, row.next, row.highest, clock.instant()));
            }
        });
        standings.sort(Comparator.comparing(Standing::spoolId));
        return standings;
    }

    @Override
    public synchronized LossResult declareLost(Loss loss) {
        Name name = new Name(loss.tenant(), loss.recorder(), loss.spoolId());
        Row row = rows.get(name);
        if (row == null) {
            return new LossResult.NoSuchSpool();
        }
        if (loss.throughNumber() < row.next || loss.throughNumber() > row.highest) {
            return new LossResult.NotMissing(
                    new Standing(loss.recorder(), loss.spoolId(), row.next, row.highest, clock.instant()));
        }
        EntryDraft draft = codec.encode(SpoolLossEvent.of(loss, row.next), loss.by(), loss.tenant());
        AppendResult.Appended appended = (AppendResult.Appended)
                ledger.append(loss.tenant(), List.of(new AppendCommand(loss.by(), List.of(draft), null)))
                        .getFirst();
        rows.put(name, new Row(loss.throughNumber() + 1, null, row.highest, row.hasEntries, row.begunByKey));
        return new LossResult.Declared(appended.receipts().getFirst(), row.next, loss.throughNumber());
    }
}

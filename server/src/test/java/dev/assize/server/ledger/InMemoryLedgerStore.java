package dev.assize.server.ledger;

import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Refused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.ledger.Sequencer.Sequenced;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A store that forgets everything at the end of the test, and lets its rows be tampered with. */
public final class InMemoryLedgerStore implements LedgerStore {

    private static final String LEDGER = "assize.test/00000000000000000000000000000000/";

    private final InstantSource clock;
    private final Projector projector;
    private final Map<TenantId, Ledger> ledgers = new HashMap<>();

    public InMemoryLedgerStore(InstantSource clock, Projector projector) {
        this.clock = clock;
        this.projector = projector;
    }

    /** The origin of a tenant's ledger in this store. */
    public static String origin(TenantId tenant) {
        return LEDGER + tenant;
    }

    @Override
    public synchronized List<AppendResult> append(TenantId tenant, List<AppendCommand> commands) {
        Ledger before = ledgers.getOrDefault(tenant, new Ledger(tenant));
        Ledger draft = before.copy();
        ledgers.put(tenant, draft);
        try {
            return commands.stream().map(command -> append(draft, command)).toList();
        } catch (RuntimeException e) {
            ledgers.put(tenant, before);
            throw e;
        }
    }

    @Override
    public synchronized Optional<LedgerHead> head(TenantId tenant) {
        return Optional.ofNullable(ledgers.get(tenant)).flatMap(ledger -> Optional.ofNullable(ledger.head));
    }

    @Override
    public synchronized Optional<LedgerHead> scan(
            TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader, BooleanSupplier pause) {
        Ledger ledger = ledgers.getOrDefault(tenant, new Ledger(tenant));
        for (StoredEntry entry : ledger.rows.tailMap(fromSeq, true).values()) {
            if (entry.seq() > toSeq || !reader.test(entry)) {
                break;
            }
            if (entry.seq() % 3 == 2 && !pause.getAsBoolean()) {
                return head(tenant);
            }
        }
        boolean _ = pause.getAsBoolean();
        return head(tenant);
    }

    @Override
    public synchronized List<StoredEntry> notices(TenantId tenant, List<Long> seqs, long fromSeq) {
        return List.copyOf(rows(tenant).tailMap(fromSeq, true).values());
    }

    /** The tenant's rows, to be tampered with. */
    public synchronized NavigableMap<Long, StoredEntry> rows(TenantId tenant) {
        return ledgers.computeIfAbsent(tenant, Ledger::new).rows;
    }

    /** Tampers with the tenant's head. */
    public synchronized void putHead(TenantId tenant, @Nullable LedgerHead head) {
        ledgers.computeIfAbsent(tenant, Ledger::new).head = head;
    }

    private AppendResult append(Ledger ledger, AppendCommand command) {
        Idempotency idempotency = command.idempotency();
        if (idempotency == null) {
            return command.mayAppend() ? new Appended(write(ledger, command)) : new Refused();
        }
        Key key = new Key(command.recorder(), idempotency.key());
        Answer first = ledger.answers.get(key);
        if (first == null && !command.mayAppend()) {
            return new Refused();
        }
        if (first == null) {
            List<Receipt> receipts = write(ledger, command);
            ledger.answers.put(key, new Answer(idempotency.contentHash(), receipts));
            return new Appended(receipts);
        }
        return first.contentHash.equals(idempotency.contentHash()) && isSame(ledger, command, first)
                ? new Replayed(first.receipts)
                : new KeyReused(idempotency.key());
    }

    /** What stands beside the frames, where it still does. */
    private static boolean isSame(Ledger ledger, AppendCommand command, Answer first) {
        for (int i = 0; i < command.drafts().size(); i++) {
            StoredEntry kept =
                    Objects.requireNonNull(ledger.rows.get(first.receipts.get(i).seq()));
            for (ErasableValue sent : command.drafts().get(i).beside()) {
                if (kept.beside().stream()
                        .anyMatch(it -> it.field() == sent.field() && !Arrays.equals(it.value(), sent.value()))) {
                    return false;
                }
            }
        }
        return true;
    }

    private List<Receipt> write(Ledger ledger, AppendCommand command) {
        LedgerHead head = ledger.head == null ? Sequencer.genesis(origin(ledger.tenant)) : ledger.head;
        Sequenced sequenced = Sequencer.sequence(head, command.drafts(), clock.instant());
        sequenced
                .entries()
                .forEach(entry -> ledger.rows.put(
                        entry.seq(),
                        new StoredEntry(
                                entry.seq(),
                                entry.frame(),
                                entry.entryHash(),
                                projector.project(entry.frame()),
                                entry.beside())));
        ledger.head = sequenced.head();
        return sequenced.receipts();
    }

    private record Key(Recorder recorder, String key) {}

    private record Answer(Digest contentHash, List<Receipt> receipts) {}

    private static final class Ledger {

        private final TenantId tenant;
        private final NavigableMap<Long, StoredEntry> rows = new TreeMap<>();
        private final Map<Key, Answer> answers = new HashMap<>();
        private @Nullable LedgerHead head;

        Ledger(TenantId tenant) {
            this.tenant = tenant;
        }

        /** What a transaction works on. */
        Ledger copy() {
            Ledger copy = new Ledger(tenant);
            copy.rows.putAll(rows);
            copy.answers.putAll(answers);
            copy.head = head;
            return copy;
        }
    }
}

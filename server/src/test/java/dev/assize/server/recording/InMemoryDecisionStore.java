package dev.assize.server.recording;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionFilter.Place;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/** A store that forgets, and fails when it is told to. */
public final class InMemoryDecisionStore implements DecisionStore {

    private final LedgerStore ledger;
    private final Map<TenantId, NavigableMap<Long, List<byte[]>>> packs = new HashMap<>();
    private final AtomicReference<Runnable> before = new AtomicReference<>(() -> {});

    public InMemoryDecisionStore(LedgerStore ledger) {
        this.ledger = ledger;
    }

    /** Is run before each append; what it throws is what the append throws. */
    public void before(Runnable gate) {
        before.set(gate);
    }

    @Override
    public AppendResult append(TenantId tenant, AppendCommand command, DecisionPack pack) {
        before.get().run();
        synchronized (this) {
            AppendResult result = ledger.append(tenant, List.of(command)).getFirst();
            if (result instanceof AppendResult.Appended(var receipts)) {
                packs(tenant).put(receipts.getFirst().seq(), pack.records());
            }
            return result;
        }
    }

    /** A tenant's packs by their entries. */
    public synchronized NavigableMap<Long, List<byte[]>> packs(TenantId tenant) {
        return packs.computeIfAbsent(tenant, t -> new TreeMap<>());
    }

    @Override
    public synchronized List<RecordedDecision> find(TenantId tenant, DecisionFilter filter) {
        Comparator<RecordedDecision> order =
                Comparator.comparingLong(RecordedDecision::seq).thenComparingInt(RecordedDecision::position);
        List<RecordedDecision> all = new ArrayList<>();
        packs(tenant)
                .forEach((seq, records) -> IntStream.range(0, records.size())
                        .forEach(i -> all.add(RecordedDecision.of(seq, i, records.get(i)))));
        return all.stream()
                .filter(decision -> fits(decision, filter))
                .sorted(filter.ascending() ? order : order.reversed())
                .limit(filter.limit())
                .toList();
    }

    private static boolean fits(RecordedDecision decision, DecisionFilter filter) {
        DecisionRecord it = decision.content();
        Place after = filter.after();
        int behind = after == null
                ? 1
                : Long.compare(decision.seq(), after.seq()) != 0
                        ? Long.compare(decision.seq(), after.seq())
                        : Integer.compare(decision.position(), after.position());
        return (after == null || (filter.ascending() ? behind > 0 : behind < 0))
                && (filter.from() == null || !it.decidedAt().isBefore(filter.from()))
                && (filter.to() == null || it.decidedAt().isBefore(filter.to()))
                && (filter.subject() == null || it.subject().equals(filter.subject()))
                && (filter.action() == null || it.action().equals(filter.action()))
                && (filter.resource() == null
                        || it.resource().equals(filter.resource().value())
                        || it.resource().startsWith(filter.resource().value() + "/"))
                && (filter.allowed() == null || it.reason().isAllow() == filter.allowed())
                && (filter.reason() == null || it.reason() == filter.reason())
                && (filter.decisionId() == null || it.decisionId().equals(filter.decisionId()))
                && (filter.envs().isEmpty()
                        || filter.envs().stream().anyMatch(env -> env.value().equals(it.env())));
    }

    @Override
    public synchronized boolean contains(TenantId tenant, String decisionId) {
        return packs(tenant).values().stream()
                .flatMap(List::stream)
                .anyMatch(
                        record -> decisionId.equals(DecisionCodec.decode(record).decisionId()));
    }

    @Override
    public synchronized boolean contains(TenantId tenant, String decisionId, byte[] record) {
        return packs(tenant).values().stream().flatMap(List::stream).anyMatch(stored -> Arrays.equals(record, stored));
    }

    @Override
    public synchronized List<DecisionPage> pages(TenantId tenant, long seq) {
        return DecisionPage.of(packs(tenant).getOrDefault(seq, List.of()));
    }

    @Override
    public synchronized List<Long> pagePlaces(TenantId tenant, long fromSeq, long toSeq, int most) {
        return packs(tenant).subMap(fromSeq, true, toSeq, true).entrySet().stream()
                .flatMap(pack ->
                        Collections.nCopies(DecisionPage.of(pack.getValue()).size(), pack.getKey()).stream())
                .limit(most)
                .toList();
    }

    @Override
    public synchronized List<TermBucket> buckets(TenantId tenant, long seq, Collection<Integer> numbers) {
        return TermBucket.of(packs(tenant).getOrDefault(seq, List.of())).stream()
                .filter(bucket -> numbers.contains(bucket.number()))
                .toList();
    }

    @Override
    public Optional<byte[]> frame(TenantId tenant, long seq) {
        AtomicReference<StoredEntry> found = new AtomicReference<>();
        var _ = ledger.scan(tenant, seq, seq, entry -> {
            found.set(entry);
            return false;
        });
        return Optional.ofNullable(found.get()).map(StoredEntry::frame);
    }

    @Override
    public OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq) {
        return OptionalLong.empty();
    }
}

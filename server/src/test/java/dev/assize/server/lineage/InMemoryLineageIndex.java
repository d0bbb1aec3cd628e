package dev.assize.server.lineage;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds lineage in the store in memory by reading all of it. */
public final class InMemoryLineageIndex implements LineageIndex {

    private final InMemoryLedgerStore store;
    private final AuditCodec codec = new AuditCodec();

    public InMemoryLineageIndex(InMemoryLedgerStore store) {
        this.store = store;
    }

    @Override
    public Optional<Long> lastSeq(TenantId tenant, @Nullable Instant asOf) {
        return entries(new Scope(tenant, java.util.Set.of(), Long.MAX_VALUE))
                .filter(entry -> asOf == null || !entry.recordedAt().isAfter(asOf))
                .map(RecordedEvent::seq)
                .max(Comparator.naturalOrder());
    }

    @Override
    public List<Access> accesses(Scope scope, String uri, int limit) {
        return entries(scope)
                .filter(entry -> entry.event().reads().contains(uri)
                        || entry.event().writes().contains(uri))
                .limit(limit)
                .map(entry -> new Access(
                        entry.seq(),
                        entry.recordedAt(),
                        entry.event().reads().contains(uri),
                        entry.event().writes().contains(uri),
                        entry.event().type(),
                        entry.event().actor().toString(),
                        entry.event().action().value(),
                        entry.event().resource().value(),
                        entry.event().env().value(),
                        entry.event().outcome(),
                        entry.event().runId()))
                .toList();
    }

    @Override
    public List<Touch> touches(Scope scope, Kind kind, List<String> uris, int limitEach) {
        return uris.stream()
                .flatMap(uri -> done(scope, entry -> list(entry, kind).contains(uri))
                        .limit(limitEach)
                        .map(entry -> new Touch(uri, entry.seq(), entry.event().runId())))
                .toList();
    }

    @Override
    public List<Found> within(Scope scope, Kind kind, List<Span> spans, int limitEach) {
        List<Found> found = new ArrayList<>();
        IntStream.range(0, spans.size()).forEach(i -> {
            Span span = spans.get(i);
            Predicate<RecordedEvent> belongs = span.runId() == null
                    ? entry -> entry.seq() == span.fromSeq()
                    : entry -> Objects.equals(span.runId(), entry.event().runId())
                            && entry.seq() >= span.fromSeq()
                            && entry.seq() <= span.toSeq();
            done(scope, belongs)
                    .flatMap(entry -> list(entry, kind).stream().map(uri -> new Found(i, uri, entry.seq())))
                    .limit(limitEach)
                    .forEach(found::add);
        });
        return found;
    }

    private Stream<RecordedEvent> done(Scope scope, Predicate<RecordedEvent> wanted) {
        return entries(scope)
                .filter(entry -> entry.event().outcome() == Outcome.SUCCESS
                        || entry.event().outcome() == Outcome.PARTIAL)
                .filter(wanted);
    }

    /** Newest first. */
    private Stream<RecordedEvent> entries(Scope scope) {
        return store.rows(scope.tenant()).descendingMap().values().stream()
                .map(entry -> codec.decode(entry.frame(), entry.entryHash()))
                .filter(entry -> entry.seq() <= scope.toSeq())
                .filter(entry -> scope.envs().isEmpty()
                        || scope.envs().contains(entry.event().env()));
    }

    private static List<String> list(RecordedEvent entry, Kind kind) {
        return switch (kind) {
            case READ -> entry.event().reads();
            case WRITTEN -> entry.event().writes();
        };
    }
}

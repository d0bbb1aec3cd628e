package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Refused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.policy.StoredDocument;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Policy in memory, for tests: stores the canonical text like the real one, and records into the given ledger. */
public final class InMemoryPolicyRepository implements PolicyRepository, PolicySource, PolicyHistory {

    private final LedgerStore ledger;
    private final AuditCodec codec = new AuditCodec();
    private final Map<PolicyScope, PolicySet> sets = new HashMap<>();
    private final Map<PolicyScope, List<PolicySet>> past = new HashMap<>();
    private final Map<PolicyScope, List<RevisionRecord>> revisions = new HashMap<>();

    private final Map<List<Object>, Answered> answers = new HashMap<>();
    private final Map<List<Object>, Map<DocumentKey, ChangeType>> changes = new HashMap<>();

    public InMemoryPolicyRepository(LedgerStore ledger) {
        this.ledger = ledger;
    }

    @Override
    public synchronized List<Long> change(Set<PolicyScope> scopes, Planner planner) {
        List<Long> written =
                planner.plan(new Everything(scopes)).stream().map(this::write).toList();
        planner.unchanged()
                .forEach(one -> answers.put(
                        List.of(one.scope(), one.recorder(), one.once().key()),
                        new Answered(one.once(), false, record(one.scope(), one.revision()))));
        return written;
    }

    @Override
    public List<Long> changeAhead(Set<PolicyScope> scopes, Planner planner) {
        return change(scopes, planner);
    }

    @Override
    public synchronized PolicySet current(PolicyScope scope) {
        return sets.getOrDefault(scope, PolicySet.empty(scope));
    }

    @Override
    public synchronized List<RevisionRecord> revisions(PolicyScope scope, @Nullable Revision before, int limit) {
        return revisions.getOrDefault(scope, List.of()).reversed().stream()
                .filter(record -> before == null || record.revision().compareTo(before) < 0)
                .limit(limit)
                .toList();
    }

    @Override
    public synchronized Optional<PolicySnapshot> load(TenantId tenant) {
        PolicySet own = current(PolicyScope.of(tenant));
        return own.ofKind(TenantDocument.class).isEmpty()
                ? Optional.empty()
                : Optional.of(new PolicySnapshot(own, current(PolicyScope.PLATFORM)));
    }

    @Override
    public synchronized Optional<PolicyUpdate> update(PolicySnapshot known) {
        return load(known.tenant().scope().tenant().orElseThrow()).map(now -> {
            Set<DocumentKey> changed = new HashSet<>();
            for (PolicySet set : List.of(known.tenant(), known.platform(), now.tenant(), now.platform())) {
                set.documents().forEach(document -> changed.add(document.key()));
            }
            return new PolicyUpdate(now, changed);
        });
    }

    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
        throw new UnsupportedOperationException("this repository keeps no past");
    }

    @Override
    public synchronized Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        Map<PolicyScope, Revision> found = new HashMap<>();
        scopes.stream()
                .filter(sets::containsKey)
                .forEach(scope -> found.put(scope, current(scope).revision()));
        return found;
    }

    @Override
    public synchronized Revision present(PolicyScope scope) {
        return current(scope).revision();
    }

    @Override
    public synchronized Revision at(PolicyScope scope, Instant moment) {
        return revisions.getOrDefault(scope, List.of()).stream()
                .filter(record -> !record.committedAt().isAfter(moment))
                .map(RevisionRecord::revision)
                .reduce(Revision.NONE, (_, last) -> last);
    }

    @Override
    public synchronized void read(PolicyScope scope, Revision revision, Consumer<StoredDocument> reader) {
        at(scope, revision)
                .documents()
                .forEach(document -> reader.accept(new StoredDocument(
                        document.key(),
                        DocumentText.write(document),
                        document.place().file(),
                        DocumentText.lines(document))));
    }

    @Override
    public synchronized void compare(PolicyScope scope, Revision from, Revision to, Consumer<TextChange> reader) {
        TreeMap<DocumentKey, TextChange> changes = new TreeMap<>();
        at(scope, from)
                .documents()
                .forEach(document -> changes.put(
                        document.key(), new TextChange(document.key(), DocumentText.write(document), null)));
        at(scope, to)
                .documents()
                .forEach(document -> changes.merge(
                        document.key(),
                        new TextChange(document.key(), null, DocumentText.write(document)),
                        (before, after) -> new TextChange(document.key(), before.before(), after.after())));
        changes.values().stream()
                .filter(change -> !Objects.equals(change.before(), change.after()))
                .forEach(reader);
    }

    private PolicySet at(PolicyScope scope, Revision revision) {
        return revision.equals(Revision.NONE)
                ? PolicySet.empty(scope)
                : past.getOrDefault(scope, List.of()).get((int) revision.value() - 1);
    }

    private Long write(ScopePlan plan) {
        TreeMap<DocumentKey, Document> documents = new TreeMap<>();
        current(plan.scope()).documents().forEach(document -> documents.put(document.key(), document));
        Map<DocumentKey, ChangeType> types = new HashMap<>();
        plan.deletes().forEach(key -> types.put(key, ChangeType.DELETED));
        plan.puts()
                .forEach(put -> types.put(
                        put.key(), documents.containsKey(put.key()) ? ChangeType.REPLACED : ChangeType.CREATED));
        changes.put(List.of(plan.scope(), plan.revision()), types);
        plan.deletes().forEach(documents::remove);
        plan.puts().forEach(document -> documents.put(document.key(), stored(document)));
        PolicySet set = PolicySet.of(plan.scope(), plan.revision(), documents.values());
        sets.put(plan.scope(), set);
        past.computeIfAbsent(plan.scope(), _ -> new ArrayList<>()).add(set);
        long seq = append(plan);
        RevisionRecord record = plan.record();
        revisions
                .computeIfAbsent(plan.scope(), scope -> new ArrayList<>())
                .add(new RevisionRecord(
                        record.revision(),
                        record.committedAt(),
                        record.actor(),
                        record.reason(),
                        record.changeCount(),
                        record.changeDigest(),
                        record.policyDigest(),
                        seq));
        if (plan.once() != null) {
            answers.put(
                    List.of(plan.scope(), record.actor(), plan.once().key()),
                    new Answered(plan.once(), true, record(plan.scope(), plan.revision())));
        }
        return seq;
    }

    private @Nullable RevisionRecord record(PolicyScope scope, Revision revision) {
        return revisions.getOrDefault(scope, List.of()).stream()
                .filter(record -> record.revision().equals(revision))
                .findFirst()
                .orElse(null);
    }

    /** Runs work as a change does, for what is kept beside policy. */
    synchronized <R> R underLock(Set<PolicyScope> scopes, Function<Present, R> work) {
        return work.apply(new Everything(scopes));
    }

    /** Writes what such work planned. */
    synchronized void writeUnderLock(List<ScopePlan> plans) {
        plans.forEach(this::write);
    }

    private static Document stored(Document document) {
        return DocumentText.readStored(
                document.scope(), DocumentText.write(document), document.place().file(), DocumentText.lines(document));
    }

    private long append(ScopePlan plan) {
        Recorder by = plan.record().actor();
        if (!plan.ownEntries().isEmpty()) {
            append(TenantId.ASSIZE, plan.ownEntries(), by);
        }
        return append(plan.scope().ledgerTenant(), plan.entries(), by);
    }

    private long append(TenantId tenant, List<AuditEvent> events, Recorder by) {
        AppendCommand command = new AppendCommand(
                by,
                events.stream().map(event -> codec.encode(event, by, tenant)).toList(),
                null);
        return switch (ledger.append(tenant, List.of(command)).getFirst()) {
            case Appended appended -> appended.receipts().getFirst().seq();
            case Replayed _ -> throw new AssertionError("no key, no replay");
            case KeyReused _ -> throw new AssertionError("no key, no reuse");
            case Refused _ -> throw new AssertionError("no precondition, no refusal");
        };
    }

    /** Refuses to show what was not named. */
    private final class Everything implements Present {

        private final Set<PolicyScope> named;

        Everything(Set<PolicyScope> named) {
            this.named = named;
        }

        @Override
        public PolicySet documents(PolicyScope scope) {
            boolean ofPlatform = scope.equals(PolicyScope.of(TenantId.ASSIZE)) && named.contains(PolicyScope.PLATFORM);
            if (!scope.isPlatform() && !ofPlatform && !named.contains(scope)) {
                throw new AssertionError(scope + " was not named");
            }
            return current(scope);
        }

        @Override
        public PolicySum sum(PolicyScope scope) {
            return PolicySum.of(documents(scope).documents());
        }

        @Override
        public Optional<Answered> answered(PolicyScope scope, Recorder recorder, String key) {
            return Optional.ofNullable(answers.get(List.of(scope, recorder, key)));
        }

        @Override
        public SortedMap<DocumentKey, ChangeType> changedBy(PolicyScope scope, Revision revision) {
            return new TreeMap<>(changes.getOrDefault(List.of(scope, revision), Map.of()));
        }

        @Override
        public Iterable<PolicySet> tenants() {
            if (!named.contains(PolicyScope.PLATFORM)) {
                throw new AssertionError("the platform was not named");
            }
            return sets.values().stream()
                    .filter(set -> !set.scope().isPlatform())
                    .toList();
        }
    }
}

package dev.assize.server.administration;

import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.administration.PolicyRepository.Planner;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.Problem;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a change set writes, from what is there while nobody else can change it. Run once for each attempt of
 * a transaction; what it found in the last one is its {@link #result()}.
 */
final class ChangePlanner implements Planner {

    private final ChangeSet change;
    private final Recorder recorder;
    private final Predicate<TenantId> mayCreate;
    private final Instant now;
    private @Nullable ChangeResult result;

    ChangePlanner(ChangeSet change, Recorder recorder, Predicate<TenantId> mayCreate, Instant now) {
        this.change = change;
        this.recorder = recorder;
        this.mayCreate = mayCreate;
        this.now = now;
    }

    @Override
    public List<ScopePlan> apply(Map<PolicyScope, PolicySet> current) {
        result = refusal(current);
        if (result != null) {
            return List.of();
        }
        SortedMap<PolicyScope, PolicySet> after = new TreeMap<>();
        List<ScopeChange> changes = new ArrayList<>();
        for (PolicyScope scope : change.scopes()) {
            ScopeChange planned = plan(setOf(current, scope), after);
            changes.add(planned);
        }
        List<Problem> problems = new ChangeJudge(change, current, after).problems();
        if (change.dryRun()) {
            result = new ChangeResult.Compared(changes, problems);
            return List.of();
        }
        if (!problems.isEmpty()) {
            result = new ChangeResult.Invalid(problems);
            return List.of();
        }
        result = new ChangeResult.Accepted(changes);
        return changes.stream().filter(ScopeChange::isChange).map(this::write).toList();
    }

    /** What the last attempt found; an accepted change is committed only when the transaction is. */
    ChangeResult result() {
        if (result == null) {
            throw new IllegalStateException("The store never asked for a plan");
        }
        return result;
    }

    private @Nullable ChangeResult refusal(Map<PolicyScope, PolicySet> current) {
        for (Precondition precondition : change.preconditions()) {
            PolicySet set = setOf(current, precondition.scope());
            if (!set.revision().equals(precondition.revision())) {
                return new ChangeResult.RevisionMoved(precondition.scope(), precondition.revision(), set.revision());
            }
        }
        return change.puts().stream()
                .filter(TenantDocument.class::isInstance)
                .filter(document ->
                        setOf(current, document.scope()).find(document.key()).isEmpty())
                .flatMap(document -> document.scope().tenant().stream())
                .filter(mayCreate.negate())
                .findFirst()
                .map(ChangeResult.TenantCreationRefused::new)
                .orElse(null);
    }

    private ScopeChange plan(PolicySet base, Map<PolicyScope, PolicySet> after) {
        SortedMap<DocumentKey, Document> documents = new TreeMap<>();
        base.documents().forEach(document -> documents.put(document.key(), document));
        SortedMap<DocumentKey, DocumentChange> changes = new TreeMap<>();
        for (Document put : inScope(change.puts(), base.scope())) {
            Document before = base.find(put.key()).orElse(null);
            changes.put(put.key(), new DocumentChange(put.key(), typeOf(before, put), before, put));
            documents.put(put.key(), put);
        }
        for (DocumentKey key : change.deletes()) {
            Optional<Document> before = base.find(key);
            if (key.scope().equals(base.scope()) && before.isPresent()) {
                changes.put(key, new DocumentChange(key, ChangeType.DELETED, before.get(), null));
                documents.remove(key);
            }
        }
        List<DocumentChange> all = List.copyOf(changes.values());
        boolean isChange = all.stream().anyMatch(one -> one.type() != ChangeType.UNCHANGED);
        PolicySet next = isChange ? PolicySet.of(base.scope(), base.revision().next(), documents.values()) : base;
        after.put(base.scope(), next);
        return new ScopeChange(
                base.scope(),
                base.revision(),
                next.revision(),
                all,
                changeDigest(base.scope(), all),
                PolicyDigest.ofPolicy(next),
                null);
    }

    private ScopePlan write(ScopeChange planned) {
        List<Document> puts = new ArrayList<>();
        List<DocumentKey> deletes = new ArrayList<>();
        split(planned.documents(), puts, deletes);
        RevisionRecord record = new RevisionRecord(
                planned.revision(),
                now,
                recorder,
                Optional.ofNullable(change.reason()),
                planned.changed().size(),
                planned.changeDigest(),
                planned.policyDigest(),
                0);
        return new ScopePlan(
                planned.scope(),
                planned.revision(),
                puts,
                deletes,
                record,
                PolicyEvents.of(planned, recorder, change.reason()));
    }

    /** Over what is not the same afterwards. */
    private static Digest changeDigest(PolicyScope scope, List<DocumentChange> changes) {
        List<Document> puts = new ArrayList<>();
        List<DocumentKey> deletes = new ArrayList<>();
        split(changes, puts, deletes);
        return PolicyDigest.ofChange(scope, puts, deletes);
    }

    private static void split(List<DocumentChange> changes, List<Document> puts, List<DocumentKey> deletes) {
        for (DocumentChange one : changes) {
            if (one.type() == ChangeType.UNCHANGED) {
                continue;
            }
            if (one.after() == null) {
                deletes.add(one.key());
            } else {
                puts.add(one.after());
            }
        }
    }

    private static ChangeType typeOf(@Nullable Document before, Document after) {
        if (before == null) {
            return ChangeType.CREATED;
        }
        return DocumentText.write(before).equals(DocumentText.write(after))
                ? ChangeType.UNCHANGED
                : ChangeType.REPLACED;
    }

    private static List<Document> inScope(List<Document> documents, PolicyScope scope) {
        return documents.stream()
                .filter(document -> document.scope().equals(scope))
                .toList();
    }

    private static PolicySet setOf(Map<PolicyScope, PolicySet> current, PolicyScope scope) {
        return Objects.requireNonNullElseGet(current.get(scope), () -> PolicySet.empty(scope));
    }
}

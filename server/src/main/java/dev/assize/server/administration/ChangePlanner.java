package dev.assize.server.administration;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.ChangeResult.AcceptanceNeeded;
import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.administration.PolicyRepository.Answered;
import dev.assize.server.administration.PolicyRepository.Planner;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.administration.PolicyRepository.Unchanged;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.policy.Problem;
import dev.assize.server.policy.SourcePlace;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Decides what a change set writes, from what is there when it is written. Run once for each attempt of a transaction;
 * what it found in the last one is its {@link #result()}.
 */
final class ChangePlanner implements Planner {

    private final ChangeSet change;
    private final Recorder recorder;
    private final Warrant warrant;
    private final Predicate<TenantId> mayCreate;
    private final InstantSource clock;
    private @Nullable ChangeJudge judge;
    private @Nullable ChangeResult result;
    private List<Unchanged> unchanged = List.of();

    ChangePlanner(ChangeSet change, Warrant warrant, Predicate<TenantId> mayCreate, InstantSource clock) {
        this.change = change;
        this.recorder = warrant.recorder();
        this.warrant = warrant;
        this.mayCreate = mayCreate;
        this.clock = clock;
    }

    @Override
    public List<ScopePlan> plan(Present present) {
        unchanged = List.of();
        result = answered(present);
        if (result == null) {
            result = refusal(present);
        }
        if (result != null) {
            return List.of();
        }
        List<Planned> planned =
                change.scopes().stream().map(scope -> plan(present, scope)).toList();
        SortedMap<PolicyScope, PolicySet> after = new TreeMap<>();
        planned.forEach(one -> after.put(one.after.scope(), one.after));
        List<ScopeChange> changes = planned.stream().map(Planned::change).toList();
        Optional<TenantId> lifted = lifted(changes);
        if (lifted.isPresent()) {
            result = new ChangeResult.LiftRefused(lifted.get());
            return List.of();
        }
        Optional<DocumentKey> beyond = beyond(changes);
        if (beyond.isPresent()) {
            result = new ChangeResult.BeyondEnvironments(beyond.get());
            return List.of();
        }
        Optional<TenantId> termed = termed(changes);
        if (termed.isPresent()) {
            result = new ChangeResult.TermsRefused(termed.get());
            return List.of();
        }
        judge = new ChangeJudge(change, changes, present, after, clock.instant(), warrant.ungiven());
        List<Problem> problems = new ArrayList<>(judge.problems());
        changes.forEach(scopeChange -> addReserved(scopeChange, problems));
        planned.forEach(one -> addBeyondTerms(present.documents(one.after.scope()), one.after, problems));
        if (change.dryRun()) {
            int needed =
                    needed(present, changes).map(AcceptanceNeeded::acceptances).orElse(0);
            result = new ChangeResult.Compared(
                    changes, problems, judge.violations(), judge.gains(), List.of(), 0, needed);
            return List.of();
        }
        if (!problems.isEmpty()) {
            result = new ChangeResult.Invalid(problems);
            return List.of();
        }
        if (!judge.gains().isEmpty()) {
            result = new ChangeResult.SelfEscalation(judge.gains().getFirst());
            return List.of();
        }
        result = needed(present, changes).orElse(null);
        if (result != null) {
            return List.of();
        }
        result = new ChangeResult.Accepted(changes, judge.violations());
        unchanged = changes.stream()
                .filter(change -> !change.isChange())
                .flatMap(change ->
                        once().stream().map(once -> new Unchanged(change.scope(), change.base(), recorder, once)))
                .toList();
        return planned.stream()
                .filter(one -> one.change.isChange())
                .map(this::write)
                .toList();
    }

    @Override
    public List<Unchanged> unchanged() {
        return unchanged;
    }

    /** A tenant is suspended and resumed by whoever may do that, and not by who may change its freezes. */
    private void addReserved(ScopeChange scopeChange, List<Problem> problems) {
        scopeChange.changed().stream()
                .filter(document -> TenantLife.isReserved(document.key(), change.origin()))
                .forEach(document -> problems.add(new Problem(
                        document.after() == null
                                ? SourcePlace.UNKNOWN
                                : document.after().place(),
                        document.key() + ": metadata.name",
                        document.key().name(),
                        "another name: a tenant is suspended and resumed as such (`assize tenant"
                                + " suspend`, `resume`)")));
    }

    /** A tenant has no more documents than it may, and a change that leaves it with fewer is never in the way. */
    private static void addBeyondTerms(PolicySet before, PolicySet after, List<Problem> problems) {
        for (TenantDocument tenant : after.ofKind(TenantDocument.class)) {
            Integer most = tenant.terms().documents();
            // To count takes as long as there are freezes: for whom there is no bound nobody counts.
            int size = most == null ? 0 : documents(after);
            if (most != null && size > most && size > documents(before)) {
                problems.add(new Problem(
                        tenant.place(),
                        tenant.key() + ": spec.limits.documents",
                        most.toString(),
                        "no more documents than that, freezes not counted: with this change there are " + size));
            }
        }
    }

    /** An emergency brake is never one too many. */
    private static int documents(PolicySet policy) {
        return policy.size() - policy.ofKind(FreezeDocument.class).size();
    }

    /** What concerns more than the environments that the author's credential is for. */
    private Optional<DocumentKey> beyond(List<ScopeChange> changes) {
        return change.origin().envs().isEmpty()
                ? Optional.empty()
                : changes.stream()
                        .flatMap(one -> one.changed().stream())
                        .filter(document ->
                                !Confinement.holds(document, change.origin().envs()))
                        .map(DocumentChange::key)
                        .findFirst();
    }

    /** Where it is said anew what a tenant may have, which this warrant does not. */
    private Optional<TenantId> termed(List<ScopeChange> changes) {
        return changes.stream()
                .filter(one -> one.changed().stream().anyMatch(ChangePlanner::setsTerms))
                .map(one -> one.scope().ledgerTenant())
                .filter(warrant.maySetTerms().negate())
                .findFirst();
    }

    private static boolean setsTerms(DocumentChange change) {
        return change.before() instanceof TenantDocument was
                && change.after() instanceof TenantDocument is
                && !was.terms().equals(is.terms());
    }

    /** Who judged in the last attempt; null where it was refused before. */
    @Nullable
    ChangeJudge judge() {
        return judge;
    }

    /** What the last attempt found; an accepted change is committed only when the transaction is. */
    ChangeResult result() {
        if (result == null) {
            throw new IllegalStateException("The store never asked for a plan");
        }
        return result;
    }

    /** How many must accept a change, as the tenant's policy before it says; 0 where nobody need to. */
    static int acceptancesNeeded(PolicySet tenant) {
        return tenant.ofKind(TenantDocument.class).stream()
                .mapToInt(TenantDocument::changeApprovals)
                .findFirst()
                .orElse(0);
    }

    /** The first scope that is not to be changed by one alone; the platform is guarded as tenant `assize`. */
    private Optional<AcceptanceNeeded> needed(Present present, List<ScopeChange> changes) {
        return warrant.isAccepted()
                ? Optional.empty()
                : changes.stream()
                        .filter(ScopeChange::isChange)
                        .map(ScopeChange::scope)
                        .map(scope -> new AcceptanceNeeded(
                                scope, acceptancesNeeded(present.documents(PolicyScope.of(scope.ledgerTenant())))))
                        .filter(found -> found.acceptances() > 0)
                        .findFirst();
    }

    /** Where a freeze is lifted that this warrant does not lift. */
    private Optional<TenantId> lifted(List<ScopeChange> changes) {
        Instant now = clock.instant();
        return changes.stream()
                .filter(one -> one.changed().stream().anyMatch(document -> Lifting.isIn(document, now)))
                .map(one -> one.scope().ledgerTenant())
                .filter(warrant.mayLift().negate())
                .findFirst();
    }

    /** A dry run does nothing that could be done twice. */
    private Optional<Once> once() {
        return change.dryRun()
                ? Optional.empty()
                : Optional.ofNullable(change.origin().once());
    }

    /** Before anything is judged: since the first request, what it did may have become impossible. */
    private @Nullable ChangeResult answered(Present present) {
        Once once = once().orElse(null);
        if (once == null) {
            return null;
        }
        List<ScopeChange> changes = new ArrayList<>();
        for (PolicyScope scope : change.scopes()) {
            Answered first = present.answered(scope, recorder, once.key()).orElse(null);
            if (first != null && !first.once().content().equals(once.content())) {
                return new ChangeResult.KeyReused(once.key());
            }
            if (first != null) {
                changes.add(answered(present, scope, first));
            }
        }
        return changes.isEmpty() ? null : new ChangeResult.Replayed(changes);
    }

    private ScopeChange answered(Present present, PolicyScope scope, Answered first) {
        RevisionRecord at = first.at();
        Revision revision = at == null ? Revision.NONE : at.revision();
        SortedMap<DocumentKey, ChangeType> documents =
                first.changed() ? present.changedBy(scope, revision) : new TreeMap<>();
        inScope(change.puts(), scope).forEach(put -> documents.putIfAbsent(put.key(), ChangeType.UNCHANGED));
        return new ScopeChange(
                scope,
                first.changed() ? new Revision(revision.value() - 1) : revision,
                revision,
                documents.entrySet().stream()
                        .map(one -> new DocumentChange(one.getKey(), one.getValue(), null, null))
                        .toList(),
                at != null && first.changed() ? at.changeDigest() : PolicyDigest.ofChange(scope, List.of(), List.of()),
                at == null ? PolicyDigest.ofPolicy(PolicySet.empty(scope)) : at.policyDigest(),
                at != null && first.changed() ? at.seq() : null);
    }

    private @Nullable ChangeResult refusal(Present present) {
        for (Precondition precondition : change.preconditions()) {
            Revision actual = present.documents(precondition.scope()).revision();
            if (!actual.equals(precondition.revision())) {
                return new ChangeResult.RevisionMoved(precondition.scope(), precondition.revision(), actual);
            }
        }
        return change.puts().stream()
                .filter(TenantDocument.class::isInstance)
                .filter(document ->
                        present.documents(document.scope()).find(document.key()).isEmpty())
                .flatMap(document -> document.scope().tenant().stream())
                .filter(mayCreate.negate())
                .findFirst()
                .map(ChangeResult.TenantCreationRefused::new)
                .orElse(null);
    }

    /** Costs what the change names; what it does not name is shared with what is there. */
    private Planned plan(Present present, PolicyScope scope) {
        PolicySet base = present.documents(scope);
        base.prepareForChange();
        SortedMap<DocumentKey, DocumentChange> changes = new TreeMap<>();
        for (Document put : inScope(change.puts(), scope)) {
            Document before = base.find(put.key()).orElse(null);
            changes.put(put.key(), new DocumentChange(put.key(), typeOf(before, put), before, put));
        }
        for (DocumentKey key : change.deletes()) {
            base.find(key)
                    .ifPresent(before -> changes.put(key, new DocumentChange(key, ChangeType.DELETED, before, null)));
        }
        prunable(base)
                .filter(document -> !changes.containsKey(document.key()))
                .forEach(document -> changes.put(
                        document.key(), new DocumentChange(document.key(), ChangeType.DELETED, document, null)));
        List<DocumentChange> all = List.copyOf(changes.values());
        Difference difference = Difference.of(all);
        PolicySet next =
                difference.isEmpty() ? base : base.with(base.revision().next(), difference.puts, difference.deletes);
        PolicySum sum = present.sum(scope).with(difference.replaced, difference.puts);
        ScopeChange scopeChange = new ScopeChange(
                scope,
                base.revision(),
                next.revision(),
                all,
                PolicyDigest.ofChange(scope, difference.puts, difference.deletes),
                PolicyDigest.ofPolicy(scope, next.size(), sum),
                null);
        return new Planned(scopeChange, difference, next, sum);
    }

    /** What the change's manager last wrote, and may so be missing from it on purpose. */
    private Stream<Document> prunable(PolicySet base) {
        String manager = change.prunedManager();
        return manager == null
                ? Stream.of()
                : base.documents().stream()
                        .filter(document -> manager.equals(document.metadata().manager()))
                        .filter(document -> document.kind() != Kind.TENANT && document.kind() != Kind.FREEZE);
    }

    private ScopePlan write(Planned planned) {
        ScopeChange made = planned.change;
        RevisionRecord record = new RevisionRecord(
                made.revision(),
                clock.instant(),
                recorder,
                Optional.ofNullable(change.reason()),
                made.changed().size(),
                made.changeDigest(),
                made.policyDigest(),
                0);
        return new ScopePlan(
                made.scope(),
                made.revision(),
                planned.difference.puts,
                planned.difference.deletes,
                planned.sum,
                record,
                PolicyEvents.of(made, recorder, change.reason(), change.origin()),
                TenantEvents.of(made, recorder, change.reason(), change.origin()),
                change.origin().once());
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

    /** What becomes of one scope. */
    private record Planned(ScopeChange change, Difference difference, PolicySet after, PolicySum sum) {}

    /**
     * What is not the same afterwards.
     *
     * @param replaced documents as they were, the deleted ones too
     */
    private record Difference(List<Document> puts, List<DocumentKey> deletes, List<Document> replaced) {

        static Difference of(List<DocumentChange> changes) {
            Difference difference = new Difference(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
            changes.stream().filter(one -> one.type() != ChangeType.UNCHANGED).forEach(difference::add);
            return difference;
        }

        boolean isEmpty() {
            return puts.isEmpty() && deletes.isEmpty();
        }

        private void add(DocumentChange change) {
            if (change.before() != null) {
                replaced.add(change.before());
            }
            if (change.after() == null) {
                deletes.add(change.key());
            } else {
                puts.add(change.after());
            }
        }
    }
}

package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.impact.Impact;
import dev.assize.server.decision.impact.ImpactAnalysis;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The front desk of policy administration: changes policy, all or nothing, and reads it back. Blocks. */
public final class PolicyAdministration {

    private final PolicyRepository repository;
    private final DecisionService decisions;
    private final InstantSource clock;

    @Inject
    public PolicyAdministration(PolicyRepository repository, DecisionService decisions, InstantSource clock) {
        this.repository = repository;
        this.decisions = decisions;
        this.clock = clock;
    }

    /**
     * Validates a change set, compiles what results, and commits it together with its ledger entries. The recorder
     * must be permitted to change every scope named; that is for the caller to know.
     *
     * @param mayCreate whether a tenant of this name may be made, and what it may have be said anew; asked within a
     *     transaction, so it must not block
     */
    public ChangeResult apply(ChangeSet change, Recorder recorder, Predicate<TenantId> mayCreate) {
        return apply(change, recorder, mayCreate, tenant -> false);
    }

    /**
     * The same for somebody who may lift freezes, too.
     *
     * @param mayLift whether those of a tenant may be lifted; asked within a transaction, so it must not block
     */
    public ChangeResult apply(
            ChangeSet change, Recorder recorder, Predicate<TenantId> mayCreate, Predicate<TenantId> mayLift) {
        Warrant warrant = Warrant.of(recorder, change.origin()).lifting(mayLift).settingTerms(mayCreate);
        return apply(change, new ChangePlanner(change, warrant, mayCreate, clock));
    }

    /** Gives a new database its first policy: nobody is there yet who could have asked for it. */
    ChangeResult applyFirst(ChangeSet change) {
        return apply(change, new ChangePlanner(change, Warrant.ofFirst(), TenantId.ASSIZE::equals, clock));
    }

    /**
     * Judges a change of one scope, that makes no tenant, as a dry run does.
     *
     * @param viewer whose gains are told
     * @param withImpact whether answers are compared, too
     */
    Comparison compare(ChangeSet change, PolicyScope scope, Recorder viewer, boolean withImpact) {
        ChangePlanner planner =
                new ChangePlanner(change, new Warrant(viewer, List.of(viewer), true), tenant -> false, clock);
        AtomicReference<Base> base = new AtomicReference<>();
        repository.changeAhead(Set.of(scope), present -> {
            base.set(AcceptStep.base(present, scope));
            return planner.plan(present);
        });
        ChangeResult result = planner.result();
        return new Comparison(
                withImpact && result instanceof Compared compared ? withImpact(compared, planner.judge()) : result,
                Objects.requireNonNull(base.get()));
    }

    /** What a change of the scope would be judged against. */
    Base base(PolicyScope scope) {
        return new Base(
                repository.current(scope).revision(),
                repository.current(PolicyScope.PLATFORM).revision());
    }

    /** How many must accept a proposal to change the scope; one at least. */
    int acceptancesNeeded(PolicyScope scope) {
        return Math.max(1, ChangePlanner.acceptancesNeeded(repository.current(PolicyScope.of(scope.ledgerTenant()))));
    }

    private ChangeResult apply(ChangeSet change, ChangePlanner planner) {
        List<Long> manifests = repository.changeAhead(change.scopes(), planner);
        return switch (planner.result()) {
            case Accepted accepted -> committed(accepted, manifests);
            case Compared compared -> withImpact(compared, planner.judge());
            case ChangeResult other -> other;
        };
    }

    /** Behind the transaction, for it may take a while; what it compares stays as it was. */
    private Compared withImpact(Compared compared, @Nullable ChangeJudge judge) {
        if (judge == null || !compared.problems().isEmpty()) {
            return compared;
        }
        Instant now = clock.instant();
        List<Impact> impacts = judge.comparisons().stream()
                .map(each -> ImpactAnalysis.of(each.before(), each.after(), each.changed(), now))
                .toList();
        return new Compared(
                compared.changes(),
                compared.problems(),
                compared.violations(),
                compared.gains(),
                impacts,
                judge.comparisonsLeftOut(),
                compared.acceptancesNeeded());
    }

    /** A scope's documents at its current revision. */
    public PolicySet export(PolicyScope scope) {
        return repository.current(scope);
    }

    /** Accepted changes below a revision, newest first. */
    public List<RevisionRecord> revisions(PolicyScope scope, @Nullable Revision before, int limit) {
        return repository.revisions(scope, before, limit);
    }

    private Accepted committed(Accepted accepted, List<Long> manifests) {
        Iterator<Long> seqs = manifests.iterator();
        List<ScopeChange> changes = new ArrayList<>();
        for (ScopeChange change : accepted.changes()) {
            if (change.isChange()) {
                decisions.refresh(change.scope());
                changes.add(change.committedAt(seqs.next()));
            } else {
                changes.add(change);
            }
        }
        return new Accepted(changes, accepted.violations());
    }
}

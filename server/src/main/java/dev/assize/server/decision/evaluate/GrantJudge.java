package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.condition.Condition;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Judges what is not plain: grants with a scope, a time or a condition, denies, and everything where freezes, active
 * roles or named roles have a say. Notes what it finds, without leaving early: a deny that comes last still outweighs
 * every allow.
 */
final class GrantJudge {

    private final DecisionGraph graph;
    private final CheckQuery query;
    private final Instant now;
    private final Cell cell;
    private final boolean narrowed;
    private final SubjectGrants grants;
    private @Nullable Facts facts;

    /** The roles that are frozen for this request; null for none, as nearly always. */
    private @Nullable Set<String> cut;

    private @Nullable FreezeDocument cutting;
    private boolean allowedButForTheCut;

    private @Nullable Found denying;
    private @Nullable Grant allowing;
    private @Nullable CarriedPermission allowingPermission;
    private @Nullable Found conditionError;
    private @Nullable Found conditionFalse;
    private @Nullable Grant expired;
    private @Nullable Grant notYetValid;
    private @Nullable Grant outOfScope;
    private List<Obligation> obligations = List.of();

    /** When the next deny begins or ends, and the next of any kind; now, where a condition may change at any time. */
    private Instant denyBoundary;

    private Instant boundary;

    /** A grant and the permission that decides of it. */
    private record Found(Grant grant, CarriedPermission permission) {}

    GrantJudge(
            DecisionGraph graph,
            CheckQuery query,
            Instant now,
            Cell cell,
            SubjectGrants grants,
            @Nullable Facts facts) {
        this.facts = facts;
        this.graph = graph;
        this.query = query;
        this.now = now;
        this.cell = cell;
        this.narrowed = !query.activeRoles().isEmpty();
        this.grants = grants;
        this.boundary = Evaluator.horizon(now);
        this.denyBoundary = boundary;
    }

    /** The answer where a freeze or the roles that are active stop the request, whatever it is granted. */
    @Nullable
    Verdict stopped(List<Duties.ActiveRule> rules) {
        if (!graph.freezes().areNone()) {
            FreezeDocument frozen = freeze();
            if (frozen != null) {
                return denied(Reason.FROZEN, new DecidedBy.Freeze(frozen.name()), denyBoundary, List.of());
            }
        }
        Duties.ActiveRule violated = rules.isEmpty() ? null : violated(rules);
        return violated == null
                ? null
                : denied(Reason.SEPARATION_OF_DUTY, new DecidedBy.Duty(violated.name()), denyBoundary, List.of());
    }

    /** The freeze that stops the request; without one, the roles that others cut are known afterwards. */
    private @Nullable FreezeDocument freeze() {
        FreezeDocument frozen = null;
        for (FreezeDocument freeze : graph.freezes().matching(query, () -> facts().groups())) {
            Instant changes = Moments.next(freeze.from(), now, Moments.next(freeze.until(), now, boundary));
            boundary = Moments.earlier(boundary, changes);
            String role = freeze.target().role();
            boolean active = Moments.isWithin(now, freeze.from(), freeze.until());
            if (role == null) {
                denyBoundary = Moments.earlier(denyBoundary, changes);
                frozen = frozen == null && active ? freeze : frozen;
            } else if (active) {
                cut = cut == null ? new HashSet<>() : cut;
                cut.add(role);
                cutting = cutting == null ? freeze : cutting;
            }
        }
        return frozen;
    }

    private Duties.@Nullable ActiveRule violated(List<Duties.ActiveRule> rules) {
        Set<String> active = ActiveRoles.of(graph, query, grants, now, this::facts, this::limitAll);
        for (Duties.ActiveRule rule : rules) {
            if (rule.roles().stream().filter(active::contains).count() > rule.limit()) {
                return rule;
            }
        }
        return null;
    }

    private void limitAll(Instant moment) {
        boundary = Moments.earlier(boundary, moment);
        denyBoundary = Moments.earlier(denyBoundary, moment);
    }

    /** Whether some roles are frozen for this request. */
    boolean cutsRoles() {
        return cut != null;
    }

    /** Judges each grant of a list that has a say. */
    void over(GrantList list) {
        if (!list.mayHaveRoleOf(cell)) {
            return;
        }
        if (list.isInParts()) {
            list.parts().forEach(this::over);
            return;
        }
        for (int i = 0; i < list.size(); i++) {
            int role = list.role(i);
            boolean allows = cell.allows().has(role);
            boolean denies = cell.denies().has(role);
            if (allows || denies) {
                judge(list.grant(i), allows, denies);
            }
        }
    }

    void judge(Grant grant, boolean allowsUnlessNarrowed, boolean denies) {
        boolean allows = allowsUnlessNarrowed
                && (!narrowed || query.activeRoles().contains(grant.binding().role()));
        GrantTerms terms = grant.terms();
        if (terms == null) {
            hold(grant, allows, denies);
        } else if (allows || denies) {
            judge(grant, terms, allows, denies);
        }
    }

    /** In the order in which a binding is judged: its scope, its time, its condition. */
    private void judge(Grant grant, GrantTerms terms, boolean allows, boolean denies) {
        if (terms.scope() != null && !terms.scope().covers(query)) {
            outOfScope = allows ? first(outOfScope, grant) : outOfScope;
            return;
        }
        if (terms.timed()) {
            boundary = grant.boundary(now, boundary);
            denyBoundary = denies ? grant.boundary(now, denyBoundary) : denyBoundary;
            if (grant.hasEnded(now)) {
                expired = allows ? first(expired, grant) : expired;
                return;
            }
            if (grant.isYetToBegin(now)) {
                notYetValid = allows ? first(notYetValid, grant) : notYetValid;
                return;
            }
        }
        if (terms.when() == null) {
            hold(grant, allows, denies);
            return;
        }
        switch (ask(terms.when(), denies)) {
            case Condition.Verdict.Holds _ -> hold(grant, allows, denies);
            case Condition.Verdict.Fails _ -> {
                doubt(grant, allows);
                conditionFalse = allows ? first(conditionFalse, grant, firstAllow(grant)) : conditionFalse;
            }
            case Condition.Verdict.Broken _ -> {
                doubt(grant, allows);
                conditionError = allows ? first(conditionError, grant, firstAllow(grant)) : conditionError;
                hold(grant, false, denies);
            }
        }
    }

    /** The conditions that would be asked next are in question, too. */
    private void doubt(Grant grant, boolean allows) {
        Rule rule = allows ? cell.allows().of(grant.role()) : null;
        for (int i = 0; rule != null && i < rule.size(); i++) {
            Condition when = rule.condition(i);
            boundary = when != null && when.readsNowOrAttributes() ? now : boundary;
        }
    }

    private void hold(Grant grant, boolean allows, boolean denies) {
        if (denies) {
            deny(grant, cell.denies().of(grant.role()));
        }
        if (allows) {
            Rule rule = cell.allows().of(grant.role());
            if (rule.isConditional() || cut != null) {
                allowSome(grant, rule);
            } else {
                allow(grant, rule.first());
                obligations = Obligations.union(obligations, rule.obligations());
            }
        }
    }

    /** The first permission whose condition is true, or fails: an error must not open what a deny closes. */
    private void deny(Grant grant, Rule rule) {
        for (int i = 0; i < rule.size(); i++) {
            Condition when = rule.condition(i);
            if (when == null || !(ask(when, true) instanceof Condition.Verdict.Fails)) {
                denying = first(denying, grant, rule.permission(i));
                return;
            }
        }
    }

    private void allowSome(Grant grant, Rule rule) {
        for (int i = 0; i < rule.size(); i++) {
            CarriedPermission permission = rule.permission(i);
            Condition when = rule.condition(i);
            Condition.Verdict verdict = when == null ? Condition.Verdict.TRUE : ask(when, false);
            if (!isReached(grant, permission)) {
                allowedButForTheCut |= verdict instanceof Condition.Verdict.Holds;
                continue;
            }
            switch (verdict) {
                case Condition.Verdict.Holds _ -> {
                    allow(grant, permission);
                    obligations = Obligations.union(
                            obligations,
                            Obligations.ordered(permission.permission().obligations()));
                }
                case Condition.Verdict.Fails _ -> conditionFalse = first(conditionFalse, grant, permission);
                case Condition.Verdict.Broken _ -> conditionError = first(conditionError, grant, permission);
            }
        }
    }

    private void allow(Grant grant, CarriedPermission permission) {
        if (allowing == null || Evaluator.isBefore(grant, allowing)) {
            allowing = grant;
            allowingPermission = permission;
        }
    }

    private boolean isReached(Grant grant, CarriedPermission permission) {
        return cut == null
                || graph.schema()
                        .roles()
                        .reachedAvoiding(grant.binding().role(), cut)
                        .contains(permission.role());
    }

    /** The allow permission that a binding's failure is laid at: the first; null where frozen roles leave none. */
    private @Nullable CarriedPermission firstAllow(Grant grant) {
        Rule rule = cell.allows().of(grant.role());
        for (int i = 0; i < rule.size(); i++) {
            if (isReached(grant, rule.permission(i))) {
                return rule.permission(i);
            }
        }
        return null;
    }

    private Condition.Verdict ask(Condition when, boolean denies) {
        if (when.readsNowOrAttributes()) {
            boundary = now;
            denyBoundary = denies ? now : denyBoundary;
        }
        return when.evaluate(facts());
    }

    private Facts facts() {
        Facts known = facts;
        if (known == null) {
            known = new Facts(graph, query, now);
            facts = known;
        }
        return known;
    }

    /** With frozen roles, a grant of which they leave no allow permission is no reason. */
    private @Nullable Grant first(@Nullable Grant known, Grant grant) {
        if (cut != null && firstAllow(grant) == null) {
            return known;
        }
        return known == null || Evaluator.isBefore(grant, known) ? grant : known;
    }

    private static @Nullable Found first(@Nullable Found known, Grant grant, @Nullable CarriedPermission permission) {
        if (permission == null || (known != null && !Evaluator.isBefore(grant, known.grant()))) {
            return known;
        }
        return new Found(grant, permission);
    }

    /**
     * What follows from all that was judged.
     *
     * @param plain the first grant that allows beside those, with its rule; null for none
     * @param owed by all such grants
     */
    Verdict verdict(@Nullable Grant plain, @Nullable Rule rule, List<Obligation> owed) {
        if (plain != null && rule != null) {
            allow(plain, rule.first());
            obligations = Obligations.union(obligations, owed);
        }
        if (denying != null) {
            List<Obligation> advice =
                    Obligations.ordered(denying.permission().permission().obligations());
            return denied(Reason.EXPLICIT_DENY, decidedBy(denying), denyBoundary, advice);
        }
        if (allowing != null && allowingPermission != null) {
            return Evaluator.allowed(
                    graph, query, now, Evaluator.decidedBy(allowing, allowingPermission), boundary, obligations);
        }
        if (allowedButForTheCut && cutting != null) {
            return denied(Reason.FROZEN, new DecidedBy.Freeze(cutting.name()), boundary, List.of());
        }
        if (conditionError != null) {
            return denied(Reason.CONDITION_ERROR, decidedBy(conditionError), boundary, List.of());
        }
        if (conditionFalse != null) {
            return denied(Reason.CONDITION_FALSE, decidedBy(conditionFalse), boundary, List.of());
        }
        if (expired != null) {
            return failed(Reason.GRANT_EXPIRED, expired);
        }
        if (notYetValid != null) {
            return failed(Reason.GRANT_NOT_YET_VALID, notYetValid);
        }
        if (outOfScope != null) {
            return failed(Reason.OUT_OF_SCOPE, outOfScope);
        }
        return denied(Reason.NO_GRANT, null, boundary, List.of());
    }

    private Verdict failed(Reason reason, Grant grant) {
        CarriedPermission permission = firstAllow(grant);
        return denied(reason, permission == null ? null : Evaluator.decidedBy(grant, permission), boundary, List.of());
    }

    private Verdict denied(Reason reason, @Nullable DecidedBy decidedBy, Instant validUntil, List<Obligation> advice) {
        return Evaluator.denied(graph, reason, decidedBy, validUntil, advice);
    }

    private static DecidedBy decidedBy(Found found) {
        return Evaluator.decidedBy(found.grant(), found.permission());
    }
}

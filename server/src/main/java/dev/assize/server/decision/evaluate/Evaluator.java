package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.condition.Condition;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides a request from a compiled policy: a function of its three arguments and of nothing else.
 *
 * <p>One walk over the subject's grants collects everything that the answer may need, without leaving early: a deny that
 * comes last still outweighs every allow, and which grant decides is a matter of its name, not of when it was met.
 * Grants come in three lists, what names the subject, what names its type and what names everybody; a grant that is in
 * several counts once because firsts, unions and earliest moments do not change when something is counted again.
 *
 * <p>Nearly all grants have neither conditions nor frozen roles to ask about: those that have are judged apart, so that
 * the others do not pay for them.
 */
public final class Evaluator {

    /** No answer says more about the future than this. */
    public static final Duration HORIZON = Duration.ofHours(24);

    private static final long HORIZON_SECONDS = HORIZON.toSeconds();

    private Evaluator() {}

    /**
     * What the policy of the query's tenant says of the query at the moment {@code now}, apart from the one on whose
     * behalf it is made.
     *
     * @throws dev.assize.server.model.MalformedException for an attribute that is not of its declared type
     */
    public static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now) {
        return evaluate(graph, query, now, null);
    }

    /**
     * The same, where somebody else says what there is to know.
     *
     * @param facts null for what the graph and the query say
     */
    static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now, @Nullable Facts facts) {
        if (!query.tenant().equals(graph.tenant())) {
            throw new IllegalArgumentException("A question to another tenant's graph");
        }
        Schema schema = graph.schema();
        schema.attributes().require(query);
        int environment = schema.environment(query.env());
        if (environment < 0) {
            return unconcerned(graph, Reason.ENVIRONMENT_UNKNOWN, now);
        }
        ResourceNode type = schema.type(query.resource().type());
        if (type == null) {
            return unconcerned(graph, Reason.TYPE_UNKNOWN, now);
        }
        Cell cell = type.cell(query.action(), environment);
        if (cell == null) {
            return unconcerned(graph, Reason.ACTION_UNKNOWN, now);
        }
        return new Walk(graph, query, now, cell, facts).verdict();
    }

    /** A deny that no binding has a part in. */
    private static Verdict unconcerned(DecisionGraph graph, Reason reason, Instant now) {
        return verdict(new Answer(
                reason, null, graph.revision(), graph.platformRevision(), now.plusSeconds(HORIZON_SECONDS), List.of()));
    }

    private static Verdict verdict(Answer answer) {
        return new Verdict(answer, List.of(), List.of());
    }

    /** What the walk has found so far. */
    private static final class Walk {

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

        Walk(DecisionGraph graph, CheckQuery query, Instant now, Cell cell, @Nullable Facts facts) {
            this.facts = facts;
            this.graph = graph;
            this.query = query;
            this.now = now;
            this.cell = cell;
            this.narrowed = !query.activeRoles().isEmpty();
            this.grants = SubjectGrants.of(graph, query);
            this.boundary = now.plusSeconds(HORIZON_SECONDS);
            this.denyBoundary = boundary;
        }

        Verdict verdict() {
            if (!graph.freezes().areNone()) {
                FreezeDocument frozen = freeze();
                if (frozen != null) {
                    return denied(Reason.FROZEN, new DecidedBy.Freeze(frozen.name()), denyBoundary, List.of());
                }
            }
            List<Duties.ActiveRule> rules = graph.duties().active(query.env());
            if (!rules.isEmpty()) {
                Duties.ActiveRule violated = violated(rules);
                if (violated != null) {
                    return denied(
                            Reason.SEPARATION_OF_DUTY, new DecidedBy.Duty(violated.name()), denyBoundary, List.of());
                }
            }
            over(grants.named());
            over(grants.ofType());
            over(grants.ofAnyone());
            return conclusion();
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

        private void over(GrantList list) {
            if (list.size() == 0 || !list.mayHaveRoleOf(cell)) {
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

        private void judge(Grant grant, boolean allowsUnlessNarrowed, boolean denies) {
            boolean allows = allowsUnlessNarrowed
                    && (!narrowed
                            || query.activeRoles().contains(grant.binding().role()));
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
                                Obligations.union(
                                        List.of(permission.permission().obligations())));
                    }
                    case Condition.Verdict.Fails _ -> conditionFalse = first(conditionFalse, grant, permission);
                    case Condition.Verdict.Broken _ -> conditionError = first(conditionError, grant, permission);
                }
            }
        }

        private void allow(Grant grant, CarriedPermission permission) {
            if (allowing == null || isBefore(grant, allowing)) {
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
            return known == null || isBefore(grant, known) ? grant : known;
        }

        private static @Nullable Found first(
                @Nullable Found known, Grant grant, @Nullable CarriedPermission permission) {
            if (permission == null || (known != null && !isBefore(grant, known.grant()))) {
                return known;
            }
            return new Found(grant, permission);
        }

        private static boolean isBefore(Grant left, Grant right) {
            return Utf8Order.INSTANCE.compare(left.name(), right.name()) < 0;
        }

        private Verdict conclusion() {
            if (denying != null) {
                List<Obligation> advice = Obligations.union(
                        List.of(denying.permission().permission().obligations()));
                return denied(Reason.EXPLICIT_DENY, decidedBy(denying), denyBoundary, advice);
            }
            if (allowing != null && allowingPermission != null) {
                return allowed(decidedBy(allowing, allowingPermission));
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

        private Verdict allowed(DecidedBy decidedBy) {
            List<SeparationOfDutyDocument> histories = graph.duties().histories(query);
            List<ApprovalRuleDocument> approvals =
                    graph.duties().approvals(query.action(), query.resource(), query.env());
            Instant validUntil = histories.isEmpty() && approvals.isEmpty() ? boundary : now;
            return new Verdict(answer(Reason.ALLOWED, decidedBy, validUntil, obligations), histories, approvals);
        }

        private Verdict failed(Reason reason, Grant grant) {
            CarriedPermission permission = firstAllow(grant);
            return denied(reason, permission == null ? null : decidedBy(grant, permission), boundary, List.of());
        }

        private Verdict denied(
                Reason reason, @Nullable DecidedBy decidedBy, Instant validUntil, List<Obligation> advice) {
            return Evaluator.verdict(answer(reason, decidedBy, validUntil, advice));
        }

        private Answer answer(
                Reason reason, @Nullable DecidedBy decidedBy, Instant validUntil, List<Obligation> duties) {
            return new Answer(reason, decidedBy, graph.revision(), graph.platformRevision(), validUntil, duties);
        }

        private static DecidedBy decidedBy(Found found) {
            return decidedBy(found.grant(), found.permission());
        }

        private static DecidedBy decidedBy(Grant grant, CarriedPermission permission) {
            return new DecidedBy.Grant(grant.name(), permission.role(), permission.position());
        }
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.condition.Condition;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One walk over a subject's grants, from a question's names to its answer: finds the cell and the grants by the names'
 * bytes, and notes what the answer may need, without leaving early. A deny that comes last still outweighs every allow,
 * and which grant decides is a matter of its name, not of when it was met. Grants come in four lists, what names the
 * subject, its groups, its type and everybody; a grant that is in several counts once because firsts, unions and earliest
 * moments do not change when something is counted again.
 *
 * <p>Used again and again by one thread, it makes nothing on its way: what it found is read from it, until the next
 * question. Freezes, conditions, active roles and duties look at the question as a {@link CheckQuery}, which is made
 * where the first of them asks for it; so those cost what that costs, and nobody else pays.
 */
// What belongs to a question is set before anything reads it.
@SuppressWarnings("NullAway.Init")
public final class Walk {

    private static final int LOOKS_TOLD_AT_ONCE = 64;

    private static final Reason[] REASONS = Reason.values();

    private DecisionGraph graph;
    private CheckBytes names;
    private Instant now;
    private Instant horizon;
    private boolean narrowed;
    private boolean knowsPlace;
    private boolean knowsSubject;

    /** Grants that were looked at and that nobody was told of yet, of this question and those before. */
    private int looked;

    private @Nullable CheckQuery query;
    private @Nullable Facts facts;

    /** The roles that are frozen for this request; null for none, as nearly always. */
    private @Nullable Set<String> cut;

    private @Nullable FreezeDocument cutting;
    private boolean allowedButForTheCut;

    private @Nullable RoleBindingDocument denying;
    private Rule denyingRule;
    private int denyingPosition;
    private @Nullable RoleBindingDocument allowing;
    private CarriedPermission allowingPermission;
    private @Nullable Found conditionError;
    private @Nullable Found conditionFalse;
    private @Nullable RoleBindingDocument expired;
    private int expiredRole;
    private @Nullable RoleBindingDocument notYetValid;
    private int notYetValidRole;
    private @Nullable RoleBindingDocument outOfScope;
    private int outOfScopeRole;
    private List<Obligation> owed = List.of();

    /** When the next deny begins or ends, and the next of any kind; now, where a condition may change at any time. */
    private Instant denyBoundary;

    private Instant boundary;

    /** Which of the reasons it is: the collector charges for a reference that is written, and not for a number. */
    private int reason;

    /** What decided and is not told by what was found: neither an allow nor a deny. */
    private @Nullable RoleBindingDocument otherBinding;

    private @Nullable CarriedPermission otherPermission;
    private @Nullable DecidedBy decidingRestraint;
    private Instant validUntil;
    private List<Obligation> obligations = List.of();
    private List<SeparationOfDutyDocument> histories = List.of();
    private List<ApprovalRuleDocument> approvals = List.of();

    /** A binding and the permission that a condition stands before. */
    private record Found(RoleBindingDocument binding, CarriedPermission permission) {}

    /** Goes to a graph, which is asked from then on. */
    public void enter(DecisionGraph ofTenant) {
        graph = ofTenant;
    }

    /** Goes nowhere, and may be asked nothing there. */
    // Set again before anything reads it.
    @SuppressWarnings("NullAway")
    public void leave() {
        graph = null;
    }

    /** Where it is; it is nowhere before it has entered one, and once that is left. */
    public DecisionGraph graph() {
        return Objects.requireNonNull(graph, "The desk is closed");
    }

    /**
     * Judges what these names ask of the graph that was entered, as of a moment: about a subject of its own tenant.
     *
     * @param asked names with a plain path, of which others may turn out to be none: what is found means something only
     *     where the others are plain or known
     * @throws dev.assize.server.model.MalformedException perhaps, where some are none
     */
    public void over(CheckBytes asked, Instant moment) {
        asked.locate();
        begin(asked, moment);
        narrowed = false;
        query = null;
        facts = null;
        judge();
    }

    /**
     * Judges a question.
     *
     * @param known what there is to know; null for what the graph and the query say
     */
    void over(DecisionGraph ofTenant, CheckQuery asked, Instant moment, @Nullable Facts known) {
        enter(ofTenant);
        begin(CheckBytes.of(asked), moment);
        narrowed = !asked.activeRoles().isEmpty();
        query = asked;
        facts = known;
        judge();
        tellLooks();
    }

    /** Forgets the last question, so that nothing of its graph is kept. */
    // Set again before anything reads it.
    @SuppressWarnings("NullAway")
    public void forget() {
        leave();
        if (query != null) {
            query = null;
        }
        if (facts != null) {
            facts = null;
        }
        forgetFindings();
        if (denyingRule != null) {
            denyingRule = null;
        }
        if (allowingPermission != null) {
            allowingPermission = null;
        }
        if (otherBinding != null) {
            otherBinding = null;
        }
        if (otherPermission != null) {
            otherPermission = null;
        }
        if (decidingRestraint != null) {
            decidingRestraint = null;
        }
    }

    /** Writes nothing where nothing is: the collector charges for each. */
    private void forgetFindings() {
        if (cut != null) {
            cut = null;
        }
        if (cutting != null) {
            cutting = null;
        }
        if (denying != null) {
            denying = null;
        }
        if (allowing != null) {
            allowing = null;
        }
        if (conditionError != null) {
            conditionError = null;
        }
        if (conditionFalse != null) {
            conditionFalse = null;
        }
        if (expired != null) {
            expired = null;
        }
        if (notYetValid != null) {
            notYetValid = null;
        }
        if (outOfScope != null) {
            outOfScope = null;
        }
    }

    // Whether this very moment was the last one's, not one like it.
    @SuppressWarnings("ReferenceEquality")
    private void begin(CheckBytes asked, Instant moment) {
        if (names != asked) {
            names = asked;
        }
        if (now != moment) {
            now = moment;
            horizon = Evaluator.horizon(moment);
        }
        if (boundary != horizon) {
            boundary = horizon;
        }
        if (denyBoundary != horizon) {
            denyBoundary = horizon;
        }
        forgetFindings();
        allowedButForTheCut = false;
        if (!owed.isEmpty()) {
            owed = List.of();
        }
        if (!histories.isEmpty()) {
            histories = List.of();
        }
        if (!approvals.isEmpty()) {
            approvals = List.of();
        }
        knowsPlace = false;
        knowsSubject = false;
    }

    /** Whether environment and action are names that the policy has. */
    public boolean knowsEnvironmentAndAction() {
        return knowsPlace;
    }

    /** Whether the subject is one that the policy has. */
    public boolean knowsSubject() {
        return knowsSubject;
    }

    private void judge() {
        Schema schema = graph.schema();
        int environment = schema.environment(names);
        if (environment < 0) {
            decide(Reason.ENVIRONMENT_UNKNOWN, horizon);
            return;
        }
        ResourceNode type = schema.type(names);
        if (type == null) {
            decide(Reason.TYPE_UNKNOWN, horizon);
            return;
        }
        Cell cell = type.cell(names, environment);
        if (cell == null) {
            decide(Reason.ACTION_UNKNOWN, horizon);
            return;
        }
        knowsPlace = !type.hasOtherActions();
        if (graph.isRestrained() && isStopped()) {
            return;
        }
        if (cell.isSilent()) {
            decide(Reason.NO_GRANT, boundary);
            return;
        }
        HomeDirectory home = query == null ? graph.residents() : graph.home(query.subjectTenant());
        SubjectNode subject = home.find(names);
        knowsSubject = subject != null;
        if (subject != null) {
            over(subject.direct(), cell);
            over(subject.membership().grants(home), cell);
        }
        over(home.ofType(names), cell);
        over(home.ofAnyone(), cell);
        conclude(cell);
    }

    /** Whether a freeze or the roles that are active stop the request, whatever it is granted. */
    private boolean isStopped() {
        FreezeDocument frozen = graph.freezes().areNone() ? null : freeze();
        if (frozen != null) {
            decide(Reason.FROZEN, new DecidedBy.Freeze(frozen.name()), denyBoundary);
            return true;
        }
        List<Duties.ActiveRule> rules = graph.duties().active(query().env());
        Duties.ActiveRule violated = rules.isEmpty() ? null : violated(rules);
        if (violated != null) {
            decide(Reason.SEPARATION_OF_DUTY, new DecidedBy.Duty(violated.name()), denyBoundary);
            return true;
        }
        return false;
    }

    /** The freeze that stops the request; without one, the roles that others cut are known afterwards. */
    private @Nullable FreezeDocument freeze() {
        FreezeDocument frozen = null;
        for (FreezeDocument freeze : graph.freezes().matching(query(), () -> facts().groups())) {
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
        SubjectGrants grants = SubjectGrants.of(graph, query());
        Set<String> active = ActiveRoles.of(graph, query(), grants, now, this::facts, this::limitAll);
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

    /** Judges each grant of a list that has a say. */
    private void over(GrantList list, Cell cell) {
        if (list.size() == 0 || !list.mayHaveRoleOf(cell)) {
            return;
        }
        if (list.isInParts()) {
            List<GrantList> parts = list.parts();
            spend(parts.size());
            for (int i = 0; i < parts.size(); i++) {
                over(parts.get(i), cell);
            }
            return;
        }
        spend(list.size());
        for (int i = 0; i < list.size(); i++) {
            int role = list.role(i);
            boolean allows = cell.allows(role);
            boolean denies = cell.denies(role);
            if (allows || denies) {
                judge(list.binding(i), cell, role, list.terms(i), allows, denies);
            }
        }
    }

    /** What little is looked at is told together: to ask whether somebody waits costs more than to look at a grant. */
    private void spend(int grants) {
        looked += grants;
        if (looked >= LOOKS_TOLD_AT_ONCE) {
            tellLooks();
        }
    }

    private void tellLooks() {
        int untold = looked;
        looked = 0;
        Effort.grants(untold);
    }

    private void judge(
            RoleBindingDocument binding,
            Cell cell,
            int role,
            @Nullable GrantTerms terms,
            boolean allowsUnlessNarrowed,
            boolean denies) {
        boolean allows =
                allowsUnlessNarrowed && (!narrowed || query().activeRoles().contains(binding.role()));
        if (terms == null) {
            hold(binding, cell, role, allows, denies);
        } else if (allows || denies) {
            judgeTerms(binding, cell, role, terms, allows, denies);
        }
    }

    /** In the order in which a binding is judged: its scope, its time, its condition. */
    private void judgeTerms(
            RoleBindingDocument binding, Cell cell, int role, GrantTerms terms, boolean allows, boolean denies) {
        if (terms.scope() != null && !terms.scope().covers(names)) {
            if (allows && comesFirst(outOfScope, binding, cell, role)) {
                outOfScope = binding;
                outOfScopeRole = role;
            }
            return;
        }
        if (terms.timed() && !isInTime(binding, cell, role, allows, denies)) {
            return;
        }
        if (terms.when() == null) {
            hold(binding, cell, role, allows, denies);
            return;
        }
        switch (ask(terms.when(), denies)) {
            case Condition.Verdict.Holds _ -> hold(binding, cell, role, allows, denies);
            case Condition.Verdict.Fails _ -> {
                doubt(cell, role, allows);
                conditionFalse =
                        allows ? first(conditionFalse, binding, firstAllow(binding, cell, role)) : conditionFalse;
            }
            case Condition.Verdict.Broken _ -> {
                doubt(cell, role, allows);
                conditionError =
                        allows ? first(conditionError, binding, firstAllow(binding, cell, role)) : conditionError;
                hold(binding, cell, role, false, denies);
            }
        }
    }

    private boolean isInTime(RoleBindingDocument binding, Cell cell, int role, boolean allows, boolean denies) {
        boundary = Moments.next(binding, now, boundary);
        denyBoundary = denies ? Moments.next(binding, now, denyBoundary) : denyBoundary;
        if (Moments.hasEnded(binding, now)) {
            if (allows && comesFirst(expired, binding, cell, role)) {
                expired = binding;
                expiredRole = role;
            }
            return false;
        }
        if (Moments.isYetToBegin(binding, now)) {
            if (allows && comesFirst(notYetValid, binding, cell, role)) {
                notYetValid = binding;
                notYetValidRole = role;
            }
            return false;
        }
        return true;
    }

    /** The conditions that would be asked next are in question, too. */
    private void doubt(Cell cell, int role, boolean allows) {
        Rule rule = allows ? cell.allows().of(role) : null;
        for (int i = 0; rule != null && i < rule.size(); i++) {
            Condition when = rule.condition(i);
            boundary = when != null && when.readsNowOrAttributes() ? now : boundary;
        }
    }

    private void hold(RoleBindingDocument binding, Cell cell, int role, boolean allows, boolean denies) {
        if (denies) {
            deny(binding, cell.denies().of(role));
        }
        if (allows) {
            Rule rule = cell.allows().of(role);
            if (rule.isConditional() || cut != null) {
                allowSome(binding, rule);
            } else {
                allow(binding, rule.first());
                owed = Obligations.union(owed, rule.obligations());
            }
        }
    }

    /** The first permission whose condition is true, or fails: an error must not open what a deny closes. */
    private void deny(RoleBindingDocument binding, Rule rule) {
        for (int i = 0; i < rule.size(); i++) {
            Condition when = rule.condition(i);
            if (when == null || !(ask(when, true) instanceof Condition.Verdict.Fails)) {
                if (denying == null || isBefore(binding, denying)) {
                    denying = binding;
                    denyingRule = rule;
                    denyingPosition = i;
                }
                return;
            }
        }
    }

    private void allowSome(RoleBindingDocument binding, Rule rule) {
        for (int i = 0; i < rule.size(); i++) {
            CarriedPermission permission = rule.permission(i);
            Condition when = rule.condition(i);
            Condition.Verdict verdict = when == null ? Condition.Verdict.TRUE : ask(when, false);
            if (!isReached(binding, permission)) {
                allowedButForTheCut |= verdict instanceof Condition.Verdict.Holds;
                continue;
            }
            switch (verdict) {
                case Condition.Verdict.Holds _ -> {
                    allow(binding, permission);
                    owed = Obligations.union(
                            owed, Obligations.ordered(permission.permission().obligations()));
                }
                case Condition.Verdict.Fails _ -> conditionFalse = first(conditionFalse, binding, permission);
                case Condition.Verdict.Broken _ -> conditionError = first(conditionError, binding, permission);
            }
        }
    }

    private void allow(RoleBindingDocument binding, CarriedPermission permission) {
        if (allowing == null || isBefore(binding, allowing)) {
            allowing = binding;
            allowingPermission = permission;
        }
    }

    private boolean isReached(RoleBindingDocument binding, CarriedPermission permission) {
        return cut == null
                || graph.schema().roles().reachedAvoiding(binding.role(), cut).contains(permission.role());
    }

    /** The allow permission that a binding's failure is laid at: the first; null where frozen roles leave none. */
    private @Nullable CarriedPermission firstAllow(RoleBindingDocument binding, Cell cell, int role) {
        Rule rule = cell.allows().of(role);
        for (int i = 0; i < rule.size(); i++) {
            if (isReached(binding, rule.permission(i))) {
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
        return Effort.ask(when, facts());
    }

    private Facts facts() {
        Facts known = facts;
        if (known == null) {
            known = new Facts(graph, query(), now);
            facts = known;
        }
        return known;
    }

    private CheckQuery query() {
        CheckQuery known = query;
        if (known == null) {
            known = names.query(graph.tenant());
            query = known;
        }
        return known;
    }

    private static boolean isBefore(RoleBindingDocument left, RoleBindingDocument right) {
        return Utf8Order.INSTANCE.compare(left.name(), right.name()) < 0;
    }

    /** With frozen roles, a grant of which they leave no allow permission is no reason. */
    private boolean comesFirst(@Nullable RoleBindingDocument known, RoleBindingDocument binding, Cell cell, int role) {
        return (cut == null || firstAllow(binding, cell, role) != null) && (known == null || isBefore(binding, known));
    }

    private static @Nullable Found first(
            @Nullable Found known, RoleBindingDocument binding, @Nullable CarriedPermission permission) {
        if (permission == null || (known != null && !isBefore(binding, known.binding()))) {
            return known;
        }
        return new Found(binding, permission);
    }

    /** What follows from all that was judged. */
    private void conclude(Cell cell) {
        if (denying != null) {
            denied();
        } else if (allowing != null) {
            allowed();
        } else if (allowedButForTheCut && cutting != null) {
            decide(Reason.FROZEN, new DecidedBy.Freeze(cutting.name()), boundary);
        } else if (conditionError != null) {
            decide(Reason.CONDITION_ERROR, conditionError.binding(), conditionError.permission());
        } else if (conditionFalse != null) {
            decide(Reason.CONDITION_FALSE, conditionFalse.binding(), conditionFalse.permission());
        } else if (expired != null) {
            decide(Reason.GRANT_EXPIRED, expired, firstAllow(expired, cell, expiredRole));
        } else if (notYetValid != null) {
            decide(Reason.GRANT_NOT_YET_VALID, notYetValid, firstAllow(notYetValid, cell, notYetValidRole));
        } else if (outOfScope != null) {
            decide(Reason.OUT_OF_SCOPE, outOfScope, firstAllow(outOfScope, cell, outOfScopeRole));
        } else {
            decide(Reason.NO_GRANT, boundary);
        }
    }

    private void denied() {
        List<Obligation> advice = denyingPosition == 0
                ? denyingRule.obligations()
                : Obligations.ordered(
                        denyingRule.permission(denyingPosition).permission().obligations());
        decide(Reason.EXPLICIT_DENY, null, null, null, denyBoundary, advice);
    }

    /** What is allowed, but for what history and approvals say. */
    private void allowed() {
        if (graph.mayAsk() && graph.duties().mayAsk(names)) {
            CheckQuery asked = query();
            histories = graph.duties().histories(asked);
            approvals = graph.duties().approvals(asked.action(), asked.resource(), asked.env());
        }
        boolean settled = histories.isEmpty() && approvals.isEmpty();
        decide(Reason.ALLOWED, null, null, null, settled ? boundary : now, owed);
    }

    private void decide(Reason why, Instant until) {
        decide(why, null, null, null, until, List.of());
    }

    private void decide(Reason why, DecidedBy restraint, Instant until) {
        decide(why, null, null, restraint, until, List.of());
    }

    private void decide(Reason why, RoleBindingDocument binding, @Nullable CarriedPermission permission) {
        decide(why, permission == null ? null : binding, permission, null, boundary, List.of());
    }

    /** Writes no reference that is there already: the collector charges for each. */
    // Whether it is this very one, not one like it; and a number that this process alone reads.
    @SuppressWarnings({"ReferenceEquality", "EnumOrdinal"})
    private void decide(
            Reason why,
            @Nullable RoleBindingDocument binding,
            @Nullable CarriedPermission permission,
            @Nullable DecidedBy restraint,
            Instant until,
            List<Obligation> owes) {
        reason = why.ordinal();
        if (otherBinding != binding) {
            otherBinding = binding;
        }
        if (otherPermission != permission) {
            otherPermission = permission;
        }
        if (decidingRestraint != restraint) {
            decidingRestraint = restraint;
        }
        if (validUntil != until) {
            validUntil = until;
        }
        if (obligations != owes) {
            obligations = owes;
        }
    }

    public Reason reason() {
        return REASONS[reason];
    }

    /** Whether history or approvals are still to be asked, outside of the policy. */
    public boolean hasMoreToAsk() {
        return !histories.isEmpty() || !approvals.isEmpty();
    }

    /** Up to when the answer stays the same if policy does not change. */
    public Instant validUntil() {
        return validUntil;
    }

    /** Duties on allow, advice on deny; by id, then type. */
    public List<Obligation> obligations() {
        return obligations;
    }

    /** The binding that decided; null where none did. */
    public @Nullable String binding() {
        RoleBindingDocument binding = switch (reason()) {
            case ALLOWED -> allowing;
            case EXPLICIT_DENY -> denying;
            default -> otherBinding;
        };
        return binding == null ? null : binding.name();
    }

    /** The permission that decided, with the role that carries it; null where no binding did. */
    public @Nullable CarriedPermission permission() {
        return switch (reason()) {
            case ALLOWED -> allowingPermission;
            case EXPLICIT_DENY -> denyingRule.permission(denyingPosition);
            default -> otherPermission;
        };
    }

    /** What in the policy decided. */
    private @Nullable DecidedBy decidedBy() {
        String binding = binding();
        CarriedPermission permission = permission();
        return binding == null || permission == null
                ? decidingRestraint
                : new DecidedBy.Grant(binding, permission.role(), permission.position());
    }

    /** A copy of what was found. */
    public Answer answer() {
        return new Answer(reason(), decidedBy(), graph.revision(), graph.platformRevision(), validUntil, obligations);
    }

    Verdict verdict() {
        return new Verdict(answer(), histories, approvals);
    }
}

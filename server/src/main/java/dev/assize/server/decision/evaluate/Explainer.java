package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.decision.check.Explanation.BindingTrace;
import dev.assize.server.decision.check.Explanation.PermissionState;
import dev.assize.server.decision.check.Explanation.PermissionTrace;
import dev.assize.server.decision.check.Explanation.RuleTrace;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.SubjectPattern;
import dev.assize.server.policy.condition.Condition;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tells how a decision came about, from the same graph and in the same order of judgement; the sentences come from the
 * documents, which a decision never looks at. History, approvals and the one on whose behalf the request is made are told
 * by whoever asks for them.
 */
public final class Explainer {

    private final DecisionGraph graph;
    private final CheckQuery query;
    private final Instant now;
    private final Facts facts;
    private final SubjectGrants grants;
    private final Sentences sentences;
    private final Set<String> cut = new HashSet<>();
    private final @Nullable Cell cell;

    private Explainer(DecisionGraph graph, CheckQuery query, Instant now) {
        this.graph = graph;
        this.query = query;
        this.now = now;
        this.facts = new Facts(graph, query, now);
        this.grants = SubjectGrants.of(graph, query);
        this.sentences = new Sentences(query, now, facts);
        int environment = graph.schema().environment(query.env());
        ResourceNode type = graph.schema().type(query.resource().type());
        this.cell = environment < 0 || type == null ? null : type.cell(query.action(), environment);
    }

    /** The answer of {@link Evaluator#evaluate}, and its trace. */
    public static Explanation explain(DecisionGraph graph, CheckQuery query, Instant now) {
        return explain(graph, query, now, Evaluator.evaluate(graph, query, now).answer());
    }

    /** The trace of an answer, which may rest on more than the policy alone. */
    public static Explanation explain(DecisionGraph graph, CheckQuery query, Instant now, Answer answer) {
        return new Explainer(graph, query, now).explanation(answer);
    }

    private Explanation explanation(Answer answer) {
        List<RuleTrace> freezes = freezes(answer);
        List<Duties.ActiveRule> rules = graph.duties().active(query.env());
        Set<String> active = new TreeSet<>(Utf8Order.INSTANCE);
        if (!rules.isEmpty()) {
            active.addAll(ActiveRoles.of(graph, query, grants, now, () -> facts, any -> {}));
        }
        return new Explanation(
                answer,
                List.copyOf(facts.groups()),
                List.copyOf(active),
                freezes,
                bindings(),
                duties(rules, active),
                approvals(),
                null);
    }

    private List<RuleTrace> duties(List<Duties.ActiveRule> rules, Set<String> active) {
        Stream<RuleTrace> ofRoles = rules.stream().map(rule -> trace(rule, active));
        Stream<RuleTrace> ofHistory = cell == null
                ? Stream.empty()
                : graph.duties().histories(query).stream().map(Explainer::notAsked);
        return Stream.concat(ofRoles, ofHistory)
                .sorted(Comparator.comparing(RuleTrace::name, Utf8Order.INSTANCE))
                .toList();
    }

    private List<RuleTrace> approvals() {
        return cell == null
                ? List.of()
                : graph.duties().approvals(query.action(), query.resource(), query.env()).stream()
                        .map(Explainer::notAsked)
                        .toList();
    }

    /** What is asked outside of the policy, and only where nothing before it denies. */
    private static RuleTrace notAsked(Document rule) {
        return new RuleTrace(
                rule.name(), false, "covers this, and is not asked: the request is denied before", rule.place());
    }

    private List<RuleTrace> freezes(Answer answer) {
        return graph.origin().tenant().ofKind(FreezeDocument.class).stream()
                .sorted(Comparator.comparing(FreezeDocument::name, Utf8Order.INSTANCE))
                .filter(freeze -> sentences.namesSomething(freeze.target()))
                .map(freeze -> trace(freeze, answer))
                .toList();
    }

    private RuleTrace trace(FreezeDocument freeze, Answer answer) {
        boolean stops = Freezes.matches(freeze.target(), query, facts::groups)
                && Moments.isWithin(now, freeze.from(), freeze.until());
        String role = freeze.target().role();
        if (stops && role != null) {
            cut.add(role);
        }
        boolean denies = stops && (role == null || answer.reason() == Reason.FROZEN);
        return new RuleTrace(freeze.name(), denies, sentences.of(freeze), freeze.place());
    }

    private static RuleTrace trace(Duties.ActiveRule rule, Set<String> active) {
        List<String> found = rule.roles().stream().filter(active::contains).toList();
        boolean denies = found.size() > rule.limit();
        String detail = "of roles " + Sentences.listed(rule.roles()) + " at most " + rule.limit() + " may be active; "
                + (found.isEmpty() ? "none is" : "active are " + Sentences.listed(found));
        return new RuleTrace(rule.name(), denies, detail, rule.document().place());
    }

    /** All that name the subject, by name. */
    private List<BindingTrace> bindings() {
        Map<String, Grant> byName = new TreeMap<>(Utf8Order.INSTANCE);
        grants.all().forEach(grant -> byName.put(grant.name(), grant));
        return byName.values().stream().map(this::trace).toList();
    }

    private BindingTrace trace(Grant grant) {
        RoleBindingDocument binding = grant.binding();
        Condition when = grant.terms() == null ? null : grant.terms().when();
        BindingState state = state(grant, when);
        String matched = matchedSubject(binding);
        return new BindingTrace(
                binding.name(),
                binding.role(),
                matched,
                state,
                "names `" + query.subject() + "` as `" + matched + "`, " + sentences.of(state, binding, when),
                binding.place(),
                permissions(grant));
    }

    private BindingState state(Grant grant, @Nullable Condition when) {
        GrantTerms terms = grant.terms();
        if (terms != null && terms.scope() != null && !terms.scope().covers(query)) {
            return BindingState.OUT_OF_SCOPE;
        }
        if (grant.hasEnded(now)) {
            return BindingState.EXPIRED;
        }
        if (grant.isYetToBegin(now)) {
            return BindingState.NOT_YET_VALID;
        }
        Condition.Verdict verdict = when == null ? Condition.Verdict.TRUE : when.evaluate(facts);
        return switch (verdict) {
            case Condition.Verdict.Fails _ -> BindingState.CONDITION_FALSE;
            case Condition.Verdict.Broken _ -> BindingState.CONDITION_ERROR;
            case Condition.Verdict.Holds _ ->
                query.activeRoles().isEmpty()
                                || query.activeRoles().contains(grant.binding().role())
                        ? BindingState.HOLDS
                        : BindingState.NOT_ACTIVE;
        };
    }

    /** The subject itself, else a group, else a wildcard: the narrowest first. */
    private String matchedSubject(RoleBindingDocument binding) {
        List<String> candidates = new ArrayList<>();
        candidates.add(query.subject().toString());
        facts.groups().forEach(group -> candidates.add(new Subject(Subject.GROUP_TYPE, group).toString()));
        candidates.add(new SubjectPattern.AnyOfType(query.subject().type()).toString());
        candidates.add(new SubjectPattern.Anyone().toString());
        Set<String> named = new HashSet<>();
        binding.subjects().forEach(pattern -> named.add(pattern.toString()));
        return candidates.stream().filter(named::contains).findFirst().orElseThrow();
    }

    private List<PermissionTrace> permissions(Grant grant) {
        if (cell == null) {
            return List.of();
        }
        return Stream.of(cell.allows(), cell.denies())
                .filter(rules -> rules.has(grant.role()))
                .map(rules -> rules.of(grant.role()))
                .flatMap(rule -> IntStream.range(0, rule.size())
                        .mapToObj(i -> trace(grant, rule.permission(i), rule.condition(i))))
                .sorted(Comparator.comparing(PermissionTrace::role, Utf8Order.INSTANCE)
                        .thenComparingInt(PermissionTrace::position))
                .toList();
    }

    private PermissionTrace trace(Grant grant, CarriedPermission carried, @Nullable Condition when) {
        String bound = grant.binding().role();
        Effect effect = carried.permission().effect();
        boolean frozen = effect == Effect.ALLOW
                && !cut.isEmpty()
                && !graph.schema().roles().reachedAvoiding(bound, cut).contains(carried.role());
        Condition.Verdict verdict = when == null ? Condition.Verdict.TRUE : when.evaluate(facts);
        String condition = when == null ? "" : sentences.of(when, verdict);
        return new PermissionTrace(
                carried.role(),
                carried.position(),
                effect,
                frozen ? PermissionState.ROLE_FROZEN : state(verdict),
                graph.schema().roles().path(bound, carried.role()),
                frozen ? "every way to role `" + carried.role() + "` goes through a frozen one" : condition,
                carried.permission().place());
    }

    private static PermissionState state(Condition.Verdict verdict) {
        return switch (verdict) {
            case Condition.Verdict.Holds _ -> PermissionState.HOLDS;
            case Condition.Verdict.Fails _ -> PermissionState.CONDITION_FALSE;
            case Condition.Verdict.Broken _ -> PermissionState.CONDITION_ERROR;
        };
    }
}

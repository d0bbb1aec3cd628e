package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AttributeDeclarations;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import dev.assize.server.policy.condition.Compilation;
import dev.assize.server.policy.condition.Condition;
import dev.assize.server.policy.condition.ConditionCompiler;
import dev.assize.server.policy.condition.ConditionInput;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who holds which role for a resource and an environment, and who is frozen there: what approvals need to know of
 * their approvers. It reads the documents that a graph was compiled from, one after the other: people approve a few
 * things a minute, and the graph stays free of what no check looks at.
 *
 * <p>A role is held by a binding to it, or to a role that inherits it, which names the subject, holds now and covers
 * the resource and environment. A role that a freeze cuts is held by nobody and through nobody.
 */
public final class RoleHolding {

    private static final Comparator<ApprovalRuleDocument> BY_NAME =
            Comparator.comparing(ApprovalRuleDocument::name, Utf8Order.INSTANCE);

    private final PolicySet tenant;
    private final PolicySet platform;
    private final Subject subject;
    private final TenantId home;
    private final ProposedAction proposed;
    private final Instant now;
    private final SortedSet<String> groups;
    private final List<FreezeTarget> matching;
    private final @Nullable String frozenBy;
    private final AttributeDeclarations declarations;
    private final ConditionCompiler conditions;

    private RoleHolding(
            DecisionGraph.Origin origin, Subject subject, TenantId home, ProposedAction proposed, Instant now) {
        this.tenant = origin.tenant();
        this.platform = origin.platform();
        this.subject = subject;
        this.home = home;
        this.proposed = proposed;
        this.now = now;
        this.groups = home.equals(proposed.tenant())
                ? new Memberships(tenant.ofKind(GroupDocument.class)).containing(subject)
                : new TreeSet<>();
        this.declarations = AttributeDeclarations.of(tenant, platform);
        this.conditions = new ConditionCompiler(declarations.ofSubjects());
        List<FreezeDocument> freezes = tenant.ofKind(FreezeDocument.class).stream()
                .filter(this::isActive)
                .filter(freeze -> matches(freeze.target()))
                .toList();
        this.matching = freezes.stream().map(FreezeDocument::target).toList();
        this.frozenBy = freezes.stream()
                .filter(freeze -> freeze.target().role() == null)
                .map(FreezeDocument::name)
                .min(Utf8Order.INSTANCE)
                .orElse(null);
    }

    /** What an action names that the graph does not know, in the order in which a decision finds it. */
    public static Optional<Reason> unknown(DecisionGraph graph, ProposedAction proposed) {
        int environment = graph.schema().environment(proposed.env());
        if (environment < 0) {
            return Optional.of(Reason.ENVIRONMENT_UNKNOWN);
        }
        ResourceNode type = graph.schema().type(proposed.resource().type());
        if (type == null) {
            return Optional.of(Reason.TYPE_UNKNOWN);
        }
        return type.cell(proposed.action(), environment) == null
                ? Optional.of(Reason.ACTION_UNKNOWN)
                : Optional.empty();
    }

    /** The approval rules that cover an action, by name. */
    public static List<ApprovalRuleDocument> covering(DecisionGraph graph, ProposedAction proposed) {
        return graph.origin().tenant().ofKind(ApprovalRuleDocument.class).stream()
                .filter(rule -> rule.resources().contains(proposed.resource().type())
                        && rule.actions().contains(proposed.action())
                        && rule.environments().contains(proposed.env()))
                .sorted(BY_NAME)
                .toList();
    }

    /** What is to be known of a subject that wants to approve an action. */
    public static ApproverStanding standing(
            DecisionGraph graph,
            Subject subject,
            TenantId home,
            ProposedAction proposed,
            Set<String> roles,
            Instant now) {
        RoleHolding holding = new RoleHolding(graph.origin(), subject, home, proposed, now);
        return new ApproverStanding(holding.frozenBy, holding.held(roles));
    }

    private Set<String> held(Set<String> roles) {
        Set<String> bound = tenant.ofKind(RoleBindingDocument.class).stream()
                .filter(this::holds)
                .map(RoleBindingDocument::role)
                .collect(Collectors.toSet());
        Set<String> held = reached(bound);
        held.retainAll(roles);
        return held;
    }

    private boolean holds(RoleBindingDocument binding) {
        TenantId from = binding.fromTenant() == null ? proposed.tenant() : binding.fromTenant();
        return from.equals(home)
                && binding.subjects().stream().anyMatch(this::names)
                && isWithin(binding.notBefore(), binding.notAfter())
                && covers(binding.scopeOfGrant())
                && isTrue(binding);
    }

    /** Whether a binding's condition is true of what is stored; nothing comes with a request here. */
    private boolean isTrue(RoleBindingDocument binding) {
        String when = binding.when();
        return when == null
                || (conditions.compile(when, declarations.seenBy(binding))
                                instanceof Compilation.Compiled(var condition)
                        && condition.evaluate(new Stored()) instanceof Condition.Verdict.Holds);
    }

    private boolean names(SubjectPattern pattern) {
        return switch (pattern) {
            case SubjectPattern.Anyone() -> true;
            case SubjectPattern.AnyOfType(String type) -> type.equals(subject.type());
            case SubjectPattern.Named(Subject named) -> names(named);
        };
    }

    private boolean names(Subject named) {
        return named.isGroup() ? groups.contains(named.id()) : named.equals(subject);
    }

    private boolean covers(Scope scope) {
        return scope.environments().stream().allMatch(any -> any.contains(proposed.env()))
                && scope.resourceTypes().stream()
                        .allMatch(any -> any.contains(proposed.resource().type()))
                && scope.resources().stream().allMatch(paths -> paths.stream().anyMatch(proposed.resource()::isUnder));
    }

    /** The roles and all they inherit, but for those that are cut and what is reached through them alone. */
    private Set<String> reached(Set<String> bound) {
        Map<String, List<String>> inherits = new HashMap<>();
        Stream.of(tenant, platform)
                .flatMap(policy -> policy.ofKind(RoleDocument.class).stream())
                .forEach(role -> inherits.put(role.name(), role.inherits()));
        Set<String> cut = matching.stream()
                .flatMap(target -> Stream.ofNullable(target.role()))
                .collect(Collectors.toSet());
        Set<String> reached = new HashSet<>();
        ArrayDeque<String> open = new ArrayDeque<>(bound);
        while (!open.isEmpty()) {
            String role = open.remove();
            if (!cut.contains(role) && reached.add(role)) {
                open.addAll(inherits.getOrDefault(role, List.of()));
            }
        }
        return reached;
    }

    /** What a condition sees: the approver as the subject, and of attributes what is stored. */
    private final class Stored implements ConditionInput {

        @Override
        public Subject subject() {
            return subject;
        }

        @Override
        public SortedSet<String> groups() {
            return groups;
        }

        @Override
        public Map<String, AttributeValue> subjectAttributes() {
            SortedMap<String, AttributeValue> stored = home.equals(proposed.tenant())
                    ? tenant.ofKind(SubjectDocument.class).stream()
                            .filter(document -> document.subject().equals(subject))
                            .findFirst()
                            .map(SubjectDocument::attributes)
                            .orElse(null)
                    : null;
            return Attributes.merged(Map.of(), stored, declarations.ofSubjects());
        }

        @Override
        public ResourcePath resource() {
            return proposed.resource();
        }

        @Override
        public Map<String, AttributeValue> resourceAttributes() {
            SortedMap<String, AttributeValue> stored = tenant.ofKind(ResourceDocument.class).stream()
                    .filter(document -> document.resource().equals(proposed.resource()))
                    .findFirst()
                    .map(ResourceDocument::attributes)
                    .orElse(null);
            return Attributes.merged(
                    Map.of(), stored, declarations.ofType(proposed.resource().type()));
        }

        @Override
        public Action action() {
            return proposed.action();
        }

        @Override
        public Environment env() {
            return proposed.env();
        }

        @Override
        public TenantId tenant() {
            return proposed.tenant();
        }

        @Override
        public Map<String, AttributeValue> context() {
            return Map.of();
        }

        @Override
        public Instant now() {
            return now;
        }
    }

    private boolean isActive(FreezeDocument freeze) {
        return isWithin(freeze.from(), freeze.until());
    }

    private boolean isWithin(@Nullable Instant from, @Nullable Instant until) {
        return (from == null || !now.isBefore(from)) && (until == null || now.isBefore(until));
    }

    /** Whether every field that is named matches; there is no run here, and none matches. */
    private boolean matches(FreezeTarget target) {
        return (target.subject() == null || names(target.subject()))
                && (target.action() == null || target.action().equals(proposed.action()))
                && (target.resource() == null || proposed.resource().isUnder(target.resource()))
                && (target.resourceType() == null
                        || target.resourceType().equals(proposed.resource().type()))
                && (target.environment() == null || target.environment().equals(proposed.env()))
                && target.run() == null;
    }
}

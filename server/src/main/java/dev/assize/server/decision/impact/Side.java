package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Openness;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.evaluate.Prospects;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.Reach;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One of the two policies that are compared, with what is asked of it over and over. */
final class Side {

    private static final Openness CERTAIN = new Openness(false, false, false, false, false);

    private final PolicyState state;
    private final Reach reach;
    private final Map<String, RoleDocument> roles = new TreeMap<>();
    private final Set<String> implying = new HashSet<>();
    private final List<FreezeDocument> freezes;
    private final List<RoleBindingDocument> open;
    private final Map<String, Set<String>> closures = new HashMap<>();
    private final Map<String, List<Touch>> allows = new HashMap<>();
    private @Nullable DecisionGraph graph;

    Side(PolicyState state) {
        this.state = state;
        this.reach = new Reach(state.tenant());
        this.open = reach.open();
        this.freezes = state.tenant().ofKind(FreezeDocument.class);
        for (PolicySet set : List.of(state.platform(), state.tenant())) {
            set.ofKind(RoleDocument.class).forEach(role -> roles.put(role.name(), role));
            set.ofKind(ResourceTypeDocument.class).stream()
                    .filter(type -> !type.implies().isEmpty())
                    .forEach(type -> implying.add(type.name()));
        }
    }

    /** Whether there is such a tenant. */
    boolean exists() {
        return !state.tenant().ofKind(TenantDocument.class).isEmpty();
    }

    PolicyState state() {
        return state;
    }

    Reach reach() {
        return reach;
    }

    List<FreezeDocument> freezes() {
        return freezes;
    }

    Collection<RoleDocument> roles() {
        return roles.values();
    }

    List<Environment> environments() {
        return state.tenant().ofKind(TenantDocument.class).stream()
                .flatMap(self -> self.environments().stream())
                .toList();
    }

    @Nullable
    Document find(DocumentKey key) {
        return (key.scope().isPlatform() ? state.platform() : state.tenant())
                .find(key)
                .orElse(null);
    }

    /**
     * Compiles of both what is needed to ask about some subjects.
     *
     * @param subjects null for everybody
     */
    static void compile(Side before, Side after, @Nullable Set<Subject> subjects, Set<DocumentKey> changed) {
        Set<DocumentKey> resources = subjects == null ? Set.of() : resources(before, after, subjects, changed);
        before.compile(subjects, resources);
        after.compile(subjects, resources);
    }

    /** What is stored of resources matters where a resource is asked for by itself, on both sides. */
    private static Set<DocumentKey> resources(
            Side before, Side after, Set<Subject> subjects, Set<DocumentKey> changed) {
        Set<ResourcePath> paths = new HashSet<>();
        for (Side side : List.of(before, after)) {
            paths.addAll(side.reach.scopes(subjects));
            side.freezes.stream()
                    .flatMap(freeze -> Stream.ofNullable(freeze.target().resource()))
                    .forEach(paths::add);
        }
        Set<DocumentKey> keys = new HashSet<>();
        paths.forEach(path -> keys.add(new DocumentKey(after.state.tenant().scope(), Kind.RESOURCE, path.value())));
        changed.stream().filter(key -> key.kind() == Kind.RESOURCE).forEach(keys::add);
        return keys;
    }

    private void compile(@Nullable Set<Subject> subjects, Set<DocumentKey> resources) {
        if (exists()) {
            PolicySet tenant = subjects == null ? state.tenant() : reach.slice(subjects, resources);
            graph = GraphCompiler.compile(tenant, state.platform());
        }
    }

    @Nullable
    DecisionGraph graph() {
        return graph;
    }

    Prospect ask(CheckQuery query, Openness openness, Instant now, boolean obligationsDeny) {
        return graph == null
                ? new Prospect(
                        Prospect.Effect.DENY,
                        Reason.TENANT_UNKNOWN,
                        null,
                        new TreeMap<>(),
                        new TreeMap<>(),
                        List.of(),
                        List.of())
                : Prospects.of(graph, query, openness, now, obligationsDeny);
    }

    /** A request as it is on record; where it brought attributes those are not known. */
    Prospect recall(CheckQuery query, boolean attributed, Instant now) {
        return graph == null || attributed ? ask(query, CERTAIN, now, false) : Prospects.known(graph, query, now);
    }

    /** Types that something else than a role names: where all others are alike, these may be otherwise. */
    void addNamedTypes(Set<String> names) {
        names.addAll(state.tenant().namedTypes());
        rules().forEach(rule -> add(rule.types(), names));
    }

    /** Actions that something else than a role names. */
    void addNamedActions(Set<Action> names) {
        rules().forEach(rule -> add(rule.actions(), names));
    }

    private static <T> void add(AnyOf<T> some, Set<T> names) {
        if (some instanceof AnyOf.Listed<T>(List<T> listed)) {
            names.addAll(listed);
        }
    }

    /** What freezes and rules speak of. */
    private List<Touch> rules() {
        List<Touch> rules = new ArrayList<>();
        for (PolicySet set : List.of(state.platform(), state.tenant())) {
            set.ofKind(ApprovalRuleDocument.class)
                    .forEach(rule -> rules.add(new Touch(rule.resources(), rule.actions())));
            set.ofKind(SeparationOfDutyDocument.class).forEach(rule -> {
                if (rule.duty() instanceof Duty.PerformedActions(List<Action> actions, AnyOf<String> types)) {
                    rules.add(new Touch(types, new AnyOf.Listed<>(actions)));
                }
            });
        }
        for (FreezeDocument freeze : freezes) {
            Action action = freeze.target().action();
            if (action != null) {
                rules.add(new Touch(new AnyOf.All<>(), new AnyOf.Listed<>(List.of(action))));
            }
        }
        return rules;
    }

    /** The names under which a subject of a home is known. */
    Set<Subject> names(Subject subject, TenantId home) {
        return home.equals(state.tenant().scope().ledgerTenant()) ? reach.withGroups(subject) : Set.of(subject);
    }

    /** The bindings that somebody has, by whatever names it. */
    List<RoleBindingDocument> bindingsOf(Person person) {
        List<RoleBindingDocument> found = new ArrayList<>();
        if (person.kind() == Person.Kind.NAMED) {
            for (Subject name : names(person.subject(), person.home())) {
                reach.naming(name).stream()
                        .filter(binding -> reach.homeOf(binding).equals(person.home()))
                        .forEach(found::add);
            }
        }
        open.stream()
                .filter(binding -> reach.homeOf(binding).equals(person.home()))
                .filter(binding -> binding.subjects().stream()
                        .anyMatch(pattern -> pattern instanceof SubjectPattern.Anyone
                                || (pattern instanceof SubjectPattern.AnyOfType(String type)
                                        && type.equals(person.subject().type()))))
                .forEach(found::add);
        return found;
    }

    /** A role and all it inherits. */
    Set<String> closure(String role) {
        Set<String> known = closures.get(role);
        if (known == null) {
            known = new LinkedHashSet<>(Set.of(role));
            Deque<String> rest = new ArrayDeque<>(known);
            while (!rest.isEmpty()) {
                RoleDocument document = roles.get(rest.remove());
                if (document != null) {
                    document.inherits().stream().filter(known::add).forEach(rest::add);
                }
            }
            closures.put(role, known);
        }
        return known;
    }

    /** The roles through which a role is had, itself among them. */
    Set<String> reaching(String role) {
        Set<String> reaching = new LinkedHashSet<>(Set.of(role));
        roles.keySet().stream().filter(each -> closure(each).contains(role)).forEach(reaching::add);
        return reaching;
    }

    /** All permissions a role carries. */
    Stream<Permission> permissions(String role) {
        return closure(role).stream()
                .flatMap(name -> Stream.ofNullable(roles.get(name)))
                .flatMap(document -> document.permissions().stream());
    }

    /** What a role may allow. */
    List<Touch> allows(String role) {
        return allows.computeIfAbsent(
                role,
                any -> permissions(role)
                        .filter(permission -> permission.effect() == Effect.ALLOW)
                        .map(this::touchOf)
                        .toList());
    }

    /** What a permission speaks of; an action that may imply others may speak of any. */
    Touch touchOf(Permission permission) {
        return touchOf(permission.resources(), permission.actions());
    }

    Touch touchOf(AnyOf<String> types, AnyOf<Action> actions) {
        boolean implies = switch (types) {
            case AnyOf.All<String> _ -> !implying.isEmpty();
            case AnyOf.Listed<String>(List<String> listed) -> listed.stream().anyMatch(implying::contains);
        };
        return new Touch(types, implies ? new AnyOf.All<>() : actions);
    }
}

package dev.assize.server.decision.evaluate;

import static java.util.stream.Collectors.joining;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.decision.check.Explanation.BindingTrace;
import dev.assize.server.decision.check.Explanation.PermissionState;
import dev.assize.server.decision.check.Explanation.PermissionTrace;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tells how a decision came about, from the same graph and in the same order of judgement; the sentences come from the
 * documents, which a decision never looks at. A request that names something unknown is answered before any binding
 * is judged, so its trace has none.
 */
public final class Explainer {

    private final DecisionGraph graph;
    private final CheckQuery query;
    private final Instant now;
    private final SortedSet<String> groups;
    private final InheritancePaths paths;

    private Explainer(DecisionGraph graph, CheckQuery query, Instant now) {
        this.graph = graph;
        this.query = query;
        this.now = now;
        this.groups = query.subjectTenant().equals(graph.tenant())
                ? new Memberships(graph.origin().tenant().ofKind(GroupDocument.class)).containing(query.subject())
                : new TreeSet<>();
        this.paths = new InheritancePaths(graph.origin());
    }

    /** The answer of {@link Evaluator#evaluate}, and its trace. */
    public static Explanation explain(DecisionGraph graph, CheckQuery query, Instant now) {
        Answer answer = Evaluator.evaluate(graph, query, now).answer();
        Explainer explainer = new Explainer(graph, query, now);
        return new Explanation(answer, List.copyOf(explainer.groups), explainer.traces());
    }

    private List<BindingTrace> traces() {
        int environment = graph.environment(query.env());
        ResourceNode type = graph.type(query.resource().type());
        Cell cell = environment < 0 || type == null ? null : type.cell(query.action(), environment);
        if (type == null || cell == null) {
            return List.of();
        }
        return grants().values().stream()
                .map(grant -> trace(grant, cell, environment, type.index()))
                .toList();
    }

    /** All that name the subject, by index, which is by name. */
    private SortedMap<Integer, Grant> grants() {
        SortedMap<Integer, Grant> grants = new TreeMap<>();
        SubjectIndex subjects = graph.subjects(query.subjectTenant());
        if (subjects != null) {
            Stream.of(
                            Optional.ofNullable(subjects.naming(query.subject())),
                            Optional.ofNullable(
                                    subjects.wildcards(query.subject().type())))
                    .flatMap(Optional::stream)
                    .flatMap(list -> list.asList().stream())
                    .forEach(grant -> grants.put(grant.index(), grant));
        }
        return grants;
    }

    private BindingTrace trace(Grant grant, Cell cell, int environment, int type) {
        RoleBindingDocument binding = grant.binding();
        BindingState state = grant.state(environment, type, query.resource(), now);
        String matched = matchedSubject(binding);
        return new BindingTrace(
                binding.name(),
                binding.role(),
                matched,
                state,
                "names `" + query.subject() + "` as `" + matched + "`, " + detail(state, binding),
                binding.place(),
                permissions(grant, cell));
    }

    /** The subject itself, else a group, else a wildcard: the narrowest first. */
    private String matchedSubject(RoleBindingDocument binding) {
        List<String> candidates = new ArrayList<>();
        candidates.add(query.subject().toString());
        groups.forEach(group -> candidates.add(Memberships.ofGroup(group).toString()));
        candidates.add(new SubjectPattern.AnyOfType(query.subject().type()).toString());
        candidates.add(new SubjectPattern.Anyone().toString());
        List<String> named = binding.subjects().stream().map(Object::toString).toList();
        return candidates.stream().filter(named::contains).findFirst().orElseThrow();
    }

    private String detail(BindingState state, RoleBindingDocument binding) {
        return switch (state) {
            case HOLDS ->
                "holds: " + times(binding) + ", and its scope covers environment `" + query.env() + "` and resource `"
                        + query.resource() + "`";
            case OUT_OF_SCOPE -> outOfScope(binding.scopeOfGrant());
            case EXPIRED -> "ended at " + binding.notAfter() + ", and it is " + now;
            case NOT_YET_VALID -> "begins at " + binding.notBefore() + ", and it is " + now;
            case CONDITION_FALSE, CONDITION_ERROR, NOT_ACTIVE ->
                throw new IllegalStateException("No grant is judged so: " + state);
        };
    }

    private String times(RoleBindingDocument binding) {
        if (binding.notBefore() == null && binding.notAfter() == null) {
            return "it has no limit in time";
        }
        return "it is " + now + ", "
                + Stream.of(limit("from ", binding.notBefore()), limit("before ", binding.notAfter()))
                        .filter(limit -> !limit.isEmpty())
                        .collect(joining(" and "));
    }

    private static String limit(String word, @Nullable Instant limit) {
        return limit == null ? "" : word + limit;
    }

    private String outOfScope(Scope scope) {
        List<String> misses = new ArrayList<>();
        if (scope.environments().filter(names -> !names.contains(query.env())).isPresent()) {
            misses.add(
                    "its scope has environments " + shown(scope.environments().get()) + ", not `" + query.env() + "`");
        }
        String type = query.resource().type();
        if (scope.resourceTypes().filter(names -> !names.contains(type)).isPresent()) {
            misses.add("its scope has resource types "
                    + shown(scope.resourceTypes().get()) + ", not `" + type + "`");
        }
        if (scope.resources()
                .filter(paths -> paths.stream().noneMatch(query.resource()::isUnder))
                .isPresent()) {
            misses.add("its scope has resources "
                    + shown(new AnyOf.Listed<>(scope.resources().get())) + ", and `" + query.resource()
                    + "` is under none of them");
        }
        return String.join("; ", misses);
    }

    private static <T> String shown(AnyOf<T> names) {
        return switch (names) {
            case AnyOf.All<T>() -> "`*`";
            case AnyOf.Listed<T>(List<T> listed) ->
                listed.stream().map(name -> "`" + name + "`").collect(joining(", "));
        };
    }

    private List<PermissionTrace> permissions(Grant grant, Cell cell) {
        return Stream.of(cell.allows(), cell.denies())
                .filter(rules -> rules.has(grant.role()))
                .flatMap(rules -> rules.of(grant.role()).permissions().stream())
                .sorted(CarriedPermission.ORDER)
                .map(permission -> trace(grant.binding().role(), permission))
                .toList();
    }

    private PermissionTrace trace(String boundRole, CarriedPermission carried) {
        return new PermissionTrace(
                carried.role(),
                carried.position(),
                carried.permission().effect(),
                PermissionState.HOLDS,
                paths.path(boundRole, carried.role()),
                "",
                carried.permission().place());
    }
}

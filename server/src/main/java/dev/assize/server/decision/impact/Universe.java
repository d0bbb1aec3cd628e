package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Openness;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.DocumentKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The questions that two policies can answer differently at all.
 *
 * <p>A request's answer depends on its path by the path's type, by the named paths that it lies under, and by the path
 * itself where that is named. So all requests under the same innermost named path and of the same type have one answer,
 * but for conditions: the type as a whole under that path stands for them. The same goes for subjects, types and
 * actions that are not named.
 */
final class Universe {

    static final String OTHER_TYPE = "assize-unnamed";
    private static final String UNNAMED_ID = "assize.unnamed";
    private static final Action OTHER_ACTION = new Action("assize.unnamed");

    private static final Comparator<Action> BY_NAME = Comparator.comparing(Action::value);

    private final TenantId tenant;
    private final List<String> types = new ArrayList<>();
    private final Map<String, List<Action>> actions = new LinkedHashMap<>();
    private final List<Environment> environments;
    private final List<@Nullable String> runs = new ArrayList<>();
    private final Set<ResourcePath> frozen = new TreeSet<>();
    private final Set<ResourcePath> exact = new TreeSet<>();

    /** @param changed of which resources with other attributes are questions of their own */
    Universe(Side before, Side after, Set<DocumentKey> changed) {
        this.tenant = after.state().tenant().scope().ledgerTenant();
        List<DecisionGraph> graphs = Stream.of(before, after)
                .map(Side::graph)
                .filter(Objects::nonNull)
                .toList();
        Set<String> names = new TreeSet<>();
        graphs.forEach(graph -> names.addAll(graph.knownTypes()));
        boolean otherTypes = graphs.stream().anyMatch(DecisionGraph::hasOtherTypes);
        if (otherTypes) {
            Stream.of(before, after).forEach(side -> side.addNamedTypes(names));
        }
        types.addAll(names);
        if (otherTypes) {
            types.add(OTHER_TYPE);
        }
        Set<Action> ofRules = new TreeSet<>(BY_NAME);
        Stream.of(before, after).forEach(side -> side.addNamedActions(ofRules));
        for (String type : types) {
            Set<Action> known = new TreeSet<>(BY_NAME);
            graphs.forEach(graph -> known.addAll(graph.knownActions(type)));
            boolean others = graphs.stream().anyMatch(graph -> graph.hasOtherActions(type));
            if (others) {
                known.addAll(ofRules);
            }
            List<Action> all = new ArrayList<>(known);
            if (others) {
                all.add(OTHER_ACTION);
            }
            actions.put(type, all);
        }
        environments = Stream.of(before, after)
                .flatMap(side -> side.environments().stream())
                .distinct()
                .sorted(Comparator.comparing(Environment::value))
                .toList();
        runs.add(null);
        Stream.of(before, after).flatMap(side -> side.freezes().stream()).forEach(this::addFreeze);
        changed.forEach(key -> Stream.of(before, after).forEach(side -> {
            if (side.find(key) instanceof ResourceDocument resource) {
                exact.add(resource.resource());
            }
        }));
    }

    private void addFreeze(FreezeDocument freeze) {
        String run = freeze.target().run();
        if (run != null && !runs.contains(run)) {
            runs.add(run);
        }
        if (freeze.target().resource() != null) {
            frozen.add(freeze.target().resource());
        }
    }

    List<String> types() {
        return types;
    }

    List<Action> actions(String type) {
        return actions.getOrDefault(type, List.of());
    }

    List<Environment> environments() {
        return environments;
    }

    /** Those that freezes name, and null for all others. */
    List<@Nullable String> runs() {
        return runs;
    }

    /**
     * A path, or a type as a whole, everywhere or under a path.
     *
     * @param above the innermost named path that it lies under
     * @param open whether it stands for everything there that is not named
     * @param among the type, or all that policy does not name, that a step wider means
     */
    record Place(ResourcePath path, @Nullable ResourcePath above, boolean open, String among) {

        /** What is asked for; where anything is meant, a name that nothing has. */
        ResourcePath asked() {
            return open ? new ResourcePath(path.value() + ":" + UNNAMED_ID, path.type(), false) : path;
        }

        /** The same question a step wider; null where there is none. */
        @Nullable
        Place enclosing() {
            if (above != null) {
                return new Place(new ResourcePath(above.value() + "/" + among, among, true), null, true, among);
            }
            return open && path.value().equals(among) ? null : new Place(whole(among), null, true, among);
        }
    }

    /** The paths that make a difference to somebody with such bindings, shorter ones first. */
    Set<ResourcePath> paths(Collection<RoleBindingDocument> bindings) {
        Set<ResourcePath> paths = new TreeSet<>(
                Comparator.comparingInt((ResourcePath path) -> path.value().length())
                        .thenComparing(ResourcePath::value));
        bindings.forEach(binding -> binding.scopeOfGrant().resources().ifPresent(paths::addAll));
        paths.addAll(frozen);
        return paths;
    }

    /** The places of a type, outer ones first. */
    List<Place> places(String type, Set<ResourcePath> paths) {
        List<Place> places = new ArrayList<>();
        places.add(new Place(whole(type), null, true, type));
        Set<ResourcePath> all = new LinkedHashSet<>(paths);
        for (ResourcePath path : all) {
            ResourcePath above = innermost(path, paths);
            if (isAmong(path, type)) {
                places.add(new Place(path, above, false, type));
            }
            if (!path.wholeType() && path.value().chars().filter(c -> c == '/').count() < Limits.PATH_SEGMENTS - 1L) {
                String under = path.value() + "/" + type;
                if (under.length() <= Limits.PATH_BYTES) {
                    places.add(new Place(new ResourcePath(under, type, true), above, true, type));
                }
            }
        }
        for (ResourcePath path : exact) {
            if (isAmong(path, type) && !paths.contains(path)) {
                places.add(new Place(path, innermost(path, paths), false, type));
            }
        }
        return places;
    }

    /** Of a type, or of one that policy does not name. */
    private boolean isAmong(ResourcePath path, String type) {
        return type.equals(OTHER_TYPE)
                ? !actions.containsKey(path.type())
                : path.type().equals(type);
    }

    private static ResourcePath whole(String type) {
        return new ResourcePath(type, type, true);
    }

    /** The innermost of the paths under which another one lies, itself not among them. */
    private static @Nullable ResourcePath innermost(ResourcePath path, Set<ResourcePath> paths) {
        ResourcePath found = null;
        for (ResourcePath other : paths) {
            if (!other.equals(path)
                    && path.isUnder(other)
                    && (found == null || other.value().length() > found.value().length())) {
                found = other;
            }
        }
        return found;
    }

    CheckQuery query(
            Person person,
            Place place,
            Action action,
            Environment env,
            @Nullable String run,
            List<String> activeRoles) {
        return new CheckQuery(
                person.subject(),
                place.asked(),
                action,
                tenant,
                env,
                person.home(),
                Map.of(),
                Map.of(),
                Map.of(),
                activeRoles,
                null,
                run);
    }

    static Openness openness(Person person, Place place, Action action) {
        return new Openness(
                person.kind() != Person.Kind.NAMED,
                person.kind() == Person.Kind.ANYBODY,
                place.open(),
                place.path().type().equals(OTHER_TYPE),
                action.equals(OTHER_ACTION));
    }

    /** As people read it. */
    static String shown(Place place) {
        String path = place.path().value();
        return place.path().type().equals(OTHER_TYPE)
                ? path.substring(0, path.length() - OTHER_TYPE.length()) + "*"
                : path;
    }

    static String shown(Action action) {
        return action.equals(OTHER_ACTION) ? "*" : action.value();
    }
}

package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.impact.Impact.Line;
import dev.assize.server.decision.impact.ImpactAnalysis.Pair;
import dev.assize.server.decision.impact.Universe.Place;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The difference of two policies the plain way: everybody is asked everything of both, compiled whole. */
final class ImpactReference {

    private final Side before;
    private final Side after;
    private final Universe universe;
    private final Instant now;

    ImpactReference(PolicyState before, PolicyState after, Set<DocumentKey> changed, Instant now) {
        this.before = new Side(before);
        this.after = new Side(after);
        Side.compile(this.before, this.after, null, changed);
        this.universe = new Universe(this.before, this.after, changed);
        this.now = now;
    }

    Set<Line> lines() {
        Set<Line> lines = new HashSet<>();
        for (Person person : everybody()) {
            Set<ResourcePath> paths = universe.paths(bindings(person));
            for (String type : universe.types()) {
                List<Place> places = universe.places(type, paths);
                for (Action action : universe.actions(type)) {
                    for (Environment env : universe.environments()) {
                        compare(person, places, action, env, lines);
                    }
                }
            }
        }
        return lines;
    }

    private void compare(Person person, List<Place> places, Action action, Environment env, Set<Line> lines) {
        Map<Place, Pair> outside = new HashMap<>();
        for (@Nullable String run : universe.runs()) {
            Map<Place, Pair> pairs = new LinkedHashMap<>();
            for (Place place : places) {
                Pair pair = pair(person, place, action, env, run);
                pairs.put(place, pair);
                Pair wider = null;
                for (Place other : places) {
                    boolean holds = other.open()
                            && !other.equals(place)
                            && (parent(other).value().isEmpty() || place.path().isUnder(parent(other)))
                            && !(place.open() && parent(place).equals(parent(other)));
                    if (holds && pairs.containsKey(other)) {
                        // The places come from the outermost inwards, so the last one is the nearest.
                        wider = pairs.get(other);
                    }
                }
                if (!pair.from().answersAs(pair.to())
                        && !pair.isAs(wider)
                        && !(run != null && pair.isAs(outside.get(place)))) {
                    lines.add(new Line(
                            person.shown(),
                            person.home(),
                            Universe.shown(action),
                            Universe.shown(place),
                            env,
                            run,
                            pair.from(),
                            pair.to()));
                }
            }
            if (run == null) {
                outside.putAll(pairs);
            }
        }
    }

    /** What a place lies in: everything, or a path. */
    private static ResourcePath parent(Place place) {
        String path = place.path().value();
        if (!place.open()) {
            return place.path();
        }
        int slash = path.lastIndexOf('/');
        return slash < 0 ? new ResourcePath("", "", true) : ResourcePath.parse(path.substring(0, slash));
    }

    Pair pair(Person person, Place place, Action action, Environment env, @Nullable String run) {
        CheckQuery query = universe.query(person, place, action, env, run, List.of());
        var openness = Universe.openness(person, place, action);
        return new Pair(before.ask(query, openness, now, false), after.ask(query, openness, now, false));
    }

    Universe universe() {
        return universe;
    }

    /** Whom a request's subject is for policy. */
    Person person(Subject subject, TenantId home) {
        Set<Person> all = everybody();
        Person named = new Person(subject, home, Person.Kind.NAMED);
        if (all.contains(named)) {
            return named;
        }
        return all.stream()
                .filter(person -> person.home().equals(home)
                        && person.kind() == Person.Kind.OF_TYPE
                        && person.subject().type().equals(subject.type()))
                .findFirst()
                .orElse(new Person(new Subject("assize-unnamed", "assize.unnamed"), home, Person.Kind.ANYBODY));
    }

    Set<Person> everybody() {
        Set<Person> found = new TreeSet<>();
        TenantId own = after.state().tenant().scope().ledgerTenant();
        Set<TenantId> homes = new HashSet<>(Set.of(own));
        Set<Subject> frozen = new HashSet<>();
        for (PolicySet tenant : List.of(before.state().tenant(), after.state().tenant())) {
            for (RoleBindingDocument binding : tenant.ofKind(RoleBindingDocument.class)) {
                TenantId home = binding.fromTenant() == null ? own : binding.fromTenant();
                homes.add(home);
                for (SubjectPattern pattern : binding.subjects()) {
                    switch (pattern) {
                        case SubjectPattern.Named(Subject subject) -> add(found, subject, home);
                        case SubjectPattern.AnyOfType(String type) ->
                            found.add(new Person(new Subject(type, "assize.unnamed"), home, Person.Kind.OF_TYPE));
                        case SubjectPattern.Anyone _ ->
                            found.add(new Person(
                                    new Subject("assize-unnamed", "assize.unnamed"), home, Person.Kind.ANYBODY));
                    }
                }
            }
            tenant.ofKind(GroupDocument.class)
                    .forEach(group -> group.members().forEach(member -> add(found, member, own)));
            tenant.ofKind(SubjectDocument.class).forEach(document -> add(found, document.subject(), own));
            for (FreezeDocument freeze : tenant.ofKind(FreezeDocument.class)) {
                if (freeze.target().subject() != null) {
                    frozen.add(freeze.target().subject());
                }
            }
        }
        frozen.forEach(subject -> homes.forEach(home -> add(found, subject, home)));
        return found;
    }

    private static void add(Set<Person> found, Subject subject, TenantId home) {
        if (!subject.isGroup()) {
            found.add(new Person(subject, home, Person.Kind.NAMED));
        }
    }

    Collection<RoleBindingDocument> bindings(Person person) {
        List<RoleBindingDocument> found = new ArrayList<>();
        TenantId own = after.state().tenant().scope().ledgerTenant();
        for (PolicySet tenant : List.of(before.state().tenant(), after.state().tenant())) {
            for (RoleBindingDocument binding : tenant.ofKind(RoleBindingDocument.class)) {
                TenantId home = binding.fromTenant() == null ? own : binding.fromTenant();
                boolean names = home.equals(person.home())
                        && binding.subjects().stream()
                                .anyMatch(pattern -> names(tenant, home.equals(own), pattern, person));
                if (names) {
                    found.add(binding);
                }
            }
        }
        return found;
    }

    private static boolean names(PolicySet tenant, boolean resident, SubjectPattern pattern, Person person) {
        return switch (pattern) {
            case SubjectPattern.Anyone _ -> true;
            case SubjectPattern.AnyOfType(String type) ->
                type.equals(person.subject().type());
            case SubjectPattern.Named(Subject subject) ->
                person.kind() == Person.Kind.NAMED && isIn(tenant, resident, subject, person.subject());
        };
    }

    private static boolean isIn(PolicySet tenant, boolean resident, Subject holder, Subject subject) {
        return holder.equals(subject)
                || (resident
                        && holder.isGroup()
                        && tenant.ofKind(GroupDocument.class).stream()
                                .filter(group -> group.name().equals(holder.id()))
                                .flatMap(group -> group.members().stream())
                                .anyMatch(member -> isIn(tenant, true, member, subject)));
    }
}

package dev.assize.server.decision.impact;

import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.impact.Impact.Line;
import dev.assize.server.decision.impact.Universe.Place;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.DocumentKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compares what two policies of a tenant answer, as of one moment, where they can differ at all.
 *
 * <p>From the documents that differ follows who may be concerned and in which types and actions. For those subjects both
 * policies are compiled, and the evaluator is asked the same of both. A change of one binding so costs what its subjects
 * hold, and not what there is; a change of a rule for everybody costs everybody.
 */
public final class ImpactAnalysis {

    /** Lines that are listed; more are counted. */
    public static final int LINES = 10_000;

    /** Questions put to both policies; then the analysis says that it is not complete. */
    public static final long QUESTIONS = 1_000_000;

    private final Side before;
    private final Side after;
    private final Set<DocumentKey> changed;
    private final Instant now;
    private final long questionLimit;
    private final int lineLimit;
    private final List<Line> lines = new ArrayList<>();
    private long lineCount;
    private long questions;

    private ImpactAnalysis(
            PolicyState before,
            PolicyState after,
            Set<DocumentKey> changed,
            Instant now,
            long questionLimit,
            int lineLimit) {
        this.before = new Side(before);
        this.after = new Side(after);
        this.changed = changed;
        this.now = now;
        this.questionLimit = questionLimit;
        this.lineLimit = lineLimit;
    }

    /**
     * What a change does.
     *
     * @param changed every document that differs, of the tenant and of the platform
     * @param now as of which answers are compared
     */
    public static Impact of(PolicyState before, PolicyState after, Set<DocumentKey> changed, Instant now) {
        return of(before, after, changed, now, QUESTIONS, LINES);
    }

    static Impact of(
            PolicyState before,
            PolicyState after,
            Set<DocumentKey> changed,
            Instant now,
            long questionLimit,
            int lineLimit) {
        return new ImpactAnalysis(before, after, changed, now, questionLimit, lineLimit).impact();
    }

    private Impact impact() {
        Touched touched = Touched.by(before, after, changed);
        if (!touched.persons().isEmpty()) {
            compileFor(touched);
            Universe universe = new Universe(before, after, changed);
            for (Person person : touched.persons()) {
                if (questions > questionLimit) {
                    break;
                }
                compare(person, universe, touched.touches());
            }
        }
        Findings findings = Findings.of(before, after, changed);
        return new Impact(
                after.state().tenant().scope().ledgerTenant(),
                lines,
                lineCount,
                questions <= questionLimit,
                findings.first(),
                findings.count(),
                before.state(),
                after.state());
    }

    private void compileFor(Touched touched) {
        Set<Subject> subjects = touched.isEverybody()
                ? null
                : touched.persons().stream().map(Person::subject).collect(Collectors.toCollection(LinkedHashSet::new));
        Side.compile(before, after, subjects, changed);
    }

    private void compare(Person person, Universe universe, List<Touch> touches) {
        Collection<RoleBindingDocument> bindings = bindingsOf(person);
        List<Touch> held = bindings.stream()
                .map(RoleBindingDocument::role)
                .distinct()
                .flatMap(role -> Stream.of(before, after).flatMap(side -> side.allows(role).stream()))
                .distinct()
                .toList();
        if (held.isEmpty()) {
            return;
        }
        Set<ResourcePath> paths = universe.paths(bindings);
        for (String type : universe.types()) {
            List<Place> places = universe.places(type, paths);
            for (Action action : universe.actions(type)) {
                List<Place> touched = touched(places, action, touches, held);
                if (!touched.isEmpty()) {
                    for (Environment env : universe.environments()) {
                        compare(person, universe, touched, action, env);
                    }
                }
            }
        }
    }

    /** The places where a change and what somebody holds meet; nearly always all of a type or none. */
    static List<Place> touched(List<Place> places, Action action, List<Touch> touches, List<Touch> held) {
        List<Place> touched = new ArrayList<>();
        String last = "";
        boolean both = false;
        for (Place place : places) {
            String type = place.path().type();
            if (!type.equals(last)) {
                both = covers(held, type, action) && covers(touches, type, action);
                last = type;
            }
            if (both) {
                touched.add(place);
            }
        }
        return touched;
    }

    private void compare(Person person, Universe universe, List<Place> places, Action action, Environment env) {
        Map<Place, Pair> outside = new HashMap<>();
        for (@Nullable String run : universe.runs()) {
            Map<ResourcePath, Pair> open = new HashMap<>();
            for (Place place : places) {
                if (++questions > questionLimit) {
                    return;
                }
                var query = universe.query(person, place, action, env, run, List.of());
                var openness = Universe.openness(person, place, action);
                Pair pair = new Pair(before.ask(query, openness, now, false), after.ask(query, openness, now, false));
                Place enclosing = place.enclosing();
                Pair wider = enclosing == null ? null : open.get(enclosing.path());
                if (place.open()) {
                    open.put(place.path(), pair);
                }
                if (run == null) {
                    outside.put(place, pair);
                }
                if (pair.differs() && !pair.isAs(wider) && (run == null || !pair.isAs(outside.get(place)))) {
                    add(new Line(
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
        }
    }

    private void add(Line line) {
        lineCount++;
        if (lines.size() < lineLimit) {
            lines.add(line);
        }
    }

    static boolean covers(List<Touch> touches, String type, Action action) {
        for (Touch touch : touches) {
            if (touch.covers(type, action)) {
                return true;
            }
        }
        return false;
    }

    private Collection<RoleBindingDocument> bindingsOf(Person person) {
        Map<String, RoleBindingDocument> found = new LinkedHashMap<>();
        int number = 0;
        for (Side side : List.of(before, after)) {
            String prefix = number++ + "/";
            side.bindingsOf(person).forEach(binding -> found.put(prefix + binding.name(), binding));
        }
        return found.values();
    }

    /** What is answered before and after. */
    record Pair(Prospect from, Prospect to) {

        boolean differs() {
            return !from.answersAs(to);
        }

        boolean isAs(@Nullable Pair other) {
            return other != null && from.answersAs(other.from) && to.answersAs(other.to);
        }
    }
}

package dev.assize.server.policy;

import dev.assize.server.model.Limits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * How names refer to one another: where they do so in a circle, and where too deep. One walk in depth with a
 * stack of its own, since a chain may be as long as there are names; each name and each reference is seen once.
 */
final class Nesting {

    private static final int MAX_CYCLES = 100;

    private final Function<String, List<String>> references;
    private final Map<String, Integer> depths = new HashMap<>();
    private final Deque<Visit> path = new ArrayDeque<>();
    private final Set<String> onPath = new HashSet<>();
    private final Map<String, List<String>> cycles = new LinkedHashMap<>();
    private final List<String> tooDeep = new ArrayList<>();

    private Nesting(Function<String, List<String>> references) {
        this.references = references;
    }

    /** @param references of a name; of an unknown one none */
    static Nesting of(Collection<String> names, Function<String, List<String>> references) {
        Nesting nesting = new Nesting(references);
        names.forEach(nesting::walk);
        return nesting;
    }

    /** By a name on each circle: the names along it, that one first and last. */
    Map<String, List<String>> cycles() {
        return cycles;
    }

    /** The names one level over the limit; what refers to them is too deep as well. */
    List<String> tooDeep() {
        return tooDeep;
    }

    private void walk(String start) {
        enter(start);
        while (!path.isEmpty()) {
            Visit visit = path.element();
            if (visit.rest.hasNext()) {
                follow(visit, visit.rest.next());
            } else {
                leave(visit);
            }
        }
    }

    private void enter(String name) {
        if (!depths.containsKey(name)) {
            path.push(new Visit(name, references.apply(name).iterator()));
            onPath.add(name);
        }
    }

    private void follow(Visit visit, String name) {
        if (onPath.contains(name)) {
            if (cycles.size() < MAX_CYCLES) {
                cycles.putIfAbsent(name, cycleTo(name));
            }
            return;
        }
        Integer depth = depths.get(name);
        if (depth != null) {
            visit.depth = Math.max(visit.depth, depth + 1);
        } else {
            enter(name);
        }
    }

    private void leave(Visit visit) {
        path.pop();
        onPath.remove(visit.name);
        depths.put(visit.name, visit.depth);
        if (visit.depth == Limits.NESTING + 1) {
            tooDeep.add(visit.name);
        }
        Visit parent = path.peek();
        if (parent != null) {
            parent.depth = Math.max(parent.depth, visit.depth + 1);
        }
    }

    private List<String> cycleTo(String name) {
        List<String> cycle = new ArrayList<>(List.of(name));
        for (Visit visit : path) {
            cycle.addFirst(visit.name);
            if (visit.name.equals(name)) {
                break;
            }
        }
        return cycle;
    }

    /** A name whose references are being followed. */
    private static final class Visit {

        private final String name;
        private final Iterator<String> rest;
        private int depth;

        private Visit(String name, Iterator<String> rest) {
            this.name = name;
            this.rest = rest;
        }
    }
}

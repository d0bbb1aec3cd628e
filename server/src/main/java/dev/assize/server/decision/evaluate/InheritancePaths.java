package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.evaluate.DecisionGraph.Origin;
import dev.assize.server.policy.Document.RoleDocument;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** How a role comes to have what another carries: a shortest way along `inherits`. */
final class InheritancePaths {

    private final Map<String, List<String>> inheritsByRole = new HashMap<>();

    InheritancePaths(Origin origin) {
        Stream.of(origin.tenant(), origin.platform())
                .flatMap(policy -> policy.ofKind(RoleDocument.class).stream())
                .forEach(role -> inheritsByRole.put(role.name(), role.inherits()));
    }

    /** From the one to the other, both included; the other must be inherited. */
    List<String> path(String from, String to) {
        ArrayDeque<List<String>> open = new ArrayDeque<>(List.of(List.of(from)));
        Set<String> visited = new HashSet<>();
        while (true) {
            List<String> path = open.remove();
            if (path.getLast().equals(to)) {
                return path;
            }
            for (String next : inheritsByRole.getOrDefault(path.getLast(), List.of())) {
                if (visited.add(next)) {
                    List<String> longer = new ArrayList<>(path);
                    longer.add(next);
                    open.add(longer);
                }
            }
        }
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.RoleDocument;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which role inherits which, and how one comes to have what another carries. */
public final class RoleGraph {

    /** Answers about so many sets of cut roles are kept. */
    private static final int KEPT = 16;

    private final Map<String, List<String>> inheritsByRole = new HashMap<>();

    /** What is reached when some roles are cut out: worked out again where it is not there, and never changed. */
    private Map<Set<String>, Map<String, Set<String>>> reachedByCut = Map.of();

    /** All roles that a tenant sees, by name. */
    public RoleGraph(Map<String, RoleDocument> roles) {
        roles.forEach((name, role) -> inheritsByRole.put(name, role.inherits()));
    }

    /** The role and all it inherits. */
    public Set<String> closure(String role) {
        return reached(role, Set.of());
    }

    /** The roles that a role reaches by ways that avoid those that are cut, itself among them; none where it is cut. */
    Set<String> reachedAvoiding(String role, Set<String> cut) {
        if (!inheritsByRole.containsKey(role)) {
            // A request may name any role: what it makes up is not kept.
            return cut.contains(role) ? Set.of() : Set.of(role);
        }
        Map<String, Set<String>> known = reachedByCut.getOrDefault(cut, Map.of());
        Set<String> reached = known.get(role);
        if (reached == null) {
            reached = reached(role, cut);
            Map<String, Set<String>> ofCut = new HashMap<>(known);
            ofCut.put(role, reached);
            Map<Set<String>, Map<String, Set<String>>> all =
                    reachedByCut.size() < KEPT ? new HashMap<>(reachedByCut) : new HashMap<>();
            all.put(Set.copyOf(cut), Map.copyOf(ofCut));
            reachedByCut = Map.copyOf(all);
        }
        return reached;
    }

    /** A shortest way along `inherits`, both ends included; the other must be inherited. */
    List<String> path(String from, String to) {
        ArrayDeque<List<String>> open = new ArrayDeque<>(List.of(List.of(from)));
        Set<String> visited = new HashSet<>();
        while (true) {
            List<String> path = open.remove();
            if (path.getLast().equals(to)) {
                return path;
            }
            for (String next : inherits(path.getLast())) {
                if (visited.add(next)) {
                    List<String> longer = new ArrayList<>(path);
                    longer.add(next);
                    open.add(longer);
                }
            }
        }
    }

    private Set<String> reached(String role, Set<String> cut) {
        Set<String> reached = new HashSet<>();
        ArrayDeque<String> open = new ArrayDeque<>();
        visit(role, cut, reached, open);
        while (!open.isEmpty()) {
            inherits(open.remove()).forEach(inherited -> visit(inherited, cut, reached, open));
        }
        return reached;
    }

    private static void visit(String role, Set<String> cut, Set<String> reached, ArrayDeque<String> open) {
        if (!cut.contains(role) && reached.add(role)) {
            open.add(role);
        }
    }

    private List<String> inherits(@Nullable String role) {
        return inheritsByRole.getOrDefault(role, List.of());
    }
}

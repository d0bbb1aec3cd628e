package dev.assize.server.decision.compile;

import dev.assize.server.model.Action;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What an allow of an action allows too, on one type of resource. */
final class Implications {

    static final Implications NONE = new Implications(Set.of(), Map.of());

    private final Collection<Action> actions;
    private final Map<Action, AnyOf<Action>> implied;
    private final Map<Action, Set<Action>> closures = new HashMap<>();

    private Implications(Collection<Action> actions, Map<Action, AnyOf<Action>> implied) {
        this.actions = actions;
        this.implied = implied;
    }

    static Implications of(ResourceTypeDocument type) {
        return new Implications(type.actions(), type.implies());
    }

    /** The action itself and all that it implies, directly or through others. */
    Set<Action> closure(Action action) {
        return implied.containsKey(action) ? closures.computeIfAbsent(action, this::walk) : Set.of(action);
    }

    private Set<Action> walk(Action start) {
        Set<Action> reached = new LinkedHashSet<>(List.of(start));
        ArrayDeque<Action> open = new ArrayDeque<>(reached);
        while (!open.isEmpty()) {
            for (Action next : direct(open.remove())) {
                if (reached.add(next)) {
                    open.add(next);
                }
            }
        }
        return reached;
    }

    private Collection<Action> direct(Action action) {
        return switch (implied.get(action)) {
            case null -> List.of();
            case AnyOf.All<Action>() -> actions;
            case AnyOf.Listed<Action>(List<Action> listed) -> listed;
        };
    }
}

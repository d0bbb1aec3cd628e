package dev.assize.server.decision.compile;

import dev.assize.server.model.Action;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.Permission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a type of resource: for each action, the permissions that cover it, by their number and in its order. Only
 * where a type's actions are not declared there is a row for every action that no permission names.
 */
final class ResourceRows {

    private final Implications implications;
    private final Map<String, List<Integer>> rowsByAction = new HashMap<>();
    private final @Nullable List<Integer> otherActions;

    ResourceRows(Implications implications, Set<Action> actions, boolean declared) {
        this.implications = implications;
        actions.forEach(action -> rowsByAction.put(action.value(), new ArrayList<>()));
        this.otherActions = declared ? null : new ArrayList<>();
    }

    int count() {
        return rowsByAction.size() + 1;
    }

    Map<String, List<Integer>> rowsByAction() {
        return rowsByAction;
    }

    @Nullable
    List<Integer> otherActions() {
        return otherActions;
    }

    /** Adds a permission that covers the type to the rows of the actions it covers. */
    void add(int number, Permission permission) {
        switch (permission.actions()) {
            case AnyOf.All<Action>() -> {
                rowsByAction.values().forEach(row -> row.add(number));
                if (otherActions != null) {
                    otherActions.add(number);
                }
            }
            case AnyOf.Listed<Action>(List<Action> listed) ->
                covered(listed, permission.effect()).forEach(action -> addToRow(action, number));
        }
    }

    private void addToRow(Action action, int number) {
        List<Integer> row = rowsByAction.get(action.value());
        if (row != null) {
            row.add(number);
        }
    }

    /** Implied actions widen allows only. */
    private Set<Action> covered(List<Action> listed, Effect effect) {
        Set<Action> covered = new LinkedHashSet<>(listed);
        if (effect == Effect.ALLOW) {
            listed.forEach(action -> covered.addAll(implications.closure(action)));
        }
        return covered;
    }
}

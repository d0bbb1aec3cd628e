package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Action;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A type of resource: for each action, its cells by environment. */
public final class ResourceNode {

    private final Map<String, Cell[]> cellsByAction;
    private final Cell @Nullable [] otherActions;

    /**
     * A node of a graph.
     *
     * @param cellsByAction one cell for each environment, or one for all of them
     * @param otherActions the cells of every other action; null where there are no others
     */
    public ResourceNode(Map<String, Cell[]> cellsByAction, Cell @Nullable [] otherActions) {
        this.cellsByAction = new HashMap<>(cellsByAction);
        this.otherActions = otherActions;
    }

    /** The cell, null where the type does not know the action. */
    @Nullable
    Cell cell(Action action, int environment) {
        Cell[] cells = cellsByAction.get(action.value());
        if (cells == null) {
            cells = otherActions;
        }
        if (cells == null) {
            return null;
        }
        return cells.length == 1 ? cells[0] : cells[environment];
    }

    /** Those that it tells apart, by name. */
    List<Action> actions() {
        return cellsByAction.keySet().stream()
                .sorted(Utf8Order.INSTANCE)
                .map(Action::new)
                .toList();
    }

    boolean hasOtherActions() {
        return otherActions != null;
    }

    long weightBytes() {
        return 120
                + cellsByAction.values().stream()
                        .mapToLong(cells -> 40 + 4L * cells.length)
                        .sum();
    }
}

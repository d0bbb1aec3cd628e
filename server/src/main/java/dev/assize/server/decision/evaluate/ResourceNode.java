package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Action;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A type of resource: for each action, its cells by environment. */
public final class ResourceNode extends NameTable<Cell[]> {

    private final Cell @Nullable [] otherActions;

    /**
     * A node of a graph.
     *
     * @param cellsByAction one cell for each environment, or one for all of them
     * @param otherActions the cells of every other action; null where there are no others
     * @param utf8 the bytes of a name, which nodes may share
     */
    public ResourceNode(
            Map<String, Cell[]> cellsByAction, Cell @Nullable [] otherActions, Function<String, byte[]> utf8) {
        super(cellsByAction, utf8);
        this.otherActions = otherActions;
    }

    /** The cell, null where the type does not know the action. */
    @Nullable
    Cell cell(Action action, int environment) {
        return cell(find(action.value()), environment);
    }

    /** The cell of a question's action. */
    @Nullable
    Cell cell(CheckBytes names, int environment) {
        return cell(find(names.bytes(), names.actionOffset(), names.actionLength()), environment);
    }

    private @Nullable Cell cell(Cell @Nullable [] known, int environment) {
        Cell[] cells = known == null ? otherActions : known;
        if (cells == null) {
            return null;
        }
        return cells.length == 1 ? cells[0] : cells[environment];
    }

    /** Those that it tells apart, by name. */
    List<Action> actions() {
        return names().sorted(Utf8Order.INSTANCE).map(Action::new).toList();
    }

    boolean hasOtherActions() {
        return otherActions != null;
    }

    long weightBytes() {
        return 32
                + tableWeightBytes()
                + values().mapToLong(cells -> 16 + 4L * cells.length).sum();
    }
}

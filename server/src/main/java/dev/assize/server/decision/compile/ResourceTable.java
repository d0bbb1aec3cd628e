package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.CarriedPermission;
import dev.assize.server.decision.evaluate.ResourceNode;
import dev.assize.server.decision.evaluate.Utf8Order;
import dev.assize.server.model.Action;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The types of resource of a graph. Where types are declared, these are they. Where none is, they are those that a
 * permission names, and one node stands for every other.
 */
final class ResourceTable {

    private final SortedMap<String, ResourceRows> rowsByType = new TreeMap<>(Utf8Order.INSTANCE);
    private final @Nullable ResourceRows otherTypes;
    private int rowCount;

    ResourceTable(Collection<ResourceTypeDocument> declared, BoundRoles roles) {
        List<CarriedPermission> permissions = roles.permissions();
        if (declared.isEmpty()) {
            named(permissions).forEach(type -> rowsByType.put(type, undeclared(type, permissions)));
            otherTypes = undeclared(null, permissions);
        } else {
            declared.forEach(type -> rowsByType.put(type.name(), declared(type)));
            otherTypes = null;
        }
        for (int number = 0; number < permissions.size(); number++) {
            add(number, permissions.get(number).permission());
        }
    }

    Map<String, ResourceNode> nodes(CellTable cells) {
        Map<String, ResourceNode> nodes = new HashMap<>();
        rowsByType.forEach((type, rows) -> nodes.put(type, cells.node(rows)));
        return nodes;
    }

    @Nullable
    ResourceNode otherNode(CellTable cells) {
        return otherTypes == null ? null : cells.node(otherTypes);
    }

    private void add(int number, Permission permission) {
        switch (permission.resources()) {
            case AnyOf.All<String>() -> {
                rowsByType.values().forEach(rows -> rows.add(number, permission));
                if (otherTypes != null) {
                    otherTypes.add(number, permission);
                }
            }
            case AnyOf.Listed<String>(List<String> types) ->
                Set.copyOf(types).forEach(type -> {
                    ResourceRows rows = rowsByType.get(type);
                    if (rows != null) {
                        rows.add(number, permission);
                    }
                });
        }
    }

    private ResourceRows declared(ResourceTypeDocument type) {
        return counted(new ResourceRows(Implications.of(type), Set.copyOf(type.actions()), true));
    }

    /** The rows of a type that is not declared, null for all that nothing names: actions are those that are named for it. */
    private ResourceRows undeclared(@Nullable String type, List<CarriedPermission> permissions) {
        Set<Action> actions = new HashSet<>();
        for (CarriedPermission carried : permissions) {
            if (covers(carried.permission().resources(), type)
                    && carried.permission().actions() instanceof AnyOf.Listed<Action>(List<Action> listed)) {
                actions.addAll(listed);
            }
        }
        return counted(new ResourceRows(Implications.NONE, actions, false));
    }

    private ResourceRows counted(ResourceRows rows) {
        rowCount += rows.count();
        if (rowCount > CellTable.MAX_CELLS) {
            throw new PolicyTooLargeException(CellTable.MAX_CELLS);
        }
        return rows;
    }

    private static boolean covers(AnyOf<String> types, @Nullable String type) {
        return types instanceof AnyOf.All || (type != null && types.contains(type));
    }

    private static SortedSet<String> named(List<CarriedPermission> permissions) {
        SortedSet<String> named = new TreeSet<>(Utf8Order.INSTANCE);
        permissions.forEach(carried -> addListed(carried.permission().resources(), named));
        return named;
    }

    private static void addListed(AnyOf<String> types, Set<String> named) {
        if (types instanceof AnyOf.Listed<String>(List<String> listed)) {
            named.addAll(listed);
        }
    }
}

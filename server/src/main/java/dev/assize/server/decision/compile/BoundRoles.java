package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.CarriedPermission;
import dev.assize.server.decision.evaluate.Utf8Order;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The roles that some binding gives, numbered, and the permissions that reach at least one of them. A role that is only
 * inherited has no number: its permissions belong to the bound roles that inherit it.
 */
final class BoundRoles {

    private final SortedMap<String, Integer> indexes = new TreeMap<>(Utf8Order.INSTANCE);
    private final List<CarriedPermission> permissions = new ArrayList<>();
    private final List<List<Integer>> holders = new ArrayList<>();

    BoundRoles(Map<String, RoleDocument> documents, List<RoleBindingDocument> bindings) {
        bindings.forEach(binding -> indexes.put(binding.role(), 0));
        int next = 0;
        for (Map.Entry<String, Integer> role : indexes.entrySet()) {
            role.setValue(next++);
        }
        SortedMap<String, List<Integer>> holdersByCarrier = new TreeMap<>(Utf8Order.INSTANCE);
        indexes.forEach((role, index) -> inherited(documents, role)
                .forEach(carrier -> holdersByCarrier
                        .computeIfAbsent(carrier, any -> new ArrayList<>())
                        .add(index)));
        holdersByCarrier.forEach((carrier, holders) -> carry(required(documents, carrier), holders));
    }

    int count() {
        return indexes.size();
    }

    int index(String role) {
        return indexes.getOrDefault(role, -1);
    }

    /** In the order in which they decide; their places in this list are their numbers. */
    List<CarriedPermission> permissions() {
        return permissions;
    }

    /** The bound roles that have a permission, by themselves or by inheritance. */
    List<Integer> holders(int number) {
        return holders.get(number);
    }

    private void carry(RoleDocument role, List<Integer> boundRoles) {
        for (int position = 0; position < role.permissions().size(); position++) {
            permissions.add(new CarriedPermission(
                    role.name(), position, role.permissions().get(position)));
            holders.add(boundRoles);
        }
    }

    /** The role and all it inherits. */
    private static Set<String> inherited(Map<String, RoleDocument> documents, String role) {
        Set<String> reached = new HashSet<>(Set.of(role));
        ArrayDeque<String> open = new ArrayDeque<>(reached);
        while (!open.isEmpty()) {
            for (String inherited : required(documents, open.remove()).inherits()) {
                if (reached.add(inherited)) {
                    open.add(inherited);
                }
            }
        }
        return reached;
    }

    private static RoleDocument required(Map<String, RoleDocument> documents, String name) {
        RoleDocument role = documents.get(name);
        if (role == null) {
            throw new IllegalArgumentException("No role `" + name + "`");
        }
        return role;
    }
}

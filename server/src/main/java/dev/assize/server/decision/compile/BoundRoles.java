package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.CarriedPermission;
import dev.assize.server.decision.evaluate.RoleGraph;
import dev.assize.server.decision.evaluate.Utf8Order;
import dev.assize.server.policy.Document.RoleDocument;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The roles that some binding gives, and the permissions that reach at least one of them. A role that is only inherited
 * has no number: its permissions belong to the bound roles that inherit it.
 */
final class BoundRoles {

    private final int count;
    private final List<CarriedPermission> permissions = new ArrayList<>();
    private final List<List<Integer>> holders = new ArrayList<>();

    /**
     * Those of a tenant.
     *
     * @param numbers of roles that bindings give, or once gave
     */
    BoundRoles(Map<String, RoleDocument> documents, RoleGraph graph, Map<String, Integer> numbers) {
        this.count = numbers.size();
        SortedMap<String, List<Integer>> holdersByCarrier = new TreeMap<>(Utf8Order.INSTANCE);
        numbers.forEach((role, number) -> {
            // A number outlives its role.
            if (documents.containsKey(role)) {
                graph.closure(role)
                        .forEach(carrier -> holdersByCarrier
                                .computeIfAbsent(carrier, any -> new ArrayList<>())
                                .add(number));
            }
        });
        holdersByCarrier.forEach((carrier, holders) -> carry(required(documents, carrier), holders));
    }

    int count() {
        return count;
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

    private static RoleDocument required(Map<String, RoleDocument> documents, String name) {
        RoleDocument role = documents.get(name);
        if (role == null) {
            throw new IllegalArgumentException("No role `" + name + "`");
        }
        return role;
    }
}

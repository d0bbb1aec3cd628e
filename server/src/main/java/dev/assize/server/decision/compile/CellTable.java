package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.CarriedPermission;
import dev.assize.server.decision.evaluate.Cell;
import dev.assize.server.decision.evaluate.Conditions;
import dev.assize.server.decision.evaluate.Obligations;
import dev.assize.server.decision.evaluate.ResourceNode;
import dev.assize.server.decision.evaluate.RoleRules;
import dev.assize.server.decision.evaluate.Rule;
import dev.assize.server.model.Environment;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.condition.Condition;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Turns the rows of a policy into cells. A row's cells depend on nothing but which permissions cover it, and policies
 * say few different things to many types, actions and environments: each set of permissions is worked out once.
 */
final class CellTable {

    /** Cells and rows together, a bound against documents that multiply. */
    static final int MAX_CELLS = 2_000_000;

    private final Map<String, Integer> environments;
    private final BoundRoles roles;
    private final Conditions conditions;
    private final Map<List<Integer>, Cell[]> cellsByRow = new HashMap<>();
    private final Map<List<Integer>, Cell> cellsByPermissions = new HashMap<>();
    private final Map<List<Integer>, Rule> rules = new HashMap<>();
    private final Map<String, byte[]> names = new HashMap<>();
    private int cellCount;

    CellTable(Map<String, Integer> environments, BoundRoles roles, Conditions conditions) {
        this.environments = environments;
        this.roles = roles;
        this.conditions = conditions;
    }

    ResourceNode node(ResourceRows type) {
        Map<String, Cell[]> cells = new HashMap<>();
        type.rowsByAction().forEach((action, row) -> cells.put(action, cells(row)));
        List<Integer> others = type.otherActions();
        return new ResourceNode(
                cells,
                others == null ? null : cells(others),
                name -> names.computeIfAbsent(name, each -> each.getBytes(StandardCharsets.UTF_8)));
    }

    /** What the cells weigh, each counted once. */
    long weightBytes() {
        return cellsByPermissions.values().stream().mapToLong(Cell::weightBytes).sum()
                + 4L * cellCount
                + names.values().stream().mapToLong(name -> 24 + name.length).sum();
    }

    /** One cell for each environment, or one for all where no permission of the row tells them apart. */
    private Cell[] cells(List<Integer> row) {
        Cell[] known = cellsByRow.get(row);
        if (known != null) {
            return known;
        }
        boolean uniform = row.stream().allMatch(number -> permission(number).environments() instanceof AnyOf.All);
        Cell[] cells = uniform
                ? new Cell[] {cell(row)}
                : environments.keySet().stream()
                        .map(environment -> cell(inEnvironment(row, new Environment(environment))))
                        .toArray(Cell[]::new);
        count(cells.length);
        cellsByRow.put(row, cells);
        return cells;
    }

    private void count(int cells) {
        cellCount += cells;
        if (cellCount > MAX_CELLS) {
            throw new PolicyTooLargeException(MAX_CELLS);
        }
    }

    private List<Integer> inEnvironment(List<Integer> row, Environment environment) {
        return row.stream()
                .filter(number -> permission(number).environments().contains(environment))
                .toList();
    }

    private Cell cell(List<Integer> permissions) {
        Cell known = cellsByPermissions.get(permissions);
        if (known != null) {
            return known;
        }
        Cell cell = new Cell(rules(permissions, Effect.ALLOW), rules(permissions, Effect.DENY));
        cellsByPermissions.put(permissions, cell);
        return cell;
    }

    private RoleRules rules(List<Integer> numbers, Effect effect) {
        SortedMap<Integer, List<Integer>> numbersByRole = new TreeMap<>();
        numbers.stream()
                .filter(number -> permission(number).effect() == effect)
                .forEach(number -> roles.holders(number)
                        .forEach(role -> numbersByRole
                                .computeIfAbsent(role, any -> new ArrayList<>())
                                .add(number)));
        SortedMap<Integer, Rule> rulesByRole = new TreeMap<>();
        numbersByRole.forEach((role, ofRole) -> rulesByRole.put(role, rules.computeIfAbsent(ofRole, this::rule)));
        return RoleRules.of(rulesByRole, roles.count());
    }

    private Rule rule(List<Integer> numbersOfOneEffect) {
        List<CarriedPermission> permissions =
                numbersOfOneEffect.stream().map(roles.permissions()::get).toList();
        boolean deny = permissions.getFirst().permission().effect() == Effect.DENY;
        List<CarriedPermission> contributing = deny ? permissions.subList(0, 1) : permissions;
        List<List<Obligation>> obligations = contributing.stream()
                .map(carried -> carried.permission().obligations())
                .toList();
        Condition[] whens = permissions.stream()
                .map(carried -> conditions.of(carried.permission()))
                .toArray(Condition[]::new);
        return new Rule(permissions, whens, Obligations.union(obligations));
    }

    private Permission permission(int number) {
        return roles.permissions().get(number).permission();
    }
}

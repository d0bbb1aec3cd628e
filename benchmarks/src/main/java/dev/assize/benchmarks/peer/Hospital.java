package dev.assize.benchmarks.peer;

import dev.assize.benchmarks.peer.RoleModel.Role;
import dev.assize.benchmarks.peer.RoleModel.User;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A hospital whose departments each have six roles of 33 rules in all about six types of things of their own, and 20
 * people, of whom one in ten also helps in another department. Written anew after the shape that SAPL publishes figures
 * of: 33 rules a department.
 */
final class Hospital {

    static final int RULES_OF_A_DEPARTMENT = 33;

    private static final List<String> ACTIONS = List.of("read", "write", "sign", "dispense", "export");

    /** What people of a duty may do with things of a type; each action is one rule. */
    private record Rules(String duty, String type, List<String> actions) {}

    private static final List<Rules> RULES = List.of(
            new Rules("physician", "record", List.of("read", "write", "sign")),
            new Rules("physician", "prescription", List.of("read", "write", "sign")),
            new Rules("physician", "laboratory", List.of("read", "sign")),
            new Rules("physician", "schedule", List.of("read")),
            new Rules("resident", "record", List.of("read", "write")),
            new Rules("resident", "prescription", List.of("read", "write")),
            new Rules("resident", "laboratory", List.of("read")),
            new Rules("resident", "schedule", List.of("read")),
            new Rules("nurse", "record", List.of("read")),
            new Rules("nurse", "vitals", List.of("read", "write", "sign")),
            new Rules("nurse", "prescription", List.of("read")),
            new Rules("nurse", "schedule", List.of("read", "write")),
            new Rules("pharmacist", "prescription", List.of("read", "dispense", "sign")),
            new Rules("pharmacist", "laboratory", List.of("read")),
            new Rules("clerk", "schedule", List.of("read", "write")),
            new Rules("clerk", "invoice", List.of("read", "write")),
            new Rules("auditor", "record", List.of("export")),
            new Rules("auditor", "invoice", List.of("read", "export")));

    /** Whose work it is, and how many of 20 people. */
    private static final List<Map.Entry<String, Integer>> DUTIES = List.of(
            Map.entry("physician", 4),
            Map.entry("resident", 2),
            Map.entry("nurse", 8),
            Map.entry("pharmacist", 2),
            Map.entry("clerk", 3),
            Map.entry("auditor", 1));

    private Hospital() {}

    static RoleModel model(int departments) {
        List<Role> roles = new ArrayList<>();
        Set<String> types = new LinkedHashSet<>();
        for (int department = 0; department < departments; department++) {
            for (Map.Entry<String, Integer> duty : DUTIES) {
                Set<Permission> permissions = permissions(department, duty.getKey());
                permissions.forEach(permission -> types.add(permission.type()));
                roles.add(new Role(name(department, duty.getKey()), permissions));
            }
        }
        return new RoleModel(
                new Vocabulary(List.copyOf(types), ACTIONS, List.of("default")), roles, people(departments));
    }

    private static Set<Permission> permissions(int department, String duty) {
        Set<Permission> permissions = new LinkedHashSet<>();
        for (Rules rules : RULES) {
            if (rules.duty.equals(duty)) {
                rules.actions.forEach(
                        action -> permissions.add(new Permission(name(department, rules.type), action, "default")));
            }
        }
        return permissions;
    }

    private static List<User> people(int departments) {
        SplittableRandom random = new SplittableRandom(6);
        List<User> people = new ArrayList<>();
        for (int department = 0; department < departments; department++) {
            for (int duty = 0; duty < DUTIES.size(); duty++) {
                for (int i = 0; i < DUTIES.get(duty).getValue(); i++) {
                    int own = department * DUTIES.size() + duty;
                    int other = random.nextInt(departments) * DUTIES.size() + duty;
                    boolean helps = random.nextInt(10) == 0 && other != own;
                    people.add(new User("staff-" + people.size(), helps ? new int[] {own, other} : new int[] {own}));
                }
            }
        }
        return people;
    }

    private static String name(int department, String of) {
        return "department" + department + "_" + of;
    }
}

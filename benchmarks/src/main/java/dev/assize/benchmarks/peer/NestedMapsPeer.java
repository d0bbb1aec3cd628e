package dev.assize.benchmarks.peer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** No engine: hash maps in hash maps, as one writes them by hand. */
final class NestedMapsPeer implements Peer {

    private final Map<String, List<String>> rolesByUser = new HashMap<>();

    /** Role, type, action: environments. */
    private final Map<String, Map<String, Map<String, Set<String>>>> permissionsByRole = new HashMap<>();

    NestedMapsPeer(RoleModel model) {
        model.bindings()
                .forEach(binding -> rolesByUser
                        .computeIfAbsent(binding.getFirst(), absent -> new ArrayList<>())
                        .add(binding.getLast()));
        model.roles()
                .forEach(role -> role.permissions()
                        .forEach(permission -> permissionsByRole
                                .computeIfAbsent(role.name(), absent -> new HashMap<>())
                                .computeIfAbsent(permission.type(), absent -> new HashMap<>())
                                .computeIfAbsent(permission.action(), absent -> new HashSet<>())
                                .add(permission.environment())));
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        Question[] asked = questions.toArray(Question[]::new);
        return i -> allows(asked[i]);
    }

    private boolean allows(Question question) {
        for (String role : rolesByUser.getOrDefault(question.user(), List.of())) {
            if (permissionsByRole
                    .getOrDefault(role, Map.of())
                    .getOrDefault(question.type(), Map.of())
                    .getOrDefault(question.action(), Set.of())
                    .contains(question.environment())) {
                return true;
            }
        }
        return false;
    }
}

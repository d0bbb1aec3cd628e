package dev.assize.benchmarks.peer;

import dev.assize.proto.v1.CheckRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * No engine: hash maps in hash maps, as one writes them by hand. A service of them gets its questions as everybody does, so
 * it begins with the bytes of the request's message, of which the message's generated code makes strings; or it is given
 * the strings, which shows the maps alone.
 */
final class NestedMapsPeer implements Peer {

    private final Form form;
    private final Map<String, Tenant> tenants;

    private NestedMapsPeer(Form form, RoleModel model) {
        this.form = form;
        this.tenants = Map.of(AssizePeer.TENANT.value(), new Tenant(model));
    }

    /** From the same bytes as {@link AssizePeer#desk}. */
    static NestedMapsPeer fromBytes(RoleModel model) {
        return new NestedMapsPeer(Form.BYTES, model);
    }

    static NestedMapsPeer givenStrings(RoleModel model) {
        return new NestedMapsPeer(Form.STRINGS, model);
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        return switch (form) {
            case BYTES -> {
                byte[][] messages = RequestStrings.messages(questions);
                yield i -> allows(messages[i]);
            }
            case STRINGS -> {
                Tenant tenant = tenant(AssizePeer.TENANT.value());
                Question[] asked = questions.toArray(Question[]::new);
                yield i -> tenant.allows(asked[i].user(), asked[i].type(), asked[i].action(), asked[i].environment());
            }
        };
    }

    private boolean allows(byte[] message) {
        CheckRequest request = RequestStrings.read(message);
        return tenant(request.getTenant())
                .allows(
                        RequestStrings.user(request),
                        RequestStrings.type(request),
                        request.getAction(),
                        request.getEnv());
    }

    private Tenant tenant(String name) {
        return Objects.requireNonNull(tenants.get(name));
    }

    private static final class Tenant {

        private final Map<String, List<String>> rolesByUser = new HashMap<>();

        /** Role, type, action: environments. */
        private final Map<String, Map<String, Map<String, Set<String>>>> permissionsByRole = new HashMap<>();

        Tenant(RoleModel model) {
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

        boolean allows(String user, String type, String action, String environment) {
            for (String role : rolesByUser.getOrDefault(user, List.of())) {
                if (permissionsByRole
                        .getOrDefault(role, Map.of())
                        .getOrDefault(type, Map.of())
                        .getOrDefault(action, Set.of())
                        .contains(environment)) {
                    return true;
                }
            }
            return false;
        }
    }
}

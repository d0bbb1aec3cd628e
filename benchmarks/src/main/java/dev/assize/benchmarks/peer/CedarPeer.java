package dev.assize.benchmarks.peer;

import com.cedarpolicy.BasicAuthorizationEngine;
import com.cedarpolicy.model.AuthorizationRequest;
import com.cedarpolicy.model.entity.Entities;
import com.cedarpolicy.model.entity.Entity;
import com.cedarpolicy.model.exception.AuthException;
import com.cedarpolicy.model.exception.CacheException;
import com.cedarpolicy.model.policy.Policy;
import com.cedarpolicy.model.policy.PolicySet;
import com.cedarpolicy.value.EntityTypeName;
import com.cedarpolicy.value.EntityUID;
import com.cedarpolicy.value.PrimString;
import dev.assize.benchmarks.peer.RoleModel.Role;
import dev.assize.benchmarks.peer.RoleModel.User;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/**
 * Cedar through cedar-java: a policy for each role, whose permissions are one set (a policy for each permission is slower
 * by far), the policy set parsed once and kept on the native side, roles as parents of the user, and of all entities only
 * the user's, since each call carries them across as JSON.
 */
final class CedarPeer implements Peer {

    private static final EntityTypeName USER = type("User");
    private static final EntityTypeName ROLE = type("Role");
    private static final EntityTypeName ACTION = type("Action");

    private final BasicAuthorizationEngine engine = new BasicAuthorizationEngine();
    private final PolicySet policies;
    private final Map<String, Entities> entitiesByUser = new HashMap<>();

    CedarPeer(RoleModel model) throws CacheException {
        Set<Policy> texts = new HashSet<>();
        model.roles().forEach(role -> texts.add(new Policy(text(role), role.name())));
        policies = new PolicySet(texts);
        policies.cache();
        model.users().forEach(user -> entitiesByUser.put(user.name(), entities(model, user)));
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        AuthorizationRequest[] requests =
                questions.stream().map(CedarPeer::request).toArray(AuthorizationRequest[]::new);
        Entities[] entities = questions.stream()
                .map(question -> Objects.requireNonNull(entitiesByUser.get(question.user())))
                .toArray(Entities[]::new);
        return i -> allows(requests[i], entities[i]);
    }

    private boolean allows(AuthorizationRequest request, Entities entities) {
        try {
            return engine.isAuthorized(request, policies, entities)
                    .success
                    .orElseThrow()
                    .isAllowed();
        } catch (AuthException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String text(Role role) {
        String permissions = role.permissions().stream()
                .map(permission -> '"' + text(permission) + '"')
                .collect(Collectors.joining(", "));
        return "permit(principal in Role::\"%s\", action, resource) when { [%s].contains(context.permission) };"
                .formatted(role.name(), permissions);
    }

    private static String text(Permission permission) {
        return permission.type() + "/" + permission.action() + "/" + permission.environment();
    }

    private static Entities entities(RoleModel model, User user) {
        Set<EntityUID> roles = model.rolesOf(user).stream()
                .map(role -> new EntityUID(ROLE, role.name()))
                .collect(Collectors.toSet());
        return new Entities(Set.of(new Entity(new EntityUID(USER, user.name()), roles)));
    }

    private static AuthorizationRequest request(Question question) {
        return new AuthorizationRequest(
                new EntityUID(USER, question.user()),
                new EntityUID(ACTION, question.action()),
                new EntityUID(type(question.type()), question.id()),
                Map.of("permission", new PrimString(text(question.permission()))));
    }

    private static EntityTypeName type(String name) {
        return EntityTypeName.parse(name).orElseThrow();
    }
}

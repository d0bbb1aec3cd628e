package dev.assize.benchmarks.peer;

import dev.assize.benchmarks.peer.RoleModel.Role;
import io.sapl.api.model.Value;
import io.sapl.api.pdp.AuthorizationSubscription;
import io.sapl.api.pdp.Decision;
import io.sapl.api.pdp.configuration.CombiningAlgorithm;
import io.sapl.api.pdp.configuration.CombiningAlgorithm.DefaultDecision;
import io.sapl.api.pdp.configuration.CombiningAlgorithm.ErrorHandling;
import io.sapl.api.pdp.configuration.CombiningAlgorithm.VotingMode;
import io.sapl.pdp.BlockingPolicyDecisionPoint;
import io.sapl.pdp.PolicyDecisionPointBuilder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntPredicate;

/**
 * SAPL 4, embedded: a policy for each permission, which its index tells apart by their equalities, with the user's roles in
 * the request; asked once, without its reactive streams.
 */
final class SaplPeer implements Peer {

    private static final CombiningAlgorithm ANY_PERMIT =
            new CombiningAlgorithm(VotingMode.PRIORITY_PERMIT, DefaultDecision.DENY, ErrorHandling.PROPAGATE);

    private final BlockingPolicyDecisionPoint pdp;
    private final Map<String, Value> rolesByUser = new HashMap<>();

    SaplPeer(RoleModel model) {
        List<String> policies = new ArrayList<>();
        for (Role role : model.roles()) {
            for (Permission permission : role.permissions()) {
                policies.add(policy(policies.size(), role, permission));
            }
        }
        pdp = PolicyDecisionPointBuilder.withDefaults()
                .withCombiningAlgorithm(ANY_PERMIT)
                .withPolicies(policies.toArray(String[]::new))
                .build()
                .pdp();
        model.users()
                .forEach(user -> rolesByUser.put(
                        user.name(),
                        Value.ofArray(model.rolesOf(user).stream()
                                .<Value>map(role -> Value.of(role.name()))
                                .toList())));
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        AuthorizationSubscription[] subscriptions =
                questions.stream().map(this::subscription).toArray(AuthorizationSubscription[]::new);
        return i -> pdp.decideOnce(subscriptions[i]).decision() == Decision.PERMIT;
    }

    private AuthorizationSubscription subscription(Question question) {
        return new AuthorizationSubscription(
                Objects.requireNonNull(rolesByUser.get(question.user())),
                Value.of(question.action()),
                Value.of(question.type()),
                Value.of(question.environment()),
                Value.EMPTY_OBJECT);
    }

    private static String policy(int number, Role role, Permission permission) {
        return """
                policy "policy-%d"
                permit
                    resource == "%s";
                    action == "%s";
                    environment == "%s";
                    "%s" in subject;
                """.formatted(number, permission.type(), permission.action(), permission.environment(), role.name());
    }
}

package dev.assize.benchmarks.peer;

import dev.assize.proto.v1.CheckRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.casbin.jcasbin.main.CachedEnforcer;
import org.casbin.jcasbin.main.Enforcer;
import org.casbin.jcasbin.model.Model;

/** jCasbin: a policy line for each permission, the cheap comparisons of the matcher first. */
final class JCasbinPeer implements Peer {

    private static final String MODEL = """
            [request_definition]
            r = sub, obj, act, env

            [policy_definition]
            p = sub, obj, act, env

            [role_definition]
            g = _, _

            [policy_effect]
            e = some(where (p.eft == allow))

            [matchers]
            m = r.act == p.act && r.obj == p.obj && r.env == p.env && g(r.sub, p.sub)
            """;

    private final Enforcer enforcer;
    private final Form form;
    private final boolean isCached;

    private JCasbinPeer(Enforcer enforcer, Form form, RoleModel model) {
        this.enforcer = enforcer;
        this.form = form;
        this.isCached = enforcer instanceof CachedEnforcer;
        List<List<String>> policies = new ArrayList<>();
        model.roles()
                .forEach(role -> role.permissions()
                        .forEach(permission -> policies.add(List.of(
                                role.name(), permission.type(), permission.action(), permission.environment()))));
        enforcer.addPolicies(policies);
        enforcer.addGroupingPolicies(model.bindings().toList());
    }

    static JCasbinPeer plain(RoleModel model) {
        return new JCasbinPeer(new Enforcer(casbinModel()), Form.STRINGS, model);
    }

    /** With its cache of whole questions: asked twice, a question is a look-up. From the same bytes as {@link AssizePeer#desk}. */
    static JCasbinPeer cachedFromBytes(RoleModel model) {
        return new JCasbinPeer(new CachedEnforcer(casbinModel()), Form.BYTES, model);
    }

    static JCasbinPeer cachedGivenStrings(RoleModel model) {
        return new JCasbinPeer(new CachedEnforcer(casbinModel()), Form.STRINGS, model);
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        Object[][] asked = questions.stream()
                .map(question ->
                        new Object[] {question.user(), question.type(), question.action(), question.environment()})
                .toArray(Object[][]::new);
        if (isCached) {
            // With many policies the first answers take longer than any warm-up; they are not what a cache is for.
            Stream.of(asked).forEach(enforcer::enforce);
        }
        return switch (form) {
            case BYTES -> {
                byte[][] messages = RequestStrings.messages(questions);
                yield i -> allows(messages[i]);
            }
            case STRINGS -> i -> enforcer.enforce(asked[i]);
        };
    }

    private boolean allows(byte[] message) {
        CheckRequest request = RequestStrings.read(message);
        return enforcer.enforce(
                RequestStrings.user(request), RequestStrings.type(request), request.getAction(), request.getEnv());
    }

    private static Model casbinModel() {
        Model model = new Model();
        model.loadModelFromText(MODEL);
        return model;
    }
}

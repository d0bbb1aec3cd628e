package dev.assize.benchmarks.world;

import com.cedarpolicy.BasicAuthorizationEngine;
import com.cedarpolicy.model.AuthorizationRequest;
import com.cedarpolicy.model.entity.Entities;
import com.cedarpolicy.model.exception.AuthException;
import com.cedarpolicy.model.exception.CacheException;
import dev.assize.benchmarks.ServiceBenchmark;
import dev.assize.benchmarks.peer.AssizeDesk;
import dev.assize.server.decision.DecisionService;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/** The engines that can say what the worlds need, and the proof that they agree with plain code. */
public final class WorldEngines {

    public static final List<String> NAMES = List.of("assize", "cedar-java");

    private WorldEngines() {}

    /** The answer to the question of an index. */
    public static IntPredicate open(String engine, World world) throws CacheException, AuthException {
        return switch (engine) {
            case "assize" -> assize(world);
            case "cedar-java" -> cedar(world);
            default -> throw new IllegalArgumentException("engine `" + engine + "`: expected one of " + NAMES);
        };
    }

    /** Throws where the engine answers a question otherwise than plain code does. */
    public static void requireEqualAnswers(String engine, World world) throws CacheException, AuthException {
        IntPredicate asked = open(engine, world);
        for (int i = 0; i < world.asked().size(); i++) {
            Asked question = world.asked().get(i);
            if (asked.test(i) != question.allowed()) {
                throw new AssertionError(engine + " answers " + !question.allowed() + " to " + question.query());
            }
        }
    }

    private static IntPredicate assize(World world) {
        DecisionService service =
                ServiceBenchmark.service(Map.of(world.policy().scope().tenant().orElseThrow(), world.policy()));
        return AssizeDesk.of(service, world.asked().stream().map(Asked::query).toList());
    }

    /** Parsed once and kept on the native side; with each question only the entities that it needs. */
    private static IntPredicate cedar(World world) throws CacheException, AuthException {
        com.cedarpolicy.model.policy.PolicySet policies =
                com.cedarpolicy.model.policy.PolicySet.parsePolicies(world.cedar());
        policies.cache();
        AuthorizationRequest[] requests =
                world.asked().stream().map(Asked::request).toArray(AuthorizationRequest[]::new);
        Entities[] entities = world.asked().stream().map(Asked::entities).toArray(Entities[]::new);
        BasicAuthorizationEngine engine = new BasicAuthorizationEngine();
        return i -> {
            try {
                return engine.isAuthorized(requests[i], policies, entities[i])
                        .success
                        .orElseThrow()
                        .isAllowed();
            } catch (AuthException e) {
                throw new IllegalStateException(e);
            }
        };
    }
}

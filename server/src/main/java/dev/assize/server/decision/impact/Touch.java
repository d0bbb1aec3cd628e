package dev.assize.server.decision.impact;

import dev.assize.server.model.Action;
import dev.assize.server.policy.AnyOf;
import java.util.List;

/** Types and actions whose answers may have to do with something. */
record Touch(AnyOf<String> types, AnyOf<Action> actions) {

    static final Touch EVERYTHING = new Touch(new AnyOf.All<>(), new AnyOf.All<>());

    static Touch ofType(String type) {
        return new Touch(new AnyOf.Listed<>(List.of(type)), new AnyOf.All<>());
    }

    boolean covers(String type, Action action) {
        return types.contains(type) && actions.contains(action);
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.Obligation;
import java.util.List;

/**
 * What a bound role says, by itself and by what it inherits, to a type, action and environment.
 *
 * @param permissions that say so, in the order in which they decide, never none
 * @param obligations of all of them for an allow, of the first for a deny
 */
public record Rule(List<CarriedPermission> permissions, List<Obligation> obligations) {

    public Rule {
        permissions = List.copyOf(permissions);
        obligations = List.copyOf(obligations);
    }

    /** The one that decides. */
    CarriedPermission first() {
        return permissions.getFirst();
    }
}

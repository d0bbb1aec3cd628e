package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.Obligation;
import java.util.List;

/**
 * What a bound role says, by itself and by what it inherits, to a type, action and environment.
 *
 * @param role that carries the first permission that says so, by role name, then position
 * @param position of that permission in the role
 * @param obligations of all its permissions that say so for an allow, of the first for a deny
 */
public record Rule(String role, int position, List<Obligation> obligations) {
    public Rule {
        obligations = List.copyOf(obligations);
    }
}

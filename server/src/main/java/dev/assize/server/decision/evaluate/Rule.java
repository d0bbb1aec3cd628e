package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.condition.Condition;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a bound role says, by itself and by what it inherits, to a type, action and environment: permissions of one
 * effect, in the order in which they decide, never none.
 */
public final class Rule {

    private final CarriedPermission[] permissions;
    private final @Nullable Condition @Nullable [] conditions;
    private final List<Obligation> obligations;

    /**
     * A rule.
     *
     * @param conditions of the permissions, null for those that always hold
     * @param obligations of all permissions for an allow, of the first for a deny
     */
    public Rule(List<CarriedPermission> permissions, @Nullable Condition[] conditions, List<Obligation> obligations) {
        this.permissions = permissions.toArray(CarriedPermission[]::new);
        this.conditions = Arrays.stream(conditions).allMatch(Objects::isNull) ? null : conditions;
        this.obligations = List.copyOf(obligations);
    }

    /** The one that decides where all hold. */
    CarriedPermission first() {
        return permissions[0];
    }

    int size() {
        return permissions.length;
    }

    CarriedPermission permission(int position) {
        return permissions[position];
    }

    /** Whether some permission may not hold. */
    boolean isConditional() {
        return conditions != null;
    }

    /** The condition of a permission; null where it always holds. */
    @Nullable
    Condition condition(int position) {
        return conditions == null ? null : conditions[position];
    }

    /** What is owed where all hold. */
    List<Obligation> obligations() {
        return obligations;
    }
}

package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.Document.Permission;
import java.util.Comparator;

/**
 * A permission and where it stands.
 *
 * @param role that carries it
 * @param position in that role, from 0
 */
public record CarriedPermission(String role, int position, Permission permission) {

    /** By role name, then position: the order in which permissions decide. */
    public static final Comparator<CarriedPermission> ORDER = Comparator.comparing(
                    CarriedPermission::role, Utf8Order.INSTANCE)
            .thenComparingInt(CarriedPermission::position);
}

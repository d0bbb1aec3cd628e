package dev.assize.server.decision.evaluate;

import dev.assize.server.model.ResourcePath;
import java.util.Comparator;

/**
 * A resource that a policy knows by name.
 *
 * @param mentions how many scopes and documents name it
 */
public record KnownResource(ResourcePath path, int mentions) {

    /** By type, then path. */
    public static final Comparator<KnownResource> ORDER = Comparator.comparing(
                    (KnownResource known) -> known.path().type(), Utf8Order.INSTANCE)
            .thenComparing(known -> known.path().value(), Utf8Order.INSTANCE);

    /** An estimate of its heap, its path not counted. */
    public static final long WEIGHT_BYTES = 32;
}

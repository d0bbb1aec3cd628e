package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.condition.Condition;
import org.jspecify.annotations.Nullable;

/**
 * What a grant is limited by, apart from whom it names; grants that are limited alike share one object.
 *
 * @param scope null where it covers everything
 * @param when null where it always holds
 * @param timed whether its binding begins or ends
 */
public record GrantTerms(
        @Nullable GrantScope scope, @Nullable Condition when, boolean timed) {

    /** An estimate of its heap, for the cache. */
    public long weightBytes() {
        return 24 + (scope == null ? 0 : scope.weightBytes());
    }
}

package dev.assize.server.decision.impact;

import dev.assize.server.decision.check.CheckQuery;

/**
 * A request that was decided, as far as it is on record.
 *
 * @param query without the attributes that it brought: those are not recorded
 * @param attributed whether it brought any
 * @param allowed how often it was allowed
 * @param denied how often it was denied
 * @param lastId the id of the newest of these decisions
 */
public record Recalled(CheckQuery query, boolean attributed, long allowed, long denied, String lastId) {

    long times() {
        return allowed + denied;
    }
}
